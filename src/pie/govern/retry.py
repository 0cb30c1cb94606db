"""Retry: whether a failed attempt is worth another, and after which pause.

Algorithm: exponential backoff with equal jitter. Before the n-th retry the driver waits
``base`` · 2^(n-1) seconds, changed by up to ``jitter`` of it both ways. Only what the peer cannot
have seen is tried again, so that no effect happens twice; of methods that the callee's owner calls
idempotent (kind ``limits``) also what had no answer. Nothing is tried past the call's deadline. A
peer that answered that it did not serve the call is not asked again: another endpoint is, if there
is one.
There is no state yet: a budget will be.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.govern.timeout import LimitsRule
from pie.govern.verdicts import Verdicts
from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Call, Clock, Failure, Kind, Random


class RetryRule(Rule, frozen=True):
    """How often a call is tried."""

    kind: ClassVar[str] = "retry"
    sides: ClassVar[tuple[Side, ...]] = ("client",)

    attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=101,
            description="Attempts in all, the first included; a call may ask for another number.",
            extra={"unit": "attempts"},
        ),
    ] = 3
    base: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Pause before the first retry; doubled for each further one.",
            extra={"unit": "s"},
        ),
    ] = 0.005
    jitter: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Part of the pause that is random, both ways.",
            extra={"unit": "of the pause"},
        ),
    ] = 0.2


class Retry:
    """Decides on further attempts. Not a gate: it stands between the call and its attempts.

    Args:
        default: where no rule holds.
        rules: in force; None = none.
        limits: of the callee; None = none.
        verdicts: where decisions are counted.
    """

    policy = "retry"

    def __init__(
        self,
        default: RetryRule | None = None,
        *,
        rules: RuleSet[RetryRule] | None = None,
        limits: RuleSet[LimitsRule] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Random = SYSTEM_RANDOM,
        verdicts: Verdicts | None = None,
    ) -> None:
        self._default = RetryRule() if default is None else default
        self._rules = rules
        self._limits = limits
        self._verdicts = Verdicts() if verdicts is None else verdicts
        self._clock = clock
        self._random = random

    def pause(self, call: Call) -> float | None:
        """Seconds to wait before the next attempt of a call that just failed; None = give up."""
        failure, rule, limits = call.failure, self._rule_of(call), self._limits_of(call)
        attempts = call.max_attempts or rule.attempts
        if failure is None or call.attempts >= attempts or not _is_safe(call, failure, limits):
            return None
        if call.target is None:
            return None  # Rejected before an endpoint was chosen: the next try would be, too.
        if failure.raised_by == "peer" and not _has_another(call):
            return None
        spread = 1 + rule.jitter * (2 * self._random.random() - 1)
        pause: float = rule.base * 2.0 ** (call.attempts - 1) * spread
        if call.deadline is not None and self._clock.monotonic() + pause >= call.deadline:
            call.notes.append("not retried: the deadline would pass")
        elif limits is not None and call.attempts >= (limits.rule.max_attempts or attempts):
            most = limits.rule.max_attempts
            call.notes.append(limits.said(f"not retried, the callee allows {most} attempts"))
            self._verdicts.count(limits, "limited")
        else:
            sent = "was never sent" if failure.never_sent else "had no answer, and may run twice"
            call.notes.append(
                f"retry {call.attempts} after {pause * 1000:.0f} ms: attempt {call.attempts} "
                f"{sent} ({failure.message})"
            )
            return pause
        return None

    def _rule_of(self, call: Call) -> RetryRule:
        holding = () if self._rules is None else self._rules.holding(Subject.of(call))
        return holding[0].rule if holding else self._default

    def _limits_of(self, call: Call) -> Ruling[LimitsRule] | None:
        holding = () if self._limits is None else self._limits.holding(Subject.of(call))
        return holding[0] if holding else None


def _is_safe(call: Call, failure: Failure, limits: Ruling[LimitsRule] | None) -> bool:
    """Whether another attempt has no effect that the callee's owner does not allow."""
    if failure.never_sent:
        return True
    unanswered = failure.kind in (Kind.UNAVAILABLE, Kind.DEADLINE) and failure.raised_by != "peer"
    return unanswered and limits is not None and limits.rule.may_repeat(call.method)


def _has_another(call: Call) -> bool:
    """Whether an endpoint is left that no attempt went to."""
    target = call.target
    return any(
        each.id not in call.tried and (target is None or each.id != target.id)
        for each in call.candidates
    )
