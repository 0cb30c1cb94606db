import pytest

from pie.govern import ClientDeadline, RuleSet, Scope, ServerDeadline, TimeoutRule, remaining
from pie.model import Call, Failure, Kind, current_call
from pie.testing import FakeClock


def outgoing(timeout: float | None = None) -> Call:
    return Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get", timeout=timeout)


def ruled(rule: TimeoutRule) -> RuleSet[TimeoutRule]:
    return RuleSet(TimeoutRule, "a.b.c", "client", 1, [(Scope(), rule)])


def incoming(timeout: float | None, received: float = 0.0) -> Call:
    call = Call("server", "thrift", caller="a.b.c", callee="d.e.f", method="Get", timeout=timeout)
    call.received = received
    return call


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(monotonic=100.0)


@pytest.fixture
def serving(clock: FakeClock):
    """Serve a call with this many seconds left."""
    tokens = []

    def serve(seconds: float | None) -> Call:
        call = incoming(seconds)
        call.deadline = None if seconds is None else clock.monotonic() + seconds
        tokens.append(current_call.set(call))
        return call

    yield serve
    for token in reversed(tokens):
        current_call.reset(token)


def test_a_call_without_a_wish_gets_the_default(clock: FakeClock) -> None:
    call = outgoing()
    ClientDeadline(clock=clock).enter(call)
    assert call.deadline == 101.0
    assert remaining(call, clock) == 1.0


def test_its_own_timeout_wins_over_the_default(clock: FakeClock) -> None:
    call = outgoing(timeout=0.2)
    ClientDeadline(ruled(TimeoutRule(total=5.0)), clock=clock).enter(call)
    assert call.deadline == pytest.approx(100.2)


def test_a_sooner_deadline_is_inherited_less_the_reserve(clock: FakeClock, serving) -> None:
    serving(0.3)
    call = outgoing()
    ClientDeadline(ruled(TimeoutRule(reserve=0.05)), clock=clock).enter(call)
    assert call.deadline == pytest.approx(100.25)
    assert any("inherited" in note for note in call.notes)


def test_a_later_deadline_is_not(clock: FakeClock, serving) -> None:
    serving(60.0)
    call = outgoing()
    ClientDeadline(clock=clock).enter(call)
    assert call.deadline == 101.0


def test_a_detached_call_inherits_nothing(clock: FakeClock, serving) -> None:
    serving(0.3)
    call = outgoing()
    call.detached = True
    ClientDeadline(clock=clock).enter(call)
    assert call.deadline == 101.0


def test_no_time_left_rejects_before_anything_is_sent(clock: FakeClock, serving) -> None:
    serving(0.3)
    clock.advance(0.3)
    with pytest.raises(Failure, match="no time left") as caught:
        ClientDeadline(clock=clock).enter(outgoing())
    assert caught.value.kind == Kind.DEADLINE
    assert caught.value.never_sent


def test_the_server_counts_from_the_first_byte(clock: FakeClock) -> None:
    call = incoming(0.5, received=99.8)
    ServerDeadline(clock=clock).enter(call)
    assert call.deadline == pytest.approx(100.3)


def test_what_arrives_expired_is_rejected(clock: FakeClock) -> None:
    with pytest.raises(Failure, match="too late") as caught:
        ServerDeadline(clock=clock).enter(incoming(0.1, received=99.8))
    assert caught.value.kind == Kind.DEADLINE


def test_a_caller_without_a_deadline_gives_none(clock: FakeClock) -> None:
    call = incoming(None)
    ServerDeadline(clock=clock).enter(call)
    assert call.deadline is None
    assert remaining(call, clock) is None
