"""Rule sets written as YAML, read: bounded, without surprises, every error with its line.

    kind: rate            # kind, psm, side and version may be left out
    rules:
    - scope: {caller: toutiao.feed.*, method: [Get, List]}
      qps: 90             # the fields of the body stand beside the scope

A plain scalar is a number, ``true``, ``false`` or ``null`` as in YAML 1.2, else a text: ``no`` is a
name like any other, and no date is made of one. Aliases are refused, as are keys that stand twice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from pie.state.rules.document import WrittenRule

MAX_TEXT = 512 << 10
"""Characters of one text: twice what a rule set may be in the store, for comments."""
_MAX_DEPTH = 12
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?\d{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)")
_CONSTANTS: Final[Mapping[str, Any]] = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "True": True,
    "false": False,
    "False": False,
}
_HEAD: Final = ("kind", "psm", "side", "version", "rules")

Path = tuple[str | int, ...]


class YamlError(ValueError):
    """A text that is no rule set. ``line`` counts from 1; 0 = the whole text."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        self.reason = message


@dataclass(slots=True)
class ReadRules:
    """The rules of a text, and what its head says; empty or None where it says nothing.

    ``lines`` has the line of each rule under ``(number,)``, of its fields under ``(number, name)``
    and of the fields of its scope under ``(number, "scope", name)``; numbers count from 1.
    """

    rules: list[WrittenRule]
    kind: str = ""
    psm: str = ""
    side: str = ""
    version: int | None = None
    lines: dict[Path, int] = field(default_factory=dict)


def read_yaml(text: str) -> ReadRules:
    """The rules that a text holds, as it writes them; their values are not checked here.

    Raises:
        YamlError: it is no YAML, or does not have the form of a rule set.
    """
    root = _compose(text)
    if root is None:
        raise YamlError("the text holds nothing; to publish no rules, write `rules: []`")
    if isinstance(root, yaml.SequenceNode):  # The list of rules alone.
        return _rules(root, ReadRules([]))
    head = _mapping(root, "the text")
    for name, node in head.items():
        if name not in _HEAD:
            raise YamlError(
                f"{name!r} does not belong here: beside `rules` there are kind, psm, side and "
                "version; fields of a rule stand in the list under `rules:`",
                _line(node),
            )
    if "rules" not in head:
        raise YamlError("`rules:` is missing: the list of rules; `rules: []` publishes none")
    found = ReadRules([])
    for name in ("kind", "psm", "side"):
        if name in head:
            setattr(found, name, _text(head[name], name))
    if "version" in head:
        found.version = _version(head["version"])
    return _rules(head["rules"], found)


def _compose(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise YamlError(f"{len(text):,} characters are more than {MAX_TEXT:,}")
    try:
        depth = documents = 0
        for event in yaml.parse(text, _LOADER):
            line = _line(event)
            if isinstance(event, yaml.AliasEvent):
                raise YamlError("aliases (`*name`) are not read: write the value again", line)
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                depth += 1
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                depth -= 1
            documents += isinstance(event, yaml.DocumentStartEvent)
            if depth > _MAX_DEPTH or documents > 1:
                what = "nested too deeply" if depth > _MAX_DEPTH else "a second document (`---`)"
                raise YamlError(f"{what}: a rule set is one list of rules", line)
        return yaml.compose(text, _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        lines = text.splitlines()
        is_tab = (
            mark is not None
            and lines[mark.line : mark.line + 1]
            and ("\t" in lines[mark.line][: mark.column + 1])
        )
        hint = "; indent with spaces, not with tabs" if is_tab else ""
        raise YamlError(
            f"this is not YAML: {problem}{hint}", mark.line + 1 if mark is not None else 0
        ) from None


def _rules(node: Any, found: ReadRules) -> ReadRules:
    if isinstance(node, yaml.ScalarNode) and _scalar(node) is None:
        return found  # `rules:` with nothing under it.
    if not isinstance(node, yaml.SequenceNode):
        raise YamlError("`rules` is a list: each rule begins with `- `", _line(node))
    for number, each in enumerate(node.value, 1):
        fields = _mapping(each, f"rule {number}")
        found.lines[number,] = _line(each)
        scope, body = dict[str, Any](), dict[str, Any]()
        for name, value in fields.items():
            found.lines[number, name] = _line(value)
            if name == "scope":
                for part, pattern in _mapping(value, f"the scope of rule {number}").items():
                    found.lines[number, "scope", part] = _line(pattern)
                    scope[part] = _pattern(pattern)
            elif name == "body" and isinstance(value, yaml.MappingNode):
                for part, inner in _mapping(value, f"the body of rule {number}").items():
                    found.lines[number, part] = _line(inner)
                    body[part] = _value(inner)
            else:
                body[name] = _value(value)
        found.rules.append(WrittenRule(scope, body))
    return found


def _mapping(node: Any, what: str) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode) and _scalar(node) is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise YamlError(f"{what} has the form `name: value`", _line(node))
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"a name of {what} is no word", _line(key))
        if key.value in found:
            raise YamlError(
                f"{key.value} stands in line {_line(found[key.value])} already", _line(key)
            )
        found[key.value] = value
    return found


def _value(node: Any) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        return {name: _value(each) for name, each in _mapping(node, "the value").items()}
    return _scalar(node)


def _pattern(node: Any) -> Any:
    """Names stay as they are written: ``404`` is a method, not a number."""
    if isinstance(node, yaml.SequenceNode):
        return [_text(each, "a name") for each in node.value]
    if isinstance(node, yaml.ScalarNode):
        return node.value
    raise YamlError("a pattern is a name, [a, list, of, names], or prefix*", _line(node))


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _text(node: Any, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise YamlError(f"{name} is a word", _line(node))
    return str(node.value)


def _version(node: Any) -> int:
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise YamlError("version: it is the version that this text was made from: 17", _line(node))
    return value


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
