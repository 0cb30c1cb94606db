"""Deadlines: every call ends in time, and what is left of the time travels with it.

Algorithm: the deadline of an outgoing call is its time-out from now (``pie.govern.timeout`` says
which), or the deadline of the call being served, less a reserve, when that is sooner. The remaining
time is sent, not the instant: clocks of two hosts do not agree, durations do. A server adds it to
the instant at which the first byte of the request arrived, and rejects what is late already. Times
in seconds, monotonic.

Source: Finagle's and gRPC's deadlines, which send the remaining time as well. There is no state.
"""

from typing import NamedTuple

from pie._core import native
from pie.govern.ruled import MADE_SETS
from pie.govern.rules import RuleSet
from pie.govern.timeout import (
    NO_RULES,
    LimitsRule,
    TimeoutRule,
    Times,
    native_times,
    times_of,
)
from pie.govern.verdicts import Verdicts
from pie.model import SYSTEM_CLOCK, Call, Clock, Failure, Kind, current_call


class NativeDeadline(NamedTuple):
    """What C reads of the gate."""

    ruled: object
    timeout: float


class ClientDeadline:
    """Gives an outgoing call its deadline: its own time-out, or its parent's if that is sooner.

    Args:
        rules: of time-outs in force; None = none.
        limits: of the callee; None = none.
        clock: monotonic.
        verdicts: where decisions are counted.
    """

    policy = "deadline"

    def __init__(
        self,
        rules: RuleSet[TimeoutRule] | None = None,
        limits: RuleSet[LimitsRule] | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        verdicts: Verdicts | None = None,
    ) -> None:
        self._rules = rules
        self._limits = limits
        self._clock = clock
        self._verdicts = Verdicts() if verdicts is None else verdicts

    def native_state(self) -> NativeDeadline | None:
        """What C needs to enter by itself; None = not by this clock."""
        if self._clock is not SYSTEM_CLOCK:
            return None
        ruled: object = None
        if self._rules is not None or self._limits is not None:
            assert native is not None
            ruled = native.Ruled(self._answer, None, self._verdicts.counted, MADE_SETS)
        return NativeDeadline(ruled, NO_RULES.default)

    def _answer(self, call: Call, now: float) -> object:
        assert native is not None
        return native.Times(native_times(times_of(call, self._rules, self._limits)))

    def enter(self, call: Call) -> None:
        now = self._clock.monotonic()
        times = self._take_timeouts(call)
        assert call.timeout is not None
        call.deadline = now + call.timeout
        parent = current_call.get()
        if call.detached or parent is None or parent.deadline is None:
            return
        inherited = parent.deadline - times.reserve
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

    def _take_timeouts(self, call: Call) -> Times:
        """Set the time-outs of a call."""
        times = times_of(call, self._rules, self._limits)
        call.timeout, note, raised = times.of(call)
        call.attempt_timeout, call.connect_timeout = times.attempt, times.connect
        call.notes += filter(None, (note, raised))
        if times.timeout_ruling is not None:
            self._verdicts.count(times.timeout_ruling, "limited")
        if times.limits_ruling is not None:
            self._verdicts.count(times.limits_ruling, "limited" if raised else "admitted")
        return times


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


def remaining(call: Call, clock: Clock = SYSTEM_CLOCK, *, whole: bool = False) -> float | None:
    """Seconds the attempt on its way has left (0 at least), or None if nothing ends it.

    Args:
        call: served or made.
        clock: monotonic.
        whole: the seconds that the call has left, whatever its attempt has.
    """
    ends = call.deadline
    if call.attempt_timeout is not None and not whole:
        attempt_ends = call.attempt_start + call.attempt_timeout
        ends = attempt_ends if ends is None else min(ends, attempt_ends)
    return None if ends is None else max(0.0, ends - clock.monotonic())
