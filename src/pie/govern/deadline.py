"""Deadlines: every call ends in time, and what is left of the time travels with it.

Algorithm: the deadline of an outgoing call is its own time-out from now, or the deadline of the
call being served, less a reserve, when that is sooner. The remaining time is sent, not the instant:
clocks of two hosts do not agree, durations do. A server adds it to the instant at which the first
byte of the request arrived, and rejects what is late already. Times in seconds, monotonic.

Source: Finagle's and gRPC's deadlines, which send the remaining time as well. There is no state.
"""

from typing import Annotated, NamedTuple

from msgspec import Meta

from pie._core import native
from pie.govern.rule import Rule
from pie.model import SYSTEM_CLOCK, Call, Clock, Failure, Kind, current_call


class TimeoutRule(Rule, frozen=True):
    """How long a call may take.

    It has no kind, because no rule set is read for it yet: ``ClientDeadline`` runs on these
    defaults, and a call may name a time-out of its own.
    """

    total: Annotated[
        float,
        Meta(
            ge=0.001,
            le=86_400,
            description="For a call with all its attempts, where nothing else names a time-out.",
            extra={"unit": "s"},
        ),
    ] = 1.0
    reserve: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Kept back of the served call's time, to turn a failure into an answer.",
            extra={"unit": "s"},
        ),
    ] = 0.0


DEFAULT_TIMEOUT: float = TimeoutRule().total


class NativeDeadline(NamedTuple):
    """What C reads of the gate."""

    timeout: float
    reserve: float


class ClientDeadline:
    """Gives an outgoing call its deadline: its own time-out, or its parent's if that is sooner."""

    policy = "deadline"

    def __init__(self, rule: TimeoutRule | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rule = TimeoutRule() if rule is None else rule
        self._clock = clock

    def native_state(self) -> NativeDeadline | None:
        """What C needs to enter by itself; None = not by this clock."""
        if self._clock is not SYSTEM_CLOCK:
            return None
        return NativeDeadline(self._rule.total, self._rule.reserve)

    def enter(self, call: Call) -> None:
        now = self._clock.monotonic()
        timeout = self._rule.total if call.timeout is None else call.timeout
        call.timeout = timeout
        call.deadline = now + timeout
        parent = current_call.get()
        if call.detached or parent is None or parent.deadline is None:
            return
        inherited = parent.deadline - self._rule.reserve
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

    policy = "deadline"

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock

    def native_state(self) -> tuple[()] | None:
        """C needs nothing of it; None = not by this clock."""
        return () if self._clock is SYSTEM_CLOCK else None

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
