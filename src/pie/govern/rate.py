"""Rate: at most so many calls a second of one method by one caller.

Algorithm: a leaky bucket as a meter (Turner, "New directions in communications", 1986; ITU-T
I.371). A level, in calls, rises by one with each call that is admitted and falls by ``qps`` a
second. A call is rejected when it would raise the level above ``qps`` times ``burst`` (above one
call at least). So the average never exceeds ``qps``, and what is saved up in quiet time is never
more than the burst.

Each rule has a level of its own for each caller and method. All matching rules hold, and a rejected
call raises no level. A level is kept when a rule's numbers move: its key is the rule's scope.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.govern.table import MAX_ENTRIES, Table
from pie.govern.verdicts import Verdicts
from pie.model import Call, Clock, Failure, Kind


class RateRule(Rule, frozen=True):
    """How often one caller may call one method of an instance."""

    kind: ClassVar[str] = "rate"
    sides: ClassVar[tuple[Side, ...]] = ("server",)
    every: ClassVar[bool] = True

    qps: Annotated[
        float,
        Meta(
            gt=0,
            le=1e6,
            description="Calls of one method by one caller that an instance admits each second.",
            extra={"unit": "calls/s"},
        ),
    ] = 1000.0
    burst: Annotated[
        float,
        Meta(
            ge=0.001,
            le=60,
            description="How much of the rate may come at once, after quiet time.",
            extra={"unit": "s"},
        ),
    ] = 1.0


class Level:
    """How full one bucket is.

    Attributes:
        calls: the level at the time ``at`` (monotonic seconds).
        empty: when it will be empty, if no call is admitted.
    """

    __slots__ = ("at", "calls", "empty")

    def __init__(self) -> None:
        self.calls = self.at = self.empty = 0.0

    def fall(self, now: float, qps: float) -> None:
        """Let the level fall until now."""
        self.calls = max(0.0, self.calls - (now - self.at) * qps)
        self.at = now

    def rise(self, qps: float) -> None:
        """One call is admitted."""
        self.calls += 1
        self.empty = self.at + self.calls / qps


class RateState:
    """The levels, by scope of the rule, caller and method."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self.levels = Table(Level, lambda level, now: level.empty <= now, limit)


class Rate:
    """Rejects calls that come faster than their rules allow.

    Args:
        rules: in force.
        state: shared with the gates of other versions of the rules.
        clock: monotonic.
        verdicts: where decisions are counted.
    """

    policy: ClassVar[str] = "rate"
    rule_type: ClassVar[type[Rule]] = RateRule
    state_type: ClassVar[type[RateState]] = RateState

    def __init__(
        self, rules: RuleSet[RateRule], state: RateState, clock: Clock, verdicts: Verdicts
    ) -> None:
        self._rules = rules
        self._state = state
        self._clock = clock
        self._verdicts = verdicts

    def enter(self, call: Call) -> None:
        now = self._clock.monotonic()
        holding = self._rules.holding(Subject.of(call))
        levels = [self._level(ruling, call, now) for ruling in holding]
        for ruling, level in zip(holding, levels, strict=True):
            rule = ruling.rule
            if level.calls + 1 > max(1.0, rule.qps * rule.burst):
                self._verdicts.count(ruling, "rejected")
                raise _too_often(call, ruling)
        for ruling, level in zip(holding, levels, strict=True):
            level.rise(ruling.rule.qps)
            self._verdicts.count(ruling, "admitted")

    def leave(self, call: Call) -> None:
        pass

    def _level(self, ruling: Ruling[RateRule], call: Call, now: float) -> Level:
        level = self._state.levels.of((ruling.scope, call.caller, call.method), now)
        level.fall(now, ruling.rule.qps)
        return level


def _too_often(call: Call, ruling: Ruling[RateRule]) -> Failure:
    return Failure(
        Kind.EXHAUSTED,
        f"{call.caller or 'an unnamed caller'} calls {call.callee}.{call.method} more often than "
        f"{ruling.rule.qps:g} times a second ({ruling.name})",
        never_sent=True,
        rule=ruling.name,
    )
