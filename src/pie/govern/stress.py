"""Stress: whether a service takes part in load tests and in test traffic.

The class of traffic (``stress``, ``test``; empty = normal) travels with a chain over every hop
(``pie.model.persisted``) and is kept apart in every figure. This gate refuses a class that the
service is not ready for, before it can touch data that are not its own. Without a rule every class
is served. No state.
"""

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from pie._core import native
from pie.govern.rule import DryRun, Rule, Side
from pie.govern.rules import RuleSet
from pie.govern.scope import Subject
from pie.govern.verdicts import Verdicts
from pie.model import Call, Clock, Failure, Kind

Refuse = Literal["stress", "test", "both", "none"]
_REFUSED: Final[dict[Refuse, tuple[str, ...]]] = {
    "stress": ("stress",),
    "test": ("test",),
    "both": ("stress", "test"),
    "none": (),
}


class StressRule(Rule, frozen=True):
    """Which classes of traffic a service refuses."""

    kind: ClassVar[str] = "stress"
    sides: ClassVar[tuple[Side, ...]] = ("server",)

    refuse: Annotated[
        Refuse,
        Meta(
            description="The class of traffic that is refused. A more specific rule with none lets "
            "one caller or method through.",
        ),
    ] = "stress"
    dry_run: DryRun = False


class Stress:
    """Refuses classes of traffic.

    Args:
        rules: in force.
        state: there is none.
        clock: not used.
        verdicts: where decisions are counted.
    """

    policy: ClassVar[str] = "stress"
    rule_type: ClassVar[type[Rule]] = StressRule
    state_type: ClassVar[type[object]] = object

    def __init__(
        self, rules: RuleSet[StressRule], state: object, clock: Clock, verdicts: Verdicts
    ) -> None:
        self._rules = rules
        self._verdicts = verdicts

    def enter(self, call: Call) -> None:
        if not call.traffic:
            return
        for ruling in self._rules.holding(Subject.of(call)):
            if call.traffic not in _REFUSED[ruling.rule.refuse]:
                self._verdicts.count(ruling, "admitted")
            elif ruling.rule.dry_run:
                self._verdicts.count(ruling, "would_reject")
                call.notes.append(ruling.said("would reject"))
            else:
                self._verdicts.count(ruling, "rejected")
                raise Failure(
                    Kind.DENIED,
                    f"{call.callee} refuses {call.traffic} traffic ({ruling.name}): its owner "
                    "decides which callers may send it",
                    rule=ruling.name,
                )

    def leave(self, call: Call) -> None:
        pass

    def native_state(self) -> tuple[()]:
        """C needs nothing of it: it lets normal traffic pass."""
        return ()


if native is not None:
    native.setup_gate("Stress", Stress)
