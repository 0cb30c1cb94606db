"""The kinds of rules, described for forms, commands and documents from the types of the rules."""

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from pie.govern import KINDS, SIDES, Rule, RuleField, Side, describe
from pie.govern.scope import Scope
from pie.model import Failure, Kind

Predictable = Literal["exact", "estimate", "no"]
"""What a preview of a kind can say."""

PREVIEWS: Final[Mapping[str, Predictable]] = {
    "access": "exact",
    "degrade": "exact",
    "route": "exact",
    "rate": "estimate",
}
"""Kinds whose effect on past calls can be told; of the others it depends on what they remember."""

SCOPE_HELP: Final[Mapping[str, str]] = {
    "callee": "The service called; for rules of the side client only.",
    "method": "The method called.",
    "caller": "The service that calls, as it names itself; (none) = it does not.",
    "caller_cluster": "The cluster that the caller runs in.",
    "cluster": "The cluster of the callee.",
    "lane": "The environment lane that the call is on; (none) = the base lane.",
}


@dataclass(slots=True)
class KindField:
    """A field of a rule, see ``pie.govern.RuleField``: ``least`` and ``most`` bound a number, each
    weight, the length of a text, how many names there are; ``least`` itself is not allowed where
    ``above`` is true. ``expects`` says what its value has to be."""

    name: str
    form: str
    default: Any
    unit: str
    least: float
    most: float
    above: bool
    choices: list[str]
    help: str
    expects: str


@dataclass(slots=True)
class RuleKind:
    """One kind of rules: on which sides it stands, and its fields.

    ``every``: all matching rules hold, not the most specific alone. ``rejects``: it can turn calls
    away, so publishing it needs a comment. ``preview``: what can be told of its effect beforehand.
    """

    kind: str
    help: str
    sides: list[Side]
    every: bool
    rejects: bool
    preview: Predictable
    fields: list[KindField]


@dataclass(slots=True)
class ScopeField:
    """A field of a scope, in the order in which scopes are compared; ``sides`` may name it."""

    name: str
    help: str
    sides: list[Side]


@dataclass(slots=True)
class RuleKinds:
    """All kinds that can be published, and what scopes are made of."""

    kinds: list[RuleKind] = field(default_factory=list)
    scope: list[ScopeField] = field(default_factory=list)


def all_kinds() -> RuleKinds:
    """Everything a form needs."""
    return RuleKinds([kind_view(each) for each in KINDS.values()], scope_fields())


def kind_view(rule: type[Rule]) -> RuleKind:
    """One kind, from the type of its rules."""
    fields = [_field(each) for each in describe(rule)]
    return RuleKind(
        rule.kind,
        inspect.cleandoc(rule.__doc__ or "").partition("\n\n")[0].replace("\n", " "),
        list(rule.sides),
        rule.every,
        any(each.name == "dry_run" for each in fields),
        PREVIEWS.get(rule.kind, "no"),
        fields,
    )


def scope_fields() -> list[ScopeField]:
    """The fields of a scope."""
    found = []
    for each in msgspec.structs.fields(Scope):
        sides: list[Side] = list(SIDES)
        if each.name == "callee":
            sides = ["client"]
        elif each.name == "caller":
            sides.remove("client")
        found.append(ScopeField(each.name, SCOPE_HELP.get(each.name, ""), sides))
    return found


def rule_type(kind: str) -> type[Rule]:
    """The type of the rules of a kind.

    Raises:
        Failure: there is no such kind; names the nearest.
    """
    found = KINDS.get(kind)
    if found is None:
        near = difflib.get_close_matches(kind, KINDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"kinds: {', '.join(KINDS)}"
        raise Failure(Kind.INVALID, f"{kind[:100]!r} is no kind of rules; {hint}")
    return found


def side_of(rule: type[Rule], side: str) -> Side:
    """The side on which a rule set of a kind stands; an empty one is the first that the kind has.

    Raises:
        Failure: the kind does not stand there.
    """
    for each in rule.sides:
        if side in (each, ""):
            return each
    raise Failure(
        Kind.INVALID,
        f"rules of kind {rule.kind} are for {' or '.join(rule.sides)}, not for {side[:100]!r}",
    )


def _field(each: RuleField) -> KindField:
    return KindField(
        each.name,
        each.form,
        msgspec.to_builtins(each.default),
        each.unit,
        each.least,
        each.most,
        each.above,
        list(each.choices),
        each.help,
        each.expects,
    )
