"""Access: who may call what.

A rule allows or denies the calls of its scope. All rules that match a call hold, and deny wins:

1. A rule that denies matches the call: it is refused.
2. Else a rule that allows matches it: it is admitted.
3. Else some rule allows others what the call asks for: it is refused, because it is not among
   them. What a call asks for is its method, cluster and lane; who asks is its caller and the
   caller's cluster. So the first rule that allows someone a method shuts out all others from it.
4. Else it is admitted: what no rule is about is open.

Rules with ``dry_run`` have no part in that. Where there are some, the same is decided once more by
all rules together; a call that is admitted, and that all rules would refuse, is noted.

The caller's PSM is what the caller says of itself. Access control keeps order among services that
mean well; it does not keep out one that lies. Known as role-less access control lists; that deny
overrides is the rule of XACML ("deny-overrides") and of AWS IAM.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, NoReturn

from msgspec import Meta

from pie._core import native
from pie.govern.index import Index
from pie.govern.rule import DryRun, Rule, Side
from pie.govern.ruled import NativeRuled
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Scope, Subject
from pie.govern.verdicts import NUMBERS, Verdict, Verdicts
from pie.model import Call, Clock, Failure, Kind

_MAX_ANSWERS: Final = 4096


class AccessRule(Rule, frozen=True):
    """Whether calls are let in."""

    kind: ClassVar[str] = "access"
    sides: ClassVar[tuple[Side, ...]] = ("server",)
    every: ClassVar[bool] = True

    effect: Annotated[
        Literal["allow", "deny"],
        Meta(
            description="Let the calls in or refuse them. Allowing some callers a method refuses "
            "it to all that no rule allows it."
        ),
    ] = "deny"
    dry_run: DryRun = False


class Decision(NamedTuple):
    """What rules say of a call.

    Attributes:
        refused: the rule that refuses it; None = it is admitted.
        would_refuse: the rule that would, if no rule had ``dry_run``.
        verdicts: to be counted.
    """

    refused: Ruling[AccessRule] | None
    would_refuse: Ruling[AccessRule] | None
    verdicts: tuple[tuple[Ruling[AccessRule], Verdict], ...]


class AccessList:
    """Access rules, ready to decide. Pure: a page asks it as a server does."""

    def __init__(self, rules: RuleSet[AccessRule]) -> None:
        self._rules = rules
        self._in_force = _Allowed(rules, dry_run=False)
        self._all = _Allowed(rules, dry_run=True)
        self._tried = any(ruling.rule.dry_run for ruling in rules.rules)
        self._answers: dict[Subject, Decision] = {}

    def decide(self, subject: Subject) -> Decision:
        """What the rules say of the calls of a subject."""
        found = self._answers.get(subject)
        if found is None:
            if len(self._answers) >= _MAX_ANSWERS:
                self._answers.clear()
            found = self._answers[subject] = self._decide(subject)
        return found

    def _decide(self, subject: Subject) -> Decision:
        matching = self._rules.holding(subject)
        in_force = [ruling for ruling in matching if not ruling.rule.dry_run]
        refused = _refusing(in_force) or self._in_force.refusing(in_force, subject)
        if refused is not None:
            return Decision(refused, None, ((refused, "rejected"),))
        would = None
        if self._tried:
            would = _refusing(matching) or self._all.refusing(matching, subject)
        verdicts: list[tuple[Ruling[AccessRule], Verdict]] = [
            (ruling, "admitted" if ruling.rule.effect == "allow" else "would_reject")
            for ruling in matching
        ]
        if would is not None and would not in matching:
            verdicts.append((would, "would_reject"))
        return Decision(None, would, tuple(verdicts))


def _refusing(matching: Sequence[Ruling[AccessRule]]) -> Ruling[AccessRule] | None:
    return next((ruling for ruling in matching if ruling.rule.effect == "deny"), None)


class _Allowed:
    """What some callers are allowed, whoever they are, and one rule that allows it."""

    def __init__(self, rules: RuleSet[AccessRule], *, dry_run: bool) -> None:
        found: dict[Scope, Ruling[AccessRule]] = {}
        for scope, ruling in rules.scoped:
            if ruling.rule.effect == "allow" and (dry_run or not ruling.rule.dry_run):
                found.setdefault(scope.of_anyone(), ruling)
        self._rulings = list(found.values())
        self._index = Index(list(found))

    def refusing(
        self, matching: Sequence[Ruling[AccessRule]], who: Subject
    ) -> Ruling[AccessRule] | None:
        """A rule that allows others what no rule allows this call."""
        if any(ruling.rule.effect == "allow" for ruling in matching):
            return None
        return next((self._rulings[position] for position in self._index.matching(who)), None)


class AccessState:
    """Access remembers nothing."""


class Access:
    """Refuses calls that their rules do not let in.

    Args:
        rules: in force.
        state: none.
        clock: not asked.
        verdicts: where decisions are counted.
    """

    policy: ClassVar[str] = "access"
    rule_type: ClassVar[type[Rule]] = AccessRule
    state_type: ClassVar[type[AccessState]] = AccessState

    def __init__(
        self, rules: RuleSet[AccessRule], state: AccessState, clock: Clock, verdicts: Verdicts
    ) -> None:
        self._list = AccessList(rules)
        self._verdicts = verdicts

    def enter(self, call: Call) -> None:
        decision = self._list.decide(Subject.of(call))
        for ruling, verdict in decision.verdicts:
            self._verdicts.count(ruling, verdict)
        if decision.would_refuse is not None:
            call.notes.append(decision.would_refuse.said("would reject"))
        if decision.refused is not None:
            call.notes.append(decision.refused.said("rejected"))
            _refuse(call, decision.refused)

    def leave(self, call: Call) -> None:
        pass

    def native_state(self) -> NativeRuled:
        """What C needs to enter by itself."""
        assert native is not None
        return NativeRuled(native.Ruled(self._answer, _refuse, self._verdicts.counted))

    def _answer(self, call: Call, now: float) -> object:
        assert native is not None
        decision = self._list.decide(Subject.of(call))
        note = None
        if decision.refused is not None:
            note = decision.refused.said("rejected")
        elif decision.would_refuse is not None:
            note = decision.would_refuse.said("would reject")
        counted = tuple((ruling.tally, NUMBERS[verdict]) for ruling, verdict in decision.verdicts)
        return native.Decision(decision.refused, note, counted)


def _refuse(call: Call, ruling: Ruling[AccessRule]) -> NoReturn:
    raise refusal(call, ruling)


def refusal(call: Call, ruling: Ruling[AccessRule]) -> Failure:
    """Why a call was refused, and what its caller's owner can do.

    Another instance has the same rules, so that it is not worth another attempt.
    """
    caller = call.caller or "a caller that gives no name"
    if ruling.rule.effect == "deny":
        reason = f"{caller} may not call {call.callee}.{call.method}: {ruling.name} denies it"
    else:
        reason = (
            f"{caller} is not among the callers that may call {call.callee}.{call.method} "
            f"({ruling.name} allows others)"
        )
    return Failure(
        Kind.DENIED,
        f"{reason}; ask the owner of {call.callee} to let it in",
        rule=ruling.name,
    )


if native is not None:
    native.setup_gate("Access", Access)
