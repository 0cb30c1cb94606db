"""Rate: at most so many calls a second of one method by one caller.

Each rule has a level of its own (``pie.govern.level``: a leaky bucket, with warm-up) for each
caller and method. All matching rules hold, and a rejected call raises no level. A level is kept
when a rule's numbers move: its key is the rule's scope.

A limit is of each instance, or of the whole service: then an instance has its part, an equal one
(``pie.govern.share``) or one that follows demand (``pie.govern.demand``). A rule with ``dry_run``
has levels as well, and notes what it would reject.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NoReturn

from msgspec import Meta

from pie._core import native
from pie.govern.level import Level, Limit, limit
from pie.govern.rule import DryRun, Rule, Side
from pie.govern.ruled import NativeRuled
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.govern.share import Share, Shares
from pie.govern.table import MAX_ENTRIES, Table
from pie.govern.verdicts import Tally, Verdicts
from pie.model import SYSTEM_CLOCK, Call, Clock, Failure, Kind


class RateRule(Rule, frozen=True):
    """How often one caller may call one method."""

    kind: ClassVar[str] = "rate"
    sides: ClassVar[tuple[Side, ...]] = ("server",)
    every: ClassVar[bool] = True

    qps: Annotated[
        float,
        Meta(
            ge=0.001,
            le=1e6,
            description="Calls of one method by one caller that are admitted each second.",
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
    per: Annotated[
        Literal["instance", "service"],
        Meta(
            description="Whether the rate is of each instance, or of all together; then its "
            "parts follow demand; without the platform each of n instances admits one n-th."
        ),
    ] = "instance"
    warm_up: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="How long it takes under load from a third of the rate, where quiet time "
            "leads, to the whole; 0 = the whole rate at once.",
            extra={"unit": "s"},
        ),
    ] = 0.0
    dry_run: DryRun = False


class LevelKey(NamedTuple):
    """What a level is for; it stays the same while the scope of its rule does."""

    scope: str
    caller: str
    method: str


class RateState:
    """The levels, by scope of the rule, caller and method, and this instance's parts of limits."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self.levels = Table(Level, _is_spent, limit)
        self.shares = Shares()


def _is_spent(level: Level, now: float) -> bool:
    level.gone = level.empty <= now
    return level.gone


class NativeLimit(NamedTuple):
    """What C reads of a rule for the calls of a subject."""

    ruling: Any
    rejected: str
    would_reject: str
    tally: Tally
    level: Level
    share: Share
    qps: float
    burst: float
    warm_up: float
    dry_run: bool
    by_demand: bool


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
        whole = Share()
        self._shares = {
            ruling: state.shares.of(scope.cluster) if ruling.rule.per == "service" else whole
            for scope, ruling in rules.scoped
        }

    def enter(self, call: Call) -> None:
        now = self._clock.monotonic()
        asked = []
        for ruling in self._rules.holding(Subject.of(call)):
            level = self._level(ruling, call, now)
            asked.append((ruling, self._limit(ruling, level), level))
        for _, by, level in asked:
            level.fall(by, now)
        for ruling, by, level in asked:
            if not ruling.rule.dry_run and level.is_full(by):
                self._verdicts.count(ruling, "rejected")
                call.notes.append(ruling.said("rejected"))
                self._refuse(call, ruling)
        for ruling, by, level in asked:
            if level.is_full(by):
                self._verdicts.count(ruling, "would_reject")
                call.notes.append(ruling.said("would reject"))
            else:
                self._verdicts.count(ruling, "admitted")
                level.rise(by)

    def leave(self, call: Call) -> None:
        pass

    def native_state(self) -> NativeRuled | None:
        """What C needs to enter by itself; None = not by this clock."""
        if self._clock is not SYSTEM_CLOCK:
            return None
        assert native is not None
        return NativeRuled(native.Ruled(self._answer, self._refuse, self._verdicts.counted))

    def _answer(self, call: Call, now: float) -> object:
        assert native is not None
        limits = tuple(
            self._native_limit(ruling, self._level(ruling, call, now))
            for ruling in self._rules.holding(Subject.of(call))
        )
        passing = any(self._state.levels.is_shared(each.level) for each in limits)
        return native.Limits(passing, limits)

    def _native_limit(self, ruling: Ruling[RateRule], level: Level) -> NativeLimit:
        rule = ruling.rule
        return NativeLimit(
            ruling,
            ruling.said("rejected"),
            ruling.said("would reject"),
            ruling.tally,
            level,
            self._shares[ruling],
            rule.qps,
            rule.burst,
            rule.warm_up,
            rule.dry_run,
            rule.per == "service",
        )

    def _refuse(self, call: Call, ruling: Ruling[RateRule]) -> NoReturn:
        level = self._state.levels.known(_key(ruling, call)) or Level()
        raise refusal(call, ruling, self._limit(ruling, level))

    def _level(self, ruling: Ruling[RateRule], call: Call, now: float) -> Level:
        return self._state.levels.of(_key(ruling, call), now)

    def _limit(self, ruling: Ruling[RateRule], level: Level) -> Limit:
        rule = ruling.rule
        part = part_of(rule, level, self._shares[ruling])
        return limit(rule.qps * part, rule.burst, rule.warm_up)


if native is not None:
    native.setup_gate("Rate", Rate)


def _key(ruling: Ruling[RateRule], call: Call) -> LevelKey:
    return LevelKey(ruling.scope, call.caller, call.method)


def part_of(rule: RateRule, level: Level, share: Share) -> float:
    """This instance's part of a limit: by demand where it is known, else its equal one."""
    return level.part if rule.per == "service" and level.part > 0 else share.part


def refusal(call: Call, ruling: Ruling[RateRule], by: Limit) -> Failure:
    """Why a call was rejected. Another instance may have room for it."""
    rule = ruling.rule
    much = f"{rule.qps:g} times a second"
    if rule.per == "service":
        much += f", of which this instance admits {by.qps:g}"
    return Failure(
        Kind.EXHAUSTED,
        f"{call.caller or 'an unnamed caller'} calls {call.callee}.{call.method} more often than "
        f"{much} ({ruling.name})",
        never_sent=True,
        rule=ruling.name,
    )
