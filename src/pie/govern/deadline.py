"""Deadlines: every call ends in time, and what is left of the time travels with it.

The remaining time is sent, not the instant: clocks of two hosts do not agree, durations do.
"""

from pie._core import native
from pie.model import SYSTEM_CLOCK, Call, Clock, Failure, Kind, current_call

DEFAULT_TIMEOUT = 1.0


class ClientDeadline:
    """Gives an outgoing call its deadline: its own timeout, or its parent's when that is sooner.

    Args:
        timeout: seconds for calls that ask for none.
        reserve: seconds of the parent's time kept back to turn a failure into an answer.
    """

    def __init__(
        self,
        timeout: float = DEFAULT_TIMEOUT,
        *,
        reserve: float = 0.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._timeout = timeout
        self._reserve = reserve
        self._clock = clock

    def enter(self, call: Call) -> None:
        now = self._clock.monotonic()
        timeout = self._timeout if call.timeout is None else call.timeout
        call.timeout = timeout
        call.deadline = now + timeout
        parent = current_call.get()
        if call.detached or parent is None or parent.deadline is None:
            return
        inherited = parent.deadline - self._reserve
        if inherited < call.deadline:
            call.deadline = inherited
            call.notes.append(f"deadline inherited: {max(0.0, inherited - now) * 1000:.0f} ms left")
        if inherited <= now:
            raise Failure(
                Kind.DEADLINE,
                f"no time left to call {call.callee}.{call.method}: "
                f"the deadline of {parent.callee}.{parent.method} has passed",
                never_sent=True,
            )

    def leave(self, call: Call) -> None:
        pass


class ServerDeadline:
    """Takes the time the caller has left, and rejects what arrives when none is."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock

    def enter(self, call: Call) -> None:
        if call.timeout is None:
            return
        call.deadline = (call.received or call.start) + call.timeout
        if call.deadline <= self._clock.monotonic():
            raise Failure(
                Kind.DEADLINE,
                f"{call.method} came too late: its caller {call.caller or 'unknown'} "
                f"had {call.timeout * 1000:.0f} ms left when it was received",
                never_sent=True,
            )

    def leave(self, call: Call) -> None:
        pass


if native is not None:
    native.setup_gate("ClientDeadline", ClientDeadline)
    native.setup_gate("ServerDeadline", ServerDeadline)


def remaining(call: Call, clock: Clock = SYSTEM_CLOCK) -> float | None:
    """Seconds the call has left (0 at least), or None if it has no deadline."""
    return None if call.deadline is None else max(0.0, call.deadline - clock.monotonic())
