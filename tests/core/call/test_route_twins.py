"""Route and client deadlines in C against their twins: the same rules, endpoints, calls and times
give the same endpoints, clusters, time-outs, notes and counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.call import Course, Policies
from pie.call.gates import Gates
from pie.call.sync import OpenCall
from pie.govern import (
    ClientDeadline,
    DrainRule,
    LimitsRule,
    Route,
    RouteRule,
    RuleSet,
    Scope,
    TimeoutRule,
    Verdicts,
)
from pie.model import SYSTEM_CLOCK, Call, Failure, StaticEndpoint, current_call
from pie.testing import FakeClock

ME, CALLEE = "a.b.c", "d.e.f"
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NOW = 1000.0
"""Monotonic."""


@pytest.fixture(autouse=True)
def machine_time(native: Any) -> Iterator[None]:
    yield
    native.give_readings(None, None)


class Side:
    """One of the two: its gates, and what they counted."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.clock = FakeClock(monotonic=NOW, wall=BEGIN.timestamp())
        self.verdicts = Verdicts()
        self.version = 0

    def publish(self, route: Any, drain: Any, timeout: Any, limits: Any) -> None:
        self.version += 1
        clock = self.clock if self.native is None else SYSTEM_CLOCK

        def rules(kind: Any, psm: str, side: Any, given: Any) -> Any:
            return RuleSet(kind, psm, side, self.version, given) if given else None

        self.gates: list[Any] = [
            ClientDeadline(
                rules(TimeoutRule, ME, "client", timeout),
                rules(LimitsRule, CALLEE, "callers", limits),
                clock=clock,
                verdicts=self.verdicts,
            ),
            Route(
                lambda psm, cluster: f"nobody in {cluster}",
                rules=rules(RouteRule, CALLEE, "callers", route),
                drains=rules(DrainRule, CALLEE, "callers", drain),
                idc="lf",
                clock=clock,
                verdicts=self.verdicts,
            ),
        ]
        self.list = Gates(self.gates)
        if self.native is not None:
            assert [in_c for _, in_c in self.list.gates] == [True, True]

    def call(self, endpoints: Any, fields: dict[str, Any], left: float | None) -> Any:
        call = Call("client", "thrift", caller=ME, callee=CALLEE, method=fields["method"])
        for name, value in fields.items():
            setattr(call, name, value.copy() if isinstance(value, dict) else value)
        call.candidates = endpoints
        parent = Call("server", "thrift", caller="x.y.z", callee=ME, method="Serve")
        parent.deadline = None if left is None else self.clock.monotonic() + left
        token = current_call.set(parent)
        failure = ""
        try:
            if self.native is None:
                for gate in self.gates:
                    gate.enter(call)
            else:
                self.native.give_readings(self.clock.monotonic(), None, self.clock.wall())
                OpenCall(call, Course(self.list, SYSTEM_CLOCK), lambda seconds: None).start()
        except Failure as error:
            failure = error.message
        finally:
            current_call.reset(token)
        return (
            failure,
            call.candidates if not failure else (),
            call.callee_cluster,
            call.asked_cluster,
            [call.timeout, call.deadline, call.attempt_timeout, call.connect_timeout],
            call.notes,
        )


endpoint = st.builds(
    StaticEndpoint,
    id=st.sampled_from("abcdefgh"),
    cluster=st.sampled_from(["default", "default", "canary", "blue"]),
    host=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    port=st.just(80),
    transport=st.just("ttheader"),
    env=st.sampled_from(["", "", "", "lane"]),
    idc=st.sampled_from(["lf", "hl", ""]),
    tags=st.sampled_from([(), ("new",), ("old", "new")]),
    weight=st.sampled_from([100, 100, 50, 0]),
)
endpoints = st.lists(endpoint, max_size=8, unique_by=lambda each: each.id).map(tuple)
scopes = st.sampled_from(
    [Scope(), Scope(method="Get"), Scope(method="P*"), Scope(cluster="canary"), Scope(lane="lane")]
)
shares = st.dictionaries(
    st.sampled_from(["default", "canary", "gone"]), st.sampled_from([0.0, 1.0, 2.5])
).filter(lambda found: not found or any(found.values()))


def some(rules: Any) -> Any:
    return st.dictionaries(scopes, rules, max_size=3).map(lambda found: list(found.items()))


