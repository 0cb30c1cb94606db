"""Whether rules can be published, and what their author should know before.

Errors come from the types of the rules (``pie.govern.problems``). Warnings come from what the
registry and the calls of eight days know of the names in scopes, and from the calls that a rule
would hold for.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

from pie.govern import KINDS, NONE, Key, Rule, RuleError, RuleSet, describe, problems, read_rules
from pie.platform.govern.diff import scope_text
from pie.platform.govern.kinds import scope_fields
from pie.platform.govern.known import DAYS, CallGroup, Known
from pie.platform.govern.values import read_body, read_scope
from pie.platform.govern.yaml_read import Path
from pie.state.rules.document import RuleDocument, WrittenRule

MAX_PROBLEMS = 50
MAX_WARNINGS = 50


@dataclass(slots=True)
class RuleProblem:
    """What is wrong, or worth knowing: of which rule (from 1; 0 = the whole set), in which field
    (``qps``, ``scope.method``; may be empty), in which line of the text (0 = there is no text).

    ``reason`` and ``parts`` say it for other languages, as those of a ``NamedFailure`` do; empty
    for what has only a message."""

    rule: int
    field: str
    line: int
    message: str
    reason: str = ""
    parts: dict[str, str] = dataclass_field(default_factory=dict)


class _Said(NamedTuple):
    """A message, and the same for other languages."""

    message: str
    reason: str
    parts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """Rules as they would be published, and the set that they make unless there are errors."""

    rules: list[WrittenRule]
    errors: list[RuleProblem]
    made: RuleSet[Any] | None


def check(
    key: Key,
    rules: Sequence[WrittenRule],
    version: int = 1,
    lines: Mapping[Path, int] | None = None,
) -> Checked:
    """Read rules as a person wrote them: texts such as ``2s`` become values.

    Args:
        key: of the rule set.
        rules: as they are written.
        version: that they would have.
        lines: of the text that they come from, see ``yaml_read``.
    """
    kind = KINDS[key.kind]
    read = [WrittenRule(read_scope(rule.scope), read_body(kind, rule.body)) for rule in rules]
    errors = []
    known = []  # Without unknown fields, so that the rest of such a rule is checked, too.
    for number, rule in enumerate(read, 1):
        scope = {each.name: "*" for each in scope_fields()}
        body = {each.name: each.expects for each in describe(kind)}
        for name, says in [*_unknown(rule.scope, scope, "scope."), *_unknown(rule.body, body, "")]:
            errors.append(RuleProblem(number, name, _line(lines, number, name), *says))
        known.append(
            {
                "scope": {name: each for name, each in rule.scope.items() if name in scope},
                "body": {name: each for name, each in rule.body.items() if name in body},
            }
        )
    for each in problems(key, known, KINDS):
        at = 0 if each.number is None else each.number + 1
        name = each.field.removeprefix("body.")
        says = _value_said(kind, name, _in_words(each.problem))
        errors.append(RuleProblem(at, name, _line(lines, at, name), *says))
    errors = sorted(errors, key=lambda each: (each.rule, each.line))[:MAX_PROBLEMS]
    made = None if errors else read_rules(key, version, known, KINDS)
    return Checked(read, errors, made)


def _unknown(
    written: Mapping[str, Any], known: Mapping[str, Any], prefix: str
) -> Iterable[tuple[str, _Said]]:
    for name in written:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            reason, parts = "unknown_field", {"near": "".join(near), "fields": ", ".join(known)}
            if not prefix and name in {each.name for each in scope_fields()}:
                hint = f"it belongs into the scope: `scope: {{{name}: …}}`"
                reason, parts = "scope_field", {"field": name}
            yield f"{prefix}{name}", _Said(f"no such field; {hint}", reason, parts)


def _value_said(kind: type[Rule], name: str, message: str) -> _Said:
    """What is wrong with a value: which one it is, where the field's type says the rest."""
    for each in describe(kind):
        value, found, _ = message.partition(f" is not {each.expects}")
        if each.name == name and found:
            parts = {"value": value, "unit": each.unit}
            if each.form in ("number", "whole", "weights"):
                parts |= {"least": f"{each.least:g}", "most": f"{each.most:g}"}
            return _Said(message, "bad_value", parts)
    return _Said(message, "", {})


def made_of(document: RuleDocument) -> RuleSet[Any]:
    """The rule set that a document holds.

    Raises:
        RuleError: this platform cannot read it.
    """
    written = [{"scope": rule.scope, "body": rule.body} for rule in document.rules]
    return read_rules(document.key, document.version, written, KINDS)


def made_if_any(document: RuleDocument | None) -> RuleSet[Any] | None:
    """The rule set that a document holds; None for no rules, or none that can be read here."""
    if document is None or not document.rules:
        return None
    try:
        return made_of(document)
    except RuleError:
        return None


