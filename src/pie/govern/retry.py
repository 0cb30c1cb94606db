"""Retry: whether a failed attempt is worth another, and after which pause.

Algorithm: exponential backoff with equal jitter. Before the n-th retry the driver waits
``base`` · 2^(n-1) seconds, changed by up to ``jitter`` of it both ways. Only what the peer cannot
have seen is tried again, so that no effect happens twice, and nothing past the call's deadline. A
peer that answered that it did not serve the call is not asked again: another endpoint is, if there
is one.
There is no state yet: a budget will be.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.govern.rules import RuleSet
from pie.govern.scope import Subject
from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Call, Clock, Random


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
    """

    policy = "retry"

    def __init__(
        self,
        default: RetryRule | None = None,
        *,
        rules: RuleSet[RetryRule] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Random = SYSTEM_RANDOM,
    ) -> None:
        self._default = RetryRule() if default is None else default
        self._rules = rules
        self._clock = clock
        self._random = random

    def pause(self, call: Call) -> float | None:
        """Seconds to wait before the next attempt of a call that just failed; None = give up."""
        failure, rule = call.failure, self._rule_of(call)
        attempts = call.max_attempts or rule.attempts
        if failure is None or not failure.never_sent or call.attempts >= attempts:
            return None
        if call.target is None:
            return None  # Rejected before an endpoint was chosen: the next try would be, too.
        if failure.raised_by == "peer" and not _has_another(call):
            return None
        spread = 1 + rule.jitter * (2 * self._random.random() - 1)
        pause: float = rule.base * 2.0 ** (call.attempts - 1) * spread
        if call.deadline is not None and self._clock.monotonic() + pause >= call.deadline:
            call.notes.append("not retried: the deadline would pass")
            return None
        call.notes.append(
            f"retry {call.attempts} after {pause * 1000:.0f} ms: attempt {call.attempts} "
            f"was never sent ({failure.message})"
        )
        return pause

    def _rule_of(self, call: Call) -> RetryRule:
        holding = () if self._rules is None else self._rules.holding(Subject.of(call))
        return holding[0].rule if holding else self._default


def _has_another(call: Call) -> bool:
    """Whether an endpoint is left that no attempt went to."""
    target = call.target
    return any(
        each.id not in call.tried and (target is None or each.id != target.id)
        for each in call.candidates
    )
