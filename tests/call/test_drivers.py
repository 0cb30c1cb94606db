"""The contract of gates, through both drivers: every test runs on threads and on asyncio."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pie.call import AsyncDriver, Course, Driver, Gates
from pie.govern import Retry, RetryRule
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock


class Spy:
    """A gate that writes down what happens to it."""

    def __init__(self, name: str, log: list[str], enter: Any = None, leave: Any = None) -> None:
        self._name, self._log, self._enter, self._leave = name, log, enter, leave

    def enter(self, call: Call) -> float | None:
        self._log.append(f"+{self._name}")
        return self._enter(call) if self._enter else None

    def leave(self, call: Call) -> None:
        self._log.append(f"-{self._name}:{call.outcome}")
        if self._leave:
            self._leave(call)


class Bench:
    """Runs one call through gates by either driver, on a fake clock."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self.clock = FakeClock(monotonic=10.0)
        self.log: list[str] = []
        self.slept: list[float] = []
        self.attempts: list[Call] = []
        self.call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")

    def spy(self, name: str, **options: Any) -> Spy:
        return Spy(name, self.log, **options)

    def run(
        self,
        action: Callable[[Call], Any],
        gates: list[Spy],
        attempt_gates: list[Spy] | None = None,
        attempts: int = 1,
    ) -> Any:
        course = Course(
            gates=Gates(gates),
            clock=self.clock,
            attempt_gates=None if attempt_gates is None else Gates(attempt_gates),
            retry=Retry(RetryRule(attempts=attempts), clock=self.clock) if attempts > 1 else None,
            on_attempt=self.attempts.append,
        )
        if not self.asynchronous:
            return Driver(course, self._sleep).run(self.call, action)

        async def act(call: Call) -> Any:
            return action(call)

        async def sleep(seconds: float) -> None:
            self._sleep(seconds)

        return asyncio.run(AsyncDriver(course, sleep).run(self.call, act))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)


@pytest.fixture(params=[False, True], ids=["sync", "asyncio"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def reject(kind: Kind = Kind.DENIED, **options: Any) -> Callable[[Call], None]:
    def enter(_call: Call) -> None:
        raise Failure(kind, "rejected", **options)

    return enter


def test_gates_are_entered_in_order_and_left_in_reverse(bench: Bench) -> None:
    result = bench.run(lambda call: 42, [bench.spy("a"), bench.spy("b")])
    assert result == 42
    assert bench.log == ["+a", "+b", "-b:ok", "-a:ok"]


def test_a_rejection_leaves_only_what_was_entered(bench: Bench) -> None:
    with pytest.raises(Failure, match="rejected"):
        bench.run(
            lambda call: pytest.fail("must not run"),
            [bench.spy("a"), bench.spy("b", enter=reject()), bench.spy("c")],
        )
    assert bench.log == ["+a", "+b", "-a:denied"]


def test_a_failing_action_is_seen_by_every_gate(bench: Bench) -> None:
    def action(call: Call) -> None:
        raise ValueError("broken")

    with pytest.raises(Failure) as caught:
        bench.run(action, [bench.spy("a")])
    assert bench.log == ["+a", "-a:internal"]
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(1)])
def test_cancellation_leaves_the_gates_and_passes_through(
    bench: Bench, error: BaseException
) -> None:
    def action(call: Call) -> None:
        raise error

    with pytest.raises(type(error)):
        bench.run(action, [bench.spy("a")], [bench.spy("b")])
    assert bench.log == ["+a", "+b", "-b:cancelled", "-a:cancelled"]


def test_a_gate_may_replace_the_outcome(bench: Bench) -> None:
    def action(call: Call) -> None:
        raise Failure(Kind.UNAVAILABLE, "down")

    def fall_back(call: Call) -> None:
        call.succeed("plan b")

    assert bench.run(action, [bench.spy("a", leave=fall_back)]) == "plan b"


def test_a_gate_may_turn_success_into_failure(bench: Bench) -> None:
    def refuse(call: Call) -> None:
        call.fail(Failure(Kind.EXHAUSTED, "too much"))

    with pytest.raises(Failure, match="too much"):
        bench.run(lambda call: 1, [bench.spy("a", leave=refuse)])


def test_a_delay_is_waited_by_the_driver_and_the_gate_entered_once(bench: Bench) -> None:
    bench.run(lambda call: 1, [bench.spy("a", enter=lambda call: 0.25), bench.spy("b")])
    assert bench.slept == [0.25]
    assert bench.log == ["+a", "+b", "-b:ok", "-a:ok"]


@pytest.mark.parametrize("received", [0.0, 9.5])
def test_a_call_was_queued_from_its_receipt_to_its_handler(bench: Bench, received: float) -> None:
    bench.call.received = received
    queued = bench.run(lambda call: call.queued, [bench.spy("a", enter=lambda _call: 0.25)])
    assert queued == 10.25 - (received or 10.0)


