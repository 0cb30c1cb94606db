"""Rule sets as YAML: the text that people edit, with or without comments that explain it."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from pie.govern import Key, Rule, RuleField, describe
from pie.platform.govern.kinds import RuleKind, kind_view, rule_type, scope_fields
from pie.state.rules.document import WrittenRule

_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./*@+-]*")
_WORDS: Final = frozenset({"null", "true", "True", "false", "False"})
_WIDTH = 96
_LINE = 72


def write_yaml(key: Key, rules: Sequence[WrittenRule], version: int = 0) -> str:
    """A rule set as YAML; ``read_yaml`` gives the same rules back.

    Args:
        key: which rule set.
        rules: in their order.
        version: that the rules are of; 0 is left out.
    """
    lines = [f"kind: {key.kind}", f"psm: {key.psm}", f"side: {key.side}"]
    if version:
        lines.append(f"version: {version}")
    return "\n".join([*lines, *write_rules(key, rules)]) + "\n"


def write_rules(key: Key, rules: Sequence[WrittenRule]) -> list[str]:
    """The lines of the list of rules alone."""
    if not rules:
        return ["rules: []"]
    forms = {each.name: each for each in describe(rule_type(key.kind))}
    lines = ["rules:"]
    for rule in rules:
        lines += _rule(rule, forms)
    return lines


def write_for_editor(key: Key, rules: Sequence[WrittenRule], version: int) -> str:
    """A rule set as YAML under comments that explain its fields, for an editor."""
    kind = rule_type(key.kind)
    view = kind_view(kind)
    lines = [*_head(key, view, version), *_fields(kind), *_scope(key), "#"]
    if rules:
        return "\n".join([*lines, write_yaml(key, rules, version)])
    example = [f"# {line}" for line in write_rules(key, [_example(kind)])]
    lines += ["# There are no rules yet. A rule looks like this:", *example, "#"]
    return "\n".join([*lines, write_yaml(key, rules, version)])


def _head(key: Key, view: RuleKind, version: int) -> list[str]:
    at = f"version {version}" if version else "no version yet"
    which = (
        "All rules that match a call hold."
        if view.every
        else ("Of the rules that match a call, the one with the most specific scope holds.")
    )
    title = f"{key.kind} of {key.psm}, {key.side}, {at}. {view.help} {which}"
    return [f"# {line}" for line in textwrap.wrap(title, _WIDTH - 2)] + ["#"]


def _fields(kind: type[Rule]) -> list[str]:
    lines = ["# Fields of a rule:"]
    forms = describe(kind)
    room = max((len(each.name) for each in forms), default=0)
    for each in forms:
        text = f"{each.help} {_bounds(each)}"
        indent = " " * (room + 5)
        wrapped = textwrap.wrap(
            text, _WIDTH, initial_indent=f"#   {each.name:<{room}} ",
            subsequent_indent=f"#{indent[1:]}",
        )  # fmt: skip
        lines += wrapped
    return lines


def _bounds(each: RuleField) -> str:
    if each.default is None:
        return f"({each.expects})"
    return f"({each.expects}; default {_flow(msgspec.to_builtins(each.default))})"


def _scope(key: Key) -> list[str]:
    names = [each.name for each in scope_fields() if key.side in each.sides]
    text = (
        f"scope: the calls that a rule is for, by {', '.join(names)}; each is a name, [a, list], "
        "or prefix*. What is left out matches every call."
    )
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2)]


def _example(kind: type[Rule]) -> WrittenRule:
    body = {
        each.name: msgspec.to_builtins(each.default)
        for each in describe(kind)
        if each.default not in (None, "")
    }
    return WrittenRule({"method": "Get*"}, body)


def _rule(rule: WrittenRule, forms: Mapping[str, RuleField]) -> list[str]:
    short = f"scope: {_flow(rule.scope)}"
    if len(short) <= _LINE:
        lines = [short]
    else:
        lines = [
            "scope:",
            *(f"  {_scalar(name)}: {_flow(each)}" for name, each in rule.scope.items()),
        ]
    # In the order of the type, so that two texts of the same rule are the same.
    order = [*(name for name in forms if name in rule.body)]
    order += sorted(name for name in rule.body if name not in forms)
    for name in order:
        lines += _field(name, rule.body[name], forms.get(name))
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _field(name: str, value: Any, form: RuleField | None) -> list[str]:
    name = _scalar(name)
    if isinstance(value, Mapping | list | tuple):
        text = _flow(value)
        if len(text) > _LINE and isinstance(value, Mapping):
            return [f"{name}:", *(f"  {_scalar(key)}: {_flow(v)}" for key, v in value.items())]
        if len(text) > _LINE:
            return [f"{name}:", *(f"- {_flow(each)}" for each in value)]
        return [f"{name}: {text}"]
    unit = ""
    if form is not None and form.unit and not isinstance(value, str | bool):
        unit = f"  # {form.unit}"
    return [f"{name}: {_scalar(value)}{unit}"]


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_flow(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
