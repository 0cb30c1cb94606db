"""Stress and test traffic: who may send it, and that it stays apart over every hop."""

import contextlib

import pytest

from pie._core import native
from pie.call import Course, Driver
from pie.call.gates import Gates
from pie.govern import RuleSet, Scope, Stress, StressRule, Verdicts
from pie.model import LANE, SYSTEM_CLOCK, TRAFFIC, Call, Failure, Kind, take_persisted
from pie.testing import FakeClock

ME = "d.e.f"


def call(traffic: str, caller: str = "a.b.c") -> Call:
    made = Call("server", "thrift", caller=caller, callee=ME, method="Get")
    made.traffic = traffic
    return made


def gate(*rules: tuple[Scope, StressRule], verdicts: Verdicts | None = None) -> Stress:
    return Stress(
        RuleSet(StressRule, ME, "server", 2, rules), None, FakeClock(), verdicts or Verdicts()
    )


def test_a_service_that_is_not_ready_refuses_and_one_caller_may() -> None:
    verdicts = Verdicts()
    tester = (Scope(caller="load.test.main"), StressRule(refuse="none"))
    stress = gate((Scope(), StressRule()), tester, verdicts=verdicts)
    stress.enter(call(""))
    stress.enter(call("test"))
    stress.enter(call("stress", "load.test.main"))
    with pytest.raises(Failure, match=r"d\.e\.f refuses stress traffic \(stress v2\)") as caught:
        stress.enter(call("stress"))
    assert (caught.value.kind, caught.value.rule) == (Kind.DENIED, "stress v2")
    counts = {(count.scope, count.verdict): count.calls for count in verdicts.take()}
    assert counts == {
        ("", "admitted"): 1,
        ("caller=load.test.main", "admitted"): 1,
        ("", "rejected"): 1,
    }


def test_a_dry_run_only_says_so() -> None:
    one = call("stress")
    gate((Scope(), StressRule(dry_run=True))).enter(one)
    assert one.notes == ["would reject: stress v2"]


@pytest.mark.parametrize(("traffic", "outcome"), [("", "ok"), ("test", "ok"), ("stress", "denied")])
def test_it_decides_so_in_a_course(traffic: str, outcome: str) -> None:
    gates = Gates([gate((Scope(), StressRule()))])
    assert [in_c for _, in_c in gates.gates] == [native is not None]
    one = call(traffic)
    with contextlib.suppress(Failure):
        Driver(Course(gates, SYSTEM_CLOCK)).run(one, lambda each: None)
    assert one.outcome == outcome


@pytest.mark.parametrize(
    ("persist", "traffic", "env"),
    [
        ({TRAFFIC: "stress"}, "stress", ""),
        ({TRAFFIC: "test", LANE: "blue"}, "test", "blue"),
        ({TRAFFIC: "anything else"}, "", ""),
        ({LANE: "two\nlines"}, "", ""),
        ({LANE: "l" * 200}, "", ""),
    ],
)
def test_what_persists_is_read_and_bounded(persist: dict[str, str], traffic: str, env: str) -> None:
    one = call("")
    one.persist = persist
    take_persisted(one)
    assert (one.traffic, one.env) == (traffic, env)
