"""Access and rate in C against their twins: the same random events give the same decisions, notes,
counts and levels, to the last bit. Time is given to both."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.leaks import growth

from pie.call import Course, Driver
from pie.call.gates import Gates
from pie.govern import (
    Access,
    AccessRule,
    AccessState,
    Rate,
    RateRule,
    RateState,
    RuleSet,
    Scope,
    Verdicts,
)
from pie.model import SYSTEM_CLOCK, Call, Failure
from pie.testing import FakeClock

PSM = "d.e.f"
LEVELS = 4
"""Fewer than callers: strangers share a level."""


@pytest.fixture(autouse=True)
def machine_time(native: Any) -> Iterator[None]:
    yield
    native.give_readings(None, None)


class Side:
    """One of the two: the gates over their own state, and what they said."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.clock = FakeClock(monotonic=100.0)
        self.state = RateState(LEVELS)
        self.verdicts = Verdicts()
        self.gates: list[Any] = []
        self.version = 0

    def publish(self, access: list[Any], rate: list[Any]) -> None:
        self.version += 1
        clock = self.clock if self.native is None else SYSTEM_CLOCK
        self.gates = [
            Access(
                RuleSet(AccessRule, PSM, "server", self.version, access),
                AccessState(),
                clock,
                self.verdicts,
            ),
            Rate(
                RuleSet(RateRule, PSM, "server", self.version, rate),
                self.state,
                clock,
                self.verdicts,
            ),
        ]
        if self.native is not None:
            self.list = Gates(self.gates)
            assert [in_c for _, in_c in self.list.gates] == [True, True]
            self.driver = Driver(Course(self.list, SYSTEM_CLOCK))

    def call(self, caller: str, method: str, lane: str) -> tuple[str, str, list[str]]:
        call = Call("server", "thrift", caller=caller, callee=PSM, method=method)
        call.env = lane
        try:
            if self.native is None:
                for gate in self.gates:
                    gate.enter(call)
            else:
                self.native.give_readings(self.clock.monotonic(), None)
                self.driver.run(call, lambda each: None)
        except Failure as failure:
            return failure.message, failure.rule, call.notes
        return "", "", call.notes

    def levels(self) -> Any:
        named = {
            key: tuple(
                getattr(level, name) for name in ("calls", "at", "stored", "asked", "empty", "came")
            )
            for key, level in self.state.levels._entries.items()
        }
        return named, sorted(self.verdicts.take())


callers = st.sampled_from([f"c{number}" for number in range(8)] + ["", "cé"])
methods = st.sampled_from(["m", "n"])
lanes = st.sampled_from(["", "l"])
scopes = st.sampled_from(
    [
        Scope(caller=caller, method=method, lane=lane)
        for caller in ("*", "c*", "c0", "c1", "(none)", frozenset({"c1", "c2"}))
        for method in ("*", "m")
        for lane in ("*", "l")
    ]
)


def some(rules: Any) -> Any:
    return st.dictionaries(scopes, rules, max_size=3).map(lambda found: list(found.items()))


accesses = some(st.builds(AccessRule, st.sampled_from(["allow", "deny"]), st.booleans()))
rates = some(
    st.builds(
        RateRule,
        qps=st.sampled_from([0.3, 1.0, 2.7, 50.0]),
        burst=st.sampled_from([0.1, 1.0, 3.3]),
        per=st.sampled_from(["instance", "service"]),
        warm_up=st.sampled_from([0.0, 0.0, 1.5, 30.0]),
        dry_run=st.booleans(),
    )
)
steps = st.one_of(
    st.tuples(st.just("call"), st.tuples(callers, methods, lanes), st.integers(1, 5)),
    st.tuples(st.just("call"), st.tuples(callers, methods, lanes), st.integers(1, 5)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.3, 1.0, 7.7, 1e4, 1e9])),
    st.tuples(st.just("rules"), accesses, rates),
    st.tuples(st.just("peers"), st.integers(0, 3)),
    st.tuples(st.just("parts"), st.integers(0, LEVELS), st.sampled_from([0.0, 0.05, 0.5, 1.0])),
)


@settings(max_examples=150, deadline=None)
@given(access=accesses, rate=rates, events=st.lists(steps, max_size=25))
def test_both_decide_the_same(native: Any, access: Any, rate: Any, events: list[Any]) -> None:
    sides = [Side(None), Side(native)]
    for side in sides:
        side.publish(access, rate)
    for kind, *what in events:
        for side in sides:
            if kind == "wait":
                side.clock.advance(what[0])
            elif kind == "rules":
                side.publish(*what)
            elif kind == "peers":
                side.state.shares.count(["default"] * what[0])
            elif kind == "parts":
                for _, level in side.state.levels.entries()[what[0] :]:
                    level.part = what[1]
        if kind == "call":
            for _ in range(what[1]):
                twin, core = (side.call(*what[0]) for side in sides)
                assert core == twin
    twin_levels, core_levels = (side.levels() for side in sides)
    assert core_levels == twin_levels


def test_more_subjects_than_the_table_holds(native: Any) -> None:
    sides = [Side(None), Side(native)]
    for side in sides:
        side.state = RateState()
        side.publish([(Scope(caller="c7*"), AccessRule("deny"))], [(Scope(), RateRule(qps=1.5))])
    for number in [*range(6000), *range(6000)]:
        twin, core = (side.call(f"c{number}", "m", "") for side in sides)
        assert core == twin
    assert sides[1].levels() == sides[0].levels()


def test_an_answer_of_another_type_is_an_error(native: Any) -> None:
    rules: Any = RuleSet(AccessRule, PSM, "server", 1, [(Scope(), AccessRule())])
    gate = Access(rules, AccessState(), SYSTEM_CLOCK, Verdicts())
    gate._answer = lambda call, now: None  # type: ignore[method-assign]
    with pytest.raises(Failure, match=r"answer must be a .*Decision, not NoneType"):
        Driver(Course(Gates([gate]), SYSTEM_CLOCK)).run(
            Call("server", "thrift", caller="a", callee=PSM, method="m"), lambda each: None
        )
    for wrong in [(None, None, ((1, 2),)), (None, None, ((native.Counts(), 6),))]:
        with pytest.raises((TypeError, ValueError)):
            native.Decision(*wrong)
    with pytest.raises((TypeError, AttributeError)):
        native.Limits(False, (1,))
    with pytest.raises(ValueError, match="no verdict 6"):
        native.Counts().count(6, [])


@pytest.mark.slow
def test_nothing_is_left_behind(native: Any) -> None:
    def act() -> None:
        side = Side(native)
        side.publish([(Scope(caller="x"), AccessRule("deny"))], [(Scope(), RateRule(qps=0.5))])
        for number in range(20):
            side.call(f"c{number % 7}", "m", "")
        side.verdicts.take()

    act()
    assert growth(act, 50) < 50


def test_chance_and_time_can_be_given(native: Any) -> None:
    for wrong in (("x", None), (None, 5)):
        with pytest.raises(TypeError):
            native.give_readings(*wrong)
