"""What would happen to a call, by which rule of which version, and why the others do not hold.

The gates themselves decide where a decision needs no memory; of the others the rule that holds is
shown. Nothing is remembered of the call that is asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pie.govern import KINDS, NONE, Key, RuleError, RuleSet, Side, Subject, describe
from pie.govern.scope import Scope
from pie.model import PSM
from pie.platform.govern.check import made_of
from pie.platform.govern.replay import Effect, World, replay
from pie.platform.govern.values import show_value
from pie.state.rules.document import RuleDocument


@dataclass(frozen=True, slots=True)
class ExplainCall:
    """A call that is asked about."""

    callee: str
    method: str = ""
    caller: str = ""
    caller_cluster: str = ""
    cluster: str = "default"
    lane: str = ""


@dataclass(slots=True)
class ExplainRule:
    """One rule of a set, and whether it holds for the call; ``why`` says why not.

    ``number`` counts from 1 in the order of writing; rules come in the order of precedence.
    """

    number: int
    scope: str
    values: str
    matches: bool
    holds: bool
    why: str


@dataclass(slots=True)
class ExplainStep:
    """What the rules of one kind, side and owner do to the call, in the order of the call's way.

    ``verdict`` is ``rejected``, ``would_reject``, ``admitted``, ``routed``, ``fallback``,
    ``limited`` where the gate decides without memory, else ``holds`` where a rule holds, ``none``
    where there is none for the call.
    """

    kind: str
    side: Side
    owner: str
    version: int
    verdict: str
    text: str
    rolling: str
    rules: list[ExplainRule]


@dataclass(slots=True)
class Explanation:
    """What would happen to a call: a sentence, and each step that has rules.

    ``silent`` are kinds for which nobody has published rules.
    """

    call: ExplainCall
    outcome: str
    steps: list[ExplainStep]
    silent: list[str]


NONE_UNREADABLE: Final[Mapping[Key, str]] = MappingProxyType({})


def rule_sets_of(call: ExplainCall) -> list[tuple[str, Side]]:
    """Whose rules a call meets on its way."""
    own: list[tuple[str, Side]] = [(call.caller, "client")] if _is_psm(call.caller) else []
    return [*own, (call.callee, "callers"), (call.callee, "server")]


def _is_psm(name: str) -> bool:
    try:
        PSM.parse(name)
    except ValueError:
        return False
    return True


def explain(
    call: ExplainCall,
    documents: Sequence[RuleDocument],
    world: World,
    unreadable: Mapping[Key, str] = NONE_UNREADABLE,
) -> Explanation:
    """What would happen to a call, by these rule sets of its caller and its callee.

    Args:
        call: that is asked about.
        documents: the rule sets.
        world: what decisions depend on beside the call.
        unreadable: why there are rule sets that cannot be read.
    """
    by_key = {each.key: each for each in documents}
    steps = []
    for psm, side in rule_sets_of(call):
        for kind, rule in KINDS.items():
            key = Key(kind, psm, side)
            if key in unreadable:
                steps.append(ExplainStep(*key[::2], psm, 0, "none", unreadable[key], "", []))
            found = by_key.get(key)
            if found is not None and found.rules and side in rule.sides:
                steps.append(_step(call, found, world))
                if steps[-1].verdict == "rejected":
                    break
        if steps and steps[-1].verdict == "rejected":
            break
    known = {each.kind for each in documents if each.rules}
    return Explanation(call, _outcome(steps), steps, [kind for kind in KINDS if kind not in known])


def _step(call: ExplainCall, document: RuleDocument, world: World) -> ExplainStep:
    try:
        made = made_of(document)
    except RuleError as error:
        return ExplainStep(
            document.kind, document.side, document.psm, document.version, "none",
            f"these rules cannot be read by this platform: {error}", "", [],
        )  # fmt: skip
    subject = Subject(
        call.callee,
        call.method,
        call.caller if document.side != "client" else document.psm,
        call.caller_cluster,
        call.cluster or "default",
        call.lane,
    )
    decide = replay(made, world)
    effect = None if decide is None else decide(subject)
    holding = made.holding(subject)
    winner = holding[0] if holding else None
    scopes = {ruling.number: scope for scope, ruling in made.scoped}
    rules = []
    for scope, ruling in made.scoped:
        matches = scope.matches(subject)
        holds = ruling in holding
        why = ""
        if not matches:
            why = _mismatch(scope, subject)
        elif not holds and winner is not None:
            why = _precedence(scope, scopes[winner.number], winner.number + 1)
        rules.append(
            ExplainRule(
                ruling.number + 1, str(scope), _values(made, ruling.rule), matches, holds, why
            )
        )
    verdict, text = _verdict(made, effect, [each for each in rules if each.holds])
    return ExplainStep(
        document.kind, document.side, document.psm, document.version, verdict, text,
        _rolling(document), rules,
    )  # fmt: skip


def _verdict(
    made: RuleSet[Any], effect: Effect | None, holding: list[ExplainRule]
) -> tuple[str, str]:
    if effect is not None and effect.text:
        return effect.verdict, effect.text
    if not holding:
        return "none", f"no {made.kind.kind} rule is for this call: the defaults hold"
    names = " and ".join(f"rule {each.number} ({each.scope or 'every call'})" for each in holding)
    verb = "holds" if len(holding) == 1 else "hold"
    return "holds", f"{names} {verb}: {'; '.join(each.values for each in holding)}"


def _outcome(steps: Sequence[ExplainStep]) -> str:
    if not steps:
        return "no rules are in force for this call: the defaults hold"
    last = steps[-1]
    if last.verdict == "rejected":
        return f"rejected: {last.text}"
    notable = [
        each.text for each in steps if each.verdict in ("would_reject", "routed", "fallback")
    ]
    return "; ".join(["admitted", *notable])


def _rolling(document: RuleDocument) -> str:
    rollout = document.rollout
    if rollout is None:
        return ""
    others = f"v{document.previous_version}" if document.previous_version else "no rules"
    if rollout.stopped:
        return f"the roll-out was stopped ({rollout.stopped}): every instance runs {others}"
    who = [*rollout.instances, *([f"{rollout.percent:g} % of all"] if rollout.percent else [])]
    runs = " and ".join(who) or "no instance yet"
    return f"being rolled out, it runs on: {runs}; the others run {others}"


def _values(made: RuleSet[Any], rule: Any) -> str:
    shown: list[str] = []
    for each in describe(made.kind):
        value = getattr(rule, each.name, each.default)
        if value != each.default or not shown:
            shown.append(f"{each.name} {show_value(each, value)}")
    return ", ".join(shown)


def _mismatch(scope: Scope, subject: Subject) -> str:
    for name, value in zip(Subject._fields, subject, strict=True):
        alone: Mapping[str, Any] = {name: getattr(scope, name)}
        if not Scope(**alone).matches(subject):
            return f"{name} is {value or NONE}, not {_pattern(getattr(scope, name))}"
    return ""


def _precedence(scope: Scope, winner: Scope, number: int) -> str:
    for name, mine, its in zip(Subject._fields, scope.specificity, winner.specificity, strict=True):
        if mine != its:
            return (
                f"rule {number} is more specific: its {name} is "
                f"{_pattern(getattr(winner, name))}, here {_pattern(getattr(scope, name))}"
            )
    return f"rule {number} holds"


def _pattern(pattern: Any) -> str:
    if isinstance(pattern, str):
        return "any" if pattern == "*" else pattern
    return f"one of {', '.join(sorted(pattern))}"
