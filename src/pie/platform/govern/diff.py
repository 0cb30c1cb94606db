"""What changes between two versions of a rule set: by rule and field, and as lines of YAML."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from pie.govern import Key, Scope, describe
from pie.platform.govern.kinds import rule_type
from pie.platform.govern.values import read_scope, show_value
from pie.platform.govern.yaml_write import write_rules
from pie.state.rules.document import WrittenRule

_CONTEXT = 3


@dataclass(slots=True)
class RuleFieldChange:
    """One field of a rule, as text with its unit; empty = it was, or is, not written."""

    field: str
    before: str
    after: str


@dataclass(slots=True)
class RuleChange:
    """What became of one rule. ``scope`` is for which calls, as text; empty = every call."""

    what: Literal["added", "removed", "changed"]
    scope: str
    fields: list[RuleFieldChange]


@dataclass(slots=True)
class DiffLine:
    """A line of YAML: ``+`` is new, ``-`` is gone, a space stays, ``…`` stands for lines left out.

    ``line`` is its number in the new text, 0 for a line that is not in it.
    """

    sign: Literal["+", "-", " ", "…"]
    text: str
    line: int


@dataclass(slots=True)
class RulesDiff:
    """What changes from one version to another; nothing where both lists are empty."""

    before: int
    after: int
    rules: list[RuleChange]
    lines: list[DiffLine]


def diff(
    key: Key,
    before: Sequence[WrittenRule],
    after: Sequence[WrittenRule],
    versions: tuple[int, int] = (0, 0),
) -> RulesDiff:
    """What changes from ``before`` to ``after``; a rule is the same while its scope is."""
    old, new = ({scope_text(key.kind, rule): rule for rule in rules} for rules in (before, after))
    changes = []
    for scope, rule in new.items():
        was = old.get(scope)
        fields = _fields(key, {} if was is None else was.body, rule.body)
        if was is None:
            changes.append(RuleChange("added", scope, fields))
        elif fields:
            changes.append(RuleChange("changed", scope, fields))
    for scope, rule in old.items():
        if scope not in new:
            changes.append(RuleChange("removed", scope, _fields(key, rule.body, {})))
    lines = [write_rules(key, rules) if rules else [] for rules in (before, after)]
    return RulesDiff(*versions, changes, _lines(*lines))


def summary(found: RulesDiff) -> str:
    """The changes in one line: ``caller=toutiao.feed.*: qps 120 calls/s → 90 calls/s``."""
    parts = []
    for rule in found.rules:
        name = rule.scope or "every call"
        if rule.what != "changed":
            parts.append(f"{rule.what} {name}")
            continue
        fields = ", ".join(
            f"{each.field} {each.before or 'default'} → {each.after or 'default'}"
            for each in rule.fields
        )
        parts.append(f"{name}: {fields}")
    return "; ".join(parts)


def scope_text(kind: str, rule: WrittenRule) -> str:
    """For which calls a rule is, and which part of what they do, as text.

    As it is written when that is no scope.
    """
    try:
        scope = str(msgspec.convert(read_scope(rule.scope), Scope))
    except msgspec.ValidationError:
        scope = " ".join(f"{name}={value}" for name, value in rule.scope.items())
    try:
        part = msgspec.convert(rule.body, rule_type(kind)).part
    except msgspec.ValidationError:
        part = ""
    return f"{part} {scope}".strip()


def _fields(key: Key, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[RuleFieldChange]:
    forms = {each.name: each for each in describe(rule_type(key.kind))}
    names = [*forms, *sorted((before.keys() | after.keys()) - forms.keys())]
    found = []
    for name in names:
        old, new = before.get(name), after.get(name)
        if old == new or (name not in before and name not in after):
            continue
        form = forms.get(name)
        found.append(
            RuleFieldChange(
                name,
                show_value(form, old) if name in before else "",
                show_value(form, new) if name in after else "",
            )
        )
    return found


def _lines(before: list[str], after: list[str]) -> list[DiffLine]:
    found: list[DiffLine] = []
    groups = difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(
        _CONTEXT
    )
    end = 0
    for group in groups:
        if group[0][3] > end:
            found.append(DiffLine("…", "", 0))
        for tag, first, last, start, stop in group:
            if tag == "equal":
                found += [DiffLine(" ", after[at], at + 1) for at in range(start, stop)]
                continue
            found += [DiffLine("-", line, 0) for line in before[first:last]]
            found += [DiffLine("+", after[at], at + 1) for at in range(start, stop)]
        end = group[-1][4]
    if found and end < len(after):
        found.append(DiffLine("…", "", 0))
    return found
