"""Balance in C against its twin: the same candidates, weights, loads and chances give the same
choices."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.leaks import growth

from pie.call import Course
from pie.call.gates import Gates
from pie.call.sync import OpenCall
from pie.govern import Balance, BalanceState
from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Call, StaticEndpoint


@pytest.fixture(autouse=True)
def machine_chance(native: Any) -> Iterator[None]:
    yield
    native.give_readings(None, None)


class Chance:
    """Numbers that were given."""

    def __init__(self) -> None:
        self.numbers: list[float] = []

    def random(self) -> float:
        return self.numbers.pop(0)


class Side:
    """One of the two, and the calls that it has in flight."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.chance = Chance()
        self.state = BalanceState()
        self.gate = Balance(self.state, random=SYSTEM_RANDOM if native else self.chance)
        self.course = Course(Gates([self.gate]), SYSTEM_CLOCK)
        self.running: list[Any] = []

    def begin(self, candidates: Any, tried: tuple[str, ...], chances: Any) -> Any:
        call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
        call.candidates, call.tried = candidates, tried
        if self.native is None:
            self.chance.numbers = list(chances)
            self.gate.enter(call)
            self.running.append(call)
        else:
            assert [in_c for _, in_c in self.course.gates.gates] == [True]
            self.native.give_readings(None, list(chances))
            opened = OpenCall(call, self.course, lambda seconds: None)
            opened.start()
            self.running.append(opened)
        return call.target, call.peer, call.version, dict(self.state.pending)

    def end(self, number: int) -> None:
        if number < len(self.running):
            done = self.running.pop(number)
            if self.native is None:
                self.gate.leave(done)
            else:
                done.succeed("answer")


endpoint = st.builds(
    StaticEndpoint,
    id=st.sampled_from("abcdef"),
    cluster=st.just("default"),
    host=st.just("10.0.0.1"),
    port=st.integers(80, 82),
    transport=st.just("ttheader"),
    weight=st.sampled_from([100, 100, 100, 50, 7, 1, 0, 10_000]),
)
lists = st.lists(endpoint, min_size=1, max_size=6, unique_by=lambda each: each.id)
candidates = st.one_of(lists.map(tuple), lists.map(tuple), lists)
chances = st.one_of(
    st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 0.5, 1 - 2**-53, 1 / 3])
)
begins = st.tuples(
    st.just("begin"),
    st.sampled_from([(), (), (), ("a",), tuple("abcdef")]),
    st.tuples(chances, chances),
)
steps = st.one_of(
    begins,
    begins,
    begins,
    st.tuples(st.just("end"), st.integers(0, 3)),
    st.tuples(st.just("there"), candidates),
)


@settings(max_examples=examples(100), deadline=None)
@given(there=candidates, events=st.lists(steps, max_size=40))
def test_both_choose_the_same(native: Any, there: Any, events: list[Any]) -> None:
    sides = [Side(None), Side(native)]
    for kind, *what in events:
        if kind == "there":
            (there,) = what
        elif kind == "end":
            for side in sides:
                side.end(*what)
        else:
            twin, core = (side.begin(there, *what) for side in sides)
            assert core == twin
    assert sides[0].state.pending == sides[1].state.pending


def test_lists_leave_no_memory_behind(native: Any) -> None:
    side = Side(native)

    def choose() -> None:
        there = tuple(
            StaticEndpoint(str(n), "default", "h", 80, "ttheader", weight=n + 1) for n in range(20)
        )
        side.begin(there, (), (0.7, 0.2))
        side.begin(there, ("3",), (0.7, 0.2))
        side.end(0)
        side.end(0)

    assert growth(choose, 200) < 20