def test_a_delay_past_the_deadline_fails_at_once(bench: Bench) -> None:
    def set_deadline(call: Call) -> None:
        call.deadline = bench.clock.monotonic() + 0.1

    gates = [
        bench.spy("deadline", enter=set_deadline),
        bench.spy("slow", enter=lambda call: 0.5),
    ]
    with pytest.raises(Failure, match="would have to wait") as caught:
        bench.run(lambda call: 1, gates)
    assert caught.value.kind == Kind.DEADLINE
    assert bench.slept == []
    assert bench.log == ["+deadline", "+slow", "-slow:deadline", "-deadline:deadline"]


def test_a_gate_that_breaks_on_leave_keeps_no_other_waiting(bench: Bench) -> None:
    def broken(call: Call) -> None:
        raise RuntimeError("bug in a gate")

    with pytest.raises(RuntimeError, match="bug in a gate"):
        bench.run(lambda call: 1, [bench.spy("a"), bench.spy("b", leave=broken)])
    assert bench.log == ["+a", "+b", "-b:ok", "-a:ok"]


def test_times_are_the_clocks(bench: Bench) -> None:
    def action(call: Call) -> None:
        bench.clock.advance(0.5)

    bench.run(action, [])
    assert (bench.call.start, bench.call.end, bench.call.duration) == (10.0, 10.5, 0.5)


class Flaky:
    """Fails so many times before it is sent, then answers."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self, call: Call) -> str:
        call.target = None
        if self.left:
            self.left -= 1
            call.target = _Instance()
            raise Failure(Kind.UNAVAILABLE, "refused", never_sent=True)
        return "done"


class _Instance:
    id, cluster, host, port, transport = "x", "default", "127.0.0.1", 1, "ttheader"


def test_a_retried_call_enters_its_own_gates_once_and_the_attempts_each_time(bench: Bench) -> None:
    assert bench.run(Flaky(2), [bench.spy("call")], [bench.spy("try")], attempts=3) == "done"
    attempts = ["+try", "-try:unavailable"] * 2 + ["+try", "-try:ok"]
    assert bench.log == ["+call", *attempts, "-call:ok"]
    assert len(bench.slept) == 2


def test_every_attempt_of_a_retried_call_is_reported_as_its_child(bench: Bench) -> None:
    def trace(call: Call) -> None:
        call.span_id = call.wire_span_id = "first"

    bench.run(Flaky(1), [bench.spy("call", enter=trace)], [], attempts=3)
    assert [(each.attempt, each.outcome) for each in bench.attempts] == [
        (1, "unavailable"),
        (2, "ok"),
    ]
    assert bench.attempts[0].span_id == "first"
    assert {each.parent_id for each in bench.attempts} == {bench.call.span_id}
    assert len({each.span_id for each in (*bench.attempts, bench.call)}) == 3


def test_an_attempt_that_is_cancelled_is_reported_too(bench: Bench) -> None:
    def action(call: Call) -> None:
        if call.attempts == 2:
            raise KeyboardInterrupt
        Flaky(1)(call)

    with pytest.raises(KeyboardInterrupt):
        bench.run(action, [], [], attempts=3)
    assert [each.outcome for each in bench.attempts] == ["unavailable", "cancelled"]


def test_a_call_tried_once_is_one_call(bench: Bench) -> None:
    bench.run(Flaky(0), [], [], attempts=3)
    assert bench.attempts == []
    assert bench.call.attempts == 1


def test_attempts_run_out(bench: Bench) -> None:
    with pytest.raises(Failure, match="refused"):
        bench.run(Flaky(9), [bench.spy("call")], [], attempts=3)
    assert bench.call.attempts == 3
    assert len(bench.attempts) == 3
    assert bench.log == ["+call", "-call:unavailable"]


def test_gates_replaced_during_a_call_do_not_concern_it() -> None:
    log: list[str] = []
    gates = Gates([Spy("old", log)])
    driver = Driver(Course(gates=gates, clock=FakeClock()))
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    driver.run(call, lambda _: gates.replace([Spy("new", log)]))
    assert log == ["+old", "-old:ok"]
    driver.run(call, lambda _: None)
    assert log[2:] == ["+new", "-new:ok"]


def test_an_open_call_that_is_dropped_counts_as_cancelled() -> None:
    log: list[str] = []
    driver = Driver(Course(gates=Gates([Spy("a", log)]), clock=FakeClock()))
    open_call = driver.begin(Call("server", "http", caller="", callee="a.b.c", method="GET"))
    open_call.close()
    open_call.close()
    assert log == ["+a", "-a:cancelled"]
