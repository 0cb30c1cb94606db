"""Degrade: parts of a service that are switched off, so that the rest of it goes on.

A rule is about a *switch*, a name in the code (``degraded("recommend")``), or about whole methods,
whose calls are then refused. Algorithm: of the rules about a switch, or about whole methods, the
one with the most specific scope that matches the call decides; it holds for a share of the calls,
chosen by a hash of the chain or of the user, so that all of one chain, or all that one user does,
goes the same way.

A rule may end by itself. Its end is read from the wall clock once, when the rule comes, and kept on
the monotonic clock: a wall clock that jumps later neither ends a rule early nor makes it last.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.govern.verdicts import Verdicts
from pie.model import SYSTEM_RANDOM, USER, Call, Clock, Failure, Kind, Random

SWITCH_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
Moment = Annotated[datetime, Meta(tz=True)]
_FAILURES: Final = frozenset(kind.value for kind in Kind)


class DegradeRule(Rule, frozen=True):
    """What is switched off."""

    kind: ClassVar[str] = "degrade"
    sides: ClassVar[tuple[Side, ...]] = ("server", "client")
    every: ClassVar[bool] = True

    switch: Annotated[
        str,
        Meta(
            max_length=100,
            description="Name of the switch in the code; empty = whole methods, by scope.",
        ),
    ] = ""
    percent: Annotated[
        float,
        Meta(
            ge=0, le=100, description="Share of the calls that it holds for.", extra={"unit": "%"}
        ),
    ] = 100.0
    by: Annotated[
        Literal["chain", "user", "chance"],
        Meta(
            description="What a share keeps together: all calls of one chain, all that one user "
            "does, or nothing."
        ),
    ] = "chain"
    on: Annotated[
        frozenset[str],
        Meta(
            max_length=13,
            description="Failures after which the fallback answers, such as deadline; none = the "
            "original is not called at all.",
        ),
    ] = frozenset()
    until: Annotated[Moment | None, Meta(description="When it ends by itself; null = never.")] = (
        None
    )
    reason: Annotated[str, Meta(max_length=500, description="Why it is switched off.")] = ""
    since: Annotated[Moment | None, Meta(description="When it was switched off.")] = None
    person: Annotated[str, Meta(max_length=64, description="Who switched it off.")] = ""

    def __post_init__(self) -> None:
        if self.switch and not SWITCH_NAME.fullmatch(self.switch):
            raise ValueError(
                f"switch: {self.switch!r} is no name: use letters, digits, '_', '.' and '-'"
            )
        wrong = sorted(self.on - _FAILURES)
        if wrong:
            raise ValueError(f"on: {wrong[0]!r} is not one of {', '.join(sorted(_FAILURES))}")
        if self.on and not self.switch:
            raise ValueError("on: whole methods have no fallback: name a switch")

    @property
    def part(self) -> str:
        return f"switch={self.switch}" if self.switch else ""


class DegradeState:
    """When rules end, on the monotonic clock: by the rule's scope and its end as written."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, datetime], float] = {}

    def ends(self, rulings: Iterable[Ruling[DegradeRule]], clock: Clock) -> dict[str, float]:
        """By scope, of these rules, which are all there are."""
        found: dict[tuple[str, datetime], float] = {}
        for ruling in rulings:
            until = ruling.rule.until
            if until is not None:
                key = ruling.scope, until
                left = until.timestamp() - clock.wall()
                found[key] = self._ends.get(key, clock.monotonic() + left)
        self._ends = found
        return {scope: end for (scope, _), end in found.items()}


class Degradation:
    """Which rule holds for a switch, or for a whole call.

    Attributes:
        switches: those that some rule is about.
    """

    def __init__(
        self,
        rules: RuleSet[DegradeRule],
        state: DegradeState,
        clock: Clock,
        random: Random = SYSTEM_RANDOM,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._random = random
        self._ends = state.ends(rules.rules, clock)
        self.switches = frozenset(each.rule.switch for each in rules.rules if each.rule.switch)

    def decide(
        self, switch: str, subject: Subject, call: Call | None
    ) -> tuple[Ruling[DegradeRule], bool] | None:
        """The rule for a switch (empty: for a whole call), and whether the call is in its share."""
        for ruling in self._rules.holding(subject):
            if ruling.rule.switch == switch and not self._over(ruling):
                return ruling, self._share(ruling, call) < ruling.rule.percent
        return None

    def _share(self, ruling: Ruling[DegradeRule], call: Call | None) -> float:
        """Where a call stands in a partial rule, 0 to below 100."""
        if ruling.rule.percent >= 100:
            return 0.0
        what = ""
        if call is not None and ruling.rule.by != "chance":
            what = call.persist.get(USER, "") if ruling.rule.by == "user" else ""
            what = what or call.logid
        if not what:
            return self._random.random() * 100
        digest = hashlib.blake2b(f"{ruling.scope}\0{what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64 * 100

    def _over(self, ruling: Ruling[DegradeRule]) -> bool:
        end = self._ends.get(ruling.scope)
        return end is not None and self._clock.monotonic() >= end


class Degrade:
    """Refuses calls of methods that are switched off.

    Args:
        rules: in force.
        state: shared with the gates of other versions of the rules.
        clock: both.
        verdicts: where decisions are counted.
    """

    policy: ClassVar[str] = "degrade"
    rule_type: ClassVar[type[Rule]] = DegradeRule
    state_type: ClassVar[type[DegradeState]] = DegradeState

    def __init__(
        self, rules: RuleSet[DegradeRule], state: DegradeState, clock: Clock, verdicts: Verdicts
    ) -> None:
        self._degradation = Degradation(rules, state, clock)
        self._verdicts = verdicts

    def enter(self, call: Call) -> None:
        decision = self._degradation.decide("", Subject.of(call), call)
        if decision is None:
            return
        ruling, holds = decision
        self._verdicts.count(ruling, "rejected" if holds else "admitted")
        if holds:
            raise _switched_off(call, ruling)

    def leave(self, call: Call) -> None:
        pass


def _switched_off(call: Call, ruling: Ruling[DegradeRule]) -> Failure:
    rule = ruling.rule
    until = f" until {rule.until.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}" if rule.until else ""
    reason = f": {rule.reason}" if rule.reason else ""
    return Failure(
        Kind.UNAVAILABLE,
        f"{call.callee}.{call.method} is switched off{until}{reason} ({ruling.name})",
        rule=ruling.name,
    )
