"""Time-outs of calls made: the caller's rule, and what the callee's owner says for all callers.

A call takes the first of these that is there:

1. what its code asks for (an option of the single call, or the environment of a test run),
2. the caller's rule (kind ``timeout``, side ``client``),
3. what its client was made with: an argument in code, or its yml file,
4. the callee's default (kind ``limits``, side ``callers``),
5. 1 s.

What the callee says is never forced on anybody: its default is the last word but one, and its least
time-out raises 2 to 5, not 1. The deadline of the call being served still ends all of them.
``attempt`` and ``connect`` come from the caller's rule alone. Times in seconds. No state.
"""

import math
from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.model import Call

DEFAULT_TIMEOUT: Final = 1.0
"""Of a call for which nothing names a time-out."""
_Seconds = Annotated[float, Meta(ge=0.001, le=86_400)]


class TimeoutRule(Rule, frozen=True):
    """How long the calls of a service may take. A number that is left out is decided elsewhere."""

    kind: ClassVar[str] = "timeout"
    sides: ClassVar[tuple[Side, ...]] = ("client",)

    total: Annotated[
        _Seconds | None,
        Meta(
            description="For a call with all its attempts. Without it: as the client's argument or "
            "file says, else the callee's default, else 1 s.",
            extra={"unit": "s"},
        ),
    ] = None
    attempt: Annotated[
        _Seconds | None,
        Meta(
            description="For one attempt, connecting included. Without it an attempt may take all "
            "that is left of the call.",
            extra={"unit": "s"},
        ),
    ] = None
    connect: Annotated[
        _Seconds | None,
        Meta(
            description="For making a connection; never more than a third of what is left of the "
            "attempt. Without it: connect_seconds of the client's pool, 1 s by default.",
            extra={"unit": "s"},
        ),
    ] = None
    reserve: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Kept back of the served call's time, to turn a failure into an answer.",
            extra={"unit": "s"},
        ),
    ] = 0.0

    def __post_init__(self) -> None:
        if self.total is not None and self.attempt is not None and self.attempt > self.total:
            raise ValueError(f"attempt: {self.attempt:g} s is above total, {self.total:g} s")


class LimitsRule(Rule, frozen=True):
    """What the callee's owner says to all callers: bounds and defaults, never a value that holds
    against the caller's own."""

    kind: ClassVar[str] = "limits"
    sides: ClassVar[tuple[Side, ...]] = ("callers",)

    default_timeout: Annotated[
        _Seconds | None,
        Meta(
            description="For callers that name no time-out, in place of 1 s.",
            extra={"unit": "s"},
        ),
    ] = None
    least_timeout: Annotated[
        _Seconds | None,
        Meta(
            description="Shorter time-outs of rules and clients are raised to this; those that the "
            "code of a single call asks for are not.",
            extra={"unit": "s"},
        ),
    ] = None
    max_attempts: Annotated[
        Annotated[int, Meta(ge=1, le=101)] | None,
        Meta(
            description="Attempts of one call in all, whatever its caller's rule or code asks for.",
            extra={"unit": "attempts"},
        ),
    ] = None
    idempotent: Annotated[
        frozenset[str],
        Meta(
            max_length=1000,
            description="Methods (or prefix*) that may run twice for one call: an attempt without "
            "an answer is tried again, too, not only one that was certainly not sent.",
        ),
    ] = frozenset()

    def may_repeat(self, method: str) -> bool:
        """Whether a method is one of the idempotent ones."""
        return method in self.idempotent or any(
            each[-1:] == "*" and method.startswith(each[:-1]) for each in self.idempotent
        )


class Times(NamedTuple):
    """The time-outs of calls of one kind, in seconds; None = not named.

    Attributes:
        total: by the caller's rule; it comes before ``usual_timeout`` of the call.
        total_note: that says so.
        default: for a call for which nothing else names a time-out.
        default_note: that says so; None = it is nobody's decision.
        least: raises those above.
        least_note: that says so.
        attempt, connect, reserve: see ``TimeoutRule``.
        timeout_ruling, limits_ruling: that had a part in it.
    """

    total: float | None = None
    total_note: str | None = None
    default: float = DEFAULT_TIMEOUT
    default_note: str | None = None
    least: float = 0.0
    least_note: str | None = None
    attempt: float | None = None
    connect: float | None = None
    reserve: float = 0.0
    timeout_ruling: Ruling[TimeoutRule] | None = None
    limits_ruling: Ruling[LimitsRule] | None = None

    def of(self, call: Call) -> tuple[float, str | None, str | None]:
        """The time-out of a call, and the notes on where it is from and why it was raised."""
        if call.timeout is not None:
            return call.timeout, None, None
        if self.total is not None:
            timeout, note = self.total, self.total_note
        elif call.usual_timeout is not None:
            timeout, note = call.usual_timeout, None
        else:
            timeout, note = self.default, self.default_note
        return (
            (timeout, note, None) if timeout >= self.least else (self.least, note, self.least_note)
        )


NO_RULES: Final = Times()


class NativeTimes(NamedTuple):
    """What C reads of ``Times``: NaN stands for None, ``fallback`` for ``default``."""

    total: float
    fallback: float
    least: float
    attempt: float
    connect: float
    reserve: float
    total_note: str | None
    fallback_note: str | None
    least_note: str | None
    timeout_tally: object
    limits_tally: object


def native_times(times: Times) -> NativeTimes:
    """Time-outs for C."""
    timeouts, limits = times.timeout_ruling, times.limits_ruling
    return NativeTimes(
        _or_nan(times.total),
        times.default,
        times.least,
        _or_nan(times.attempt),
        _or_nan(times.connect),
        times.reserve,
        times.total_note,
        times.default_note,
        times.least_note,
        None if timeouts is None else timeouts.tally,
        None if limits is None else limits.tally,
    )


def _or_nan(seconds: float | None) -> float:
    return math.nan if seconds is None else seconds


def times_of(
    call: Call,
    timeouts: RuleSet[TimeoutRule] | None,
    limits: RuleSet[LimitsRule] | None,
) -> Times:
    """The time-outs for a call by the rules in force; None = there are none of the kind."""
    subject = Subject.of(call)
    caller = timeouts.holding(subject) if timeouts is not None else ()
    callee = limits.holding(subject) if limits is not None else ()
    times = NO_RULES
    if caller:
        times = _by_caller(times, caller[0])
    return _by_callee(times, callee[0]) if callee else times


def _by_caller(times: Times, ruling: Ruling[TimeoutRule]) -> Times:
    rule = ruling.rule
    return times._replace(
        total=rule.total,
        total_note=None if rule.total is None else ruling.said(f"time-out {_ms(rule.total)}"),
        attempt=rule.attempt,
        connect=rule.connect,
        reserve=rule.reserve,
        timeout_ruling=ruling,
    )


def _by_callee(times: Times, ruling: Ruling[LimitsRule]) -> Times:
    rule = ruling.rule
    times = times._replace(limits_ruling=ruling)
    if rule.default_timeout is not None:
        note = ruling.said(f"time-out {_ms(rule.default_timeout)}, the callee's default")
        times = times._replace(default=rule.default_timeout, default_note=note)
    if rule.least_timeout is not None:
        note = ruling.said(f"time-out raised to {_ms(rule.least_timeout)}, the callee's least")
        times = times._replace(least=rule.least_timeout, least_note=note)
    return times


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
