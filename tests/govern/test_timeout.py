"""Time-outs: which one holds, what the callee's owner may say, and attempts within the call."""

import pytest

from pie.govern import (
    ClientDeadline,
    LimitsRule,
    Retry,
    RetryRule,
    RuleSet,
    Scope,
    TimeoutRule,
    Verdicts,
    remaining,
)
from pie.model import Call, Failure, Kind, StaticEndpoint, current_call
from pie.testing import FakeClock

ME, CALLEE = "a.b.c", "d.e.f"


def call(timeout: float | None = None, usual: float | None = None) -> Call:
    made = Call("client", "thrift", caller=ME, callee=CALLEE, method="Get", timeout=timeout)
    made.usual_timeout = usual
    return made


def timeouts(**body: float) -> RuleSet[TimeoutRule]:
    return RuleSet(TimeoutRule, ME, "client", 3, [(Scope(callee=CALLEE), TimeoutRule(**body))])


def limits(**body: object) -> RuleSet[LimitsRule]:
    return RuleSet(LimitsRule, CALLEE, "callers", 5, [(Scope(), LimitsRule(**body))])


@pytest.mark.parametrize(
    ("asked", "rule", "usual", "default", "expected"),
    [
        (0.1, 0.2, 0.3, 0.4, 0.1),
        (None, 0.2, 0.3, 0.4, 0.2),
        (None, None, 0.3, 0.4, 0.3),
        (None, None, None, 0.4, 0.4),
        (None, None, None, None, 1.0),
    ],
)
def test_the_first_that_is_there_holds(
    asked: float | None,
    rule: float | None,
    usual: float | None,
    default: float | None,
    expected: float,
) -> None:
    clock, one = FakeClock(monotonic=100), call(asked, usual)
    gate = ClientDeadline(timeouts(total=rule), limits(default_timeout=default), clock=clock)
    gate.enter(one)
    assert (one.timeout, one.deadline) == (expected, 100 + expected)


def test_the_call_notes_whose_number_it_is() -> None:
    one, other = call(), call()
    ClientDeadline(timeouts(total=0.2)).enter(one)
    assert one.notes == ["time-out 200 ms: timeout v3 callee=d.e.f"]
    ClientDeadline(None, limits(default_timeout=0.4)).enter(other)
    assert other.notes == ["time-out 400 ms, the callee's default: limits v5"]


def test_the_least_of_the_callee_raises_what_is_configured_and_no_single_call() -> None:
    verdicts = Verdicts()
    gate = ClientDeadline(timeouts(total=0.02), limits(least_timeout=0.1), verdicts=verdicts)
    ruled, asked = call(), call(0.03)
    gate.enter(ruled)
    gate.enter(asked)
    assert (ruled.timeout, asked.timeout) == (0.1, 0.03)
    assert ruled.notes[1] == "time-out raised to 100 ms, the callee's least: limits v5"
    assert {(count.key.kind, count.verdict): count.calls for count in verdicts.take()} == {
        ("timeout", "limited"): 2,
        ("limits", "limited"): 1,
        ("limits", "admitted"): 1,
    }


def test_the_deadline_of_the_call_being_served_ends_it_sooner() -> None:
    clock = FakeClock(monotonic=100)
    parent = Call("server", "thrift", caller="x.y.z", callee=ME, method="Serve")
    parent.deadline = 100.05
    token = current_call.set(parent)
    try:
        one = call()
        gate = ClientDeadline(timeouts(total=2.0, reserve=0.01), limits(least_timeout=1.0))
        gate._clock = clock
        gate.enter(one)
    finally:
        current_call.reset(token)
    assert one.deadline == pytest.approx(100.04)


def test_an_attempt_ends_by_its_own_timeout_within_the_call() -> None:
    clock, one = FakeClock(monotonic=100), call()
    ClientDeadline(timeouts(total=1.0, attempt=0.3, connect=0.1), clock=clock).enter(one)
    one.attempt_start = 100.0
    assert remaining(one, clock) == pytest.approx(0.3)
    assert remaining(one, clock, whole=True) == 1.0
    one.attempt_start = 100.9
    clock.advance(0.9)
    assert remaining(one, clock) == pytest.approx(0.1)
    assert one.connect_timeout == 0.1


def failed(failure: Failure, attempts: int = 1) -> Call:
    one = call()
    one.attempts = attempts
    one.target = StaticEndpoint("a", "default", "10.0.0.1", 80, "ttheader")
    one.candidates = (one.target,)
    one.fail(failure)
    return one


UNANSWERED = Failure(Kind.DEADLINE, "no answer in time")


@pytest.mark.parametrize(
    ("idempotent", "failure", "again"),
    [
        ({"Get"}, UNANSWERED, True),
        ({"G*"}, UNANSWERED, True),
        ({"Put"}, UNANSWERED, False),
        ({"Get"}, Failure(Kind.UNAVAILABLE, "said the peer", raised_by="peer"), False),
        ({"Get"}, Failure(Kind.INTERNAL, "broke"), False),
        (set(), Failure(Kind.UNAVAILABLE, "refused", never_sent=True), True),
    ],
)
def test_what_had_no_answer_is_tried_again_where_the_callee_allows_it(
    idempotent: set[str], failure: Failure, again: bool
) -> None:
    retry = Retry(limits=limits(idempotent=frozenset(idempotent)))
    assert (retry.pause(failed(failure)) is not None) == again


def test_the_callee_bounds_the_attempts() -> None:
    refused, verdicts = Failure(Kind.UNAVAILABLE, "refused", never_sent=True), Verdicts()
    retry = Retry(RetryRule(attempts=5), limits=limits(max_attempts=2), verdicts=verdicts)
    assert retry.pause(failed(refused, attempts=1)) is not None
    last = failed(refused, attempts=2)
    last.max_attempts = 10
    assert retry.pause(last) is None
    assert last.notes == ["not retried, the callee allows 2 attempts: limits v5"]
    assert [count.verdict for count in verdicts.take()] == ["limited"]


def test_an_attempt_longer_than_the_call_is_refused() -> None:
    with pytest.raises(ValueError, match="attempt: 2 s is above total, 1 s"):
        TimeoutRule(total=1.0, attempt=2.0)