@st.composite
def routes(pick: Any) -> RouteRule:
    shift = pick(st.sampled_from(["", "canary", "gone"]))
    idc = pick(st.sampled_from(["none", "own", "shares"]))
    canary = pick(st.sampled_from(["", "new", "gone"]))
    return RouteRule(
        clusters=pick(shares),
        shift_to=shift,
        shift_begins=BEGIN + timedelta(minutes=pick(st.integers(-3, 3))) if shift else None,
        shift_minutes=pick(st.sampled_from([0.5, 4.0])),
        shift_most=pick(st.sampled_from([0.0, 40.0, 100.0])),
        canary=canary,
        canary_percent=pick(st.sampled_from([0.0, 30.0, 100.0])) if canary else 0.0,
        own_idc=idc == "own",
        spill_below=pick(st.sampled_from([0.7, 1.0])),
        idcs={"lf": 2.0, "hl": 1.0} if idc == "shares" else {},
        instances=pick(st.sampled_from([frozenset(), frozenset(), frozenset({"a", "z"})])),
        by=pick(st.sampled_from(["chain", "call", "user"])),
    )


names = st.frozensets(st.sampled_from(["a", "b", "10.0.0.1:80"]), max_size=2)
hosts = st.frozensets(st.sampled_from(["10.0.0.1", "10.0.0.9"]), max_size=1)
seconds = st.sampled_from([None, 0.05, 0.5, 3.0])
published = st.tuples(
    some(routes()),
    some(st.builds(DrainRule, instances=names, hosts=hosts)),
    some(
        st.builds(
            TimeoutRule,
            total=seconds,
            attempt=st.sampled_from([None, 0.02]),
            connect=st.sampled_from([None, 0.01]),
            reserve=st.sampled_from([0.0, 0.1]),
        )
    ),
    some(st.builds(LimitsRule, default_timeout=seconds, least_timeout=seconds)),
)
fields = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["Get", "Put"]),
        "callee_cluster": st.sampled_from(["", "", "default", "canary"]),
        "env": st.sampled_from(["", "", "lane", "stranger"]),
        "logid": st.text(st.sampled_from("0123456789abcdef\udc80é"), max_size=33),
        "span_id": st.sampled_from(["00", "01", "ff"]),
        "persist": st.sampled_from([{}, {"PIE_USER": "one"}, {"PIE_USER": ""}]),
        "pin": st.sampled_from(["", "", "", "", "10.0.0.1:80"]),
        "timeout": seconds,
        "usual_timeout": seconds,
        "detached": st.booleans(),
    }
)
steps = st.one_of(
    st.tuples(st.just("call"), fields, st.sampled_from([None, -1.0, 0.2, 9.0])),
    st.tuples(st.just("call"), fields, st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 30.0, 3600.0])),
    st.tuples(st.just("rules"), published),
    st.tuples(st.just("endpoints"), endpoints),
)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules=published, there=endpoints, events=st.lists(steps, max_size=20))
def test_both_decide_the_same(native: Any, rules: Any, there: Any, events: list[Any]) -> None:
    sides = [Side(None), Side(native)]
    for side in sides:
        side.publish(*rules)
    for kind, *what in events:
        if kind == "endpoints":
            (there,) = what
            continue
        found = []
        for side in sides:
            if kind == "wait":
                side.clock.advance(*what)
            elif kind == "rules":
                side.publish(*what[0])
            else:
                found.append(side.call(there, *what))
        if found:
            assert found[0] == found[1]
    assert sorted(sides[0].verdicts.take()) == sorted(sides[1].verdicts.take())


def test_rules_of_calls_made_stay_in_c(native: Any, bench: Any) -> None:
    psm = bench.psm

    class Source:
        def rule_sets(self) -> Any:
            sets = [
                RuleSet(RouteRule, CALLEE, "callers", 1, [(Scope(), RouteRule(own_idc=True))]),
                RuleSet(DrainRule, CALLEE, "callers", 1, [(Scope(), DrainRule())]),
                RuleSet(LimitsRule, CALLEE, "callers", 1, [(Scope(), LimitsRule())]),
                RuleSet(TimeoutRule, psm, "client", 1, [(Scope(), TimeoutRule(total=1.0))]),
            ]
            return {each.key: each for each in sets}

        def follow(self, changed: Any) -> None:
            pass

        def want(self, psm: str) -> None:
            pass

    course = Policies(bench.observer, source=Source()).client(CALLEE)
    for each in (course.gates, course.attempt_gates):
        assert all(in_c for _, in_c in each.gates)