def warnings(
    checked: Checked,
    known: Known,
    groups: Sequence[CallGroup] | None,
    lines: Mapping[Path, int] | None = None,
) -> list[RuleProblem]:
    """What the author of valid rules should know; ``groups`` is None while calls are not known."""
    made = checked.made
    if made is None:
        return []
    found = []
    for number, (rule, says) in enumerate(
        zip(checked.rules, _reach(made, groups, len(checked.rules)), strict=True), 1
    ):
        names = [*_names(made.key, rule, known)]
        found += [
            RuleProblem(number, name, _line(lines, number, name), *each) for name, each in names
        ]
        if says and not names:
            found.append(RuleProblem(number, "scope", _line(lines, number, "scope"), *says))
    return found[:MAX_WARNINGS]


def _names(key: Key, rule: WrittenRule, known: Known) -> Iterable[tuple[str, _Said]]:
    """Names of a scope that nobody has."""
    for name, pattern in rule.scope.items():
        values = pattern if isinstance(pattern, list) else [pattern]
        for value in values:
            if not isinstance(value, str) or value == NONE:
                continue
            has = _known(key, name, known)
            if not has:
                continue
            if value.endswith("*"):
                if not any(each.startswith(value[:-1]) for each in has):
                    text = f"no {_WHAT[name]} is known that begins with {value[:-1]}"
                    yield f"scope.{name}", _Said(text, "unknown_prefix", {"prefix": value[:-1]})
            elif value not in has:
                near = difflib.get_close_matches(value, has, 1, 0.75)
                hint = f": did you mean {near[0]}?" if near else ""
                parts = {"name": value, "near": "".join(near)}
                text = f"no {_WHAT[name]} {value} is known{hint}"
                yield f"scope.{name}", _Said(text, "unknown_name", parts)


_WHAT = {
    "callee": "service",
    "caller": "service",
    "method": "method",
    "cluster": "cluster",
    "caller_cluster": "cluster of a caller",
    "lane": "lane",
}


def _known(key: Key, name: str, known: Known) -> set[str]:
    seen = set(known.names.get(name, ()))
    if name in ("caller", "callee"):
        return seen | known.psms
    if name == "method" and key.side != "client":
        return seen | known.methods
    if name == "cluster" and key.side != "client":
        return seen | known.clusters
    return seen - {""}


def _reach(
    made: RuleSet[Any], groups: Sequence[CallGroup] | None, count: int
) -> list[_Said | None]:
    """For each rule, in its order, why it would hold for no call; None = it does for some."""
    if not groups:
        return [None] * count
    holding, matching = [0] * count, [0] * count
    scopes = {ruling.number: scope for scope, ruling in made.scoped}
    for group in groups:
        for ruling in made.holding(group.subject):
            holding[ruling.number] += group.calls
    for number in range(count):
        if not holding[number]:
            matching[number] = sum(
                each.calls for each in groups if scopes[number].matches(each.subject)
            )
    return [None if holding[number] else _idle(matching[number]) for number in range(count)]


def _idle(matching: int) -> _Said:
    """Why a rule holds for no call that was counted."""
    if matching:
        return _Said(
            f"more specific rules take all {matching:,} calls of the last {DAYS} days "
            "that this one matches: it would hold for none",
            "shadowed",
            {"calls": f"{matching:,}", "days": str(DAYS)},
        )
    return _Said(
        f"no call of the last {DAYS} days is one that this rule is for",
        "no_call",
        {"days": str(DAYS)},
    )


def _line(lines: Mapping[Path, int] | None, number: int, name: str) -> int:
    """The line of a field; of its rule where the field is not written."""
    if not lines or not number:
        return 0
    path: Path = (number, *name.split(".")) if name else (number,)
    while path not in lines and len(path) > 1:
        path = path[:-1]
    return lines.get(path, 0)


def _in_words(problem: str) -> str:
    """With rules counted from 1, as people see them."""
    head, sign, rest = problem.partition("rules[")
    if not sign:
        return problem
    number, _, rest = rest.partition("]")
    return f"{head}rule {int(number) + 1}{rest}" if number.isdecimal() else problem


def first_error(kind: str, checked: Checked) -> str:
    """The errors in one sentence, for those who see no more."""
    first = checked.errors[0]
    where = f"rule {first.rule}" if first.rule else "the rules"
    at = f", {first.field}" if first.field else ""
    more = f" (and {len(checked.errors) - 1} more)" if len(checked.errors) > 1 else ""
    scope = scope_text(kind, checked.rules[first.rule - 1]) if first.rule else ""
    of = f" ({scope})" if scope and not first.field.startswith("scope") else ""
    return f"{where}{of}{at}: {first.message}{more}"
