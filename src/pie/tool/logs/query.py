"""Matches a query against lines of local files, and shows the position of its errors."""

import operator
import re
from collections.abc import Callable
from typing import Any

import click

from pie.platform.ask.query.parse import parse
from pie.platform.ask.query.tree import (
    BUILT_IN,
    FIELDS_PREFIX,
    LEVELS,
    And,
    Everything,
    FieldCompares,
    FieldIs,
    Logid,
    Node,
    Not,
    Or,
    Part,
    QueryError,
    Words,
)
from pie.tool.logs.lines import Line
from pie.tool.terminal.table import width

_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SEVERITY = {name: rank for rank, names in enumerate(LEVELS) for name in names}
_FILE_LINE = re.compile(r"(.+):(\d{1,9})", re.ASCII)
_WORD_OR_SIGN = re.compile(r"[0-9A-Za-z]+|[^\sA-Za-z0-9]")


def matcher_of(query: str) -> Callable[[Line], bool]:
    """Tells whether a line matches a query; as the platform would, but for what its index does.

    Raises:
        click.ClickException: the query does not parse; points at the position.
    """
    try:
        node = parse(query)
    except QueryError as error:
        raise click.ClickException(
            point_at(query, error.at.offset, error.at.length, error.message)
        ) from None
    return lambda line: _matches(node, line)


def point_at(query: str, offset: int, length: int, message: str) -> str:
    """A complaint, with the query and a mark under what is wrong in it."""
    mark = " " * width(query[:offset]) + "^" * max(1, width(query[offset : offset + length]))
    return f"{message}\n\n  {query}\n  {mark}"


def severity(level: str) -> int:
    """The rank of a level, -1 for one nobody knows."""
    return _SEVERITY.get(level.upper(), -1)


def _matches(node: Node, line: Line) -> bool:  # noqa: PLR0911 - one for each kind of node
    match node:
        case Everything():
            return True
        case And(parts):
            return all(_matches(part, line) for part in parts)
        case Or(parts):
            return any(_matches(part, line) for part in parts)
        case Not(part):
            return not _matches(part, line)
        case Words(text, column, prefix):
            pattern = _words(text, prefix=prefix)
            return any(pattern.search(each) for each in _texts(line, column))
        case Part(text, column):
            return any(text.lower() in each.lower() for each in _texts(line, column))
        case Logid(logid):
            pattern = _words(logid, prefix=False)
            return line["logid"] == logid or any(map(pattern.search, _texts(line, "")))
        case FieldIs():
            return _field_is(node, line)
        case FieldCompares():
            return _field_compares(node, line)


def _texts(line: Line, column: str) -> list[str]:
    return [line[column]] if column else [line["message"], line["stack"]]


def _words(text: str, *, prefix: bool) -> re.Pattern[str]:
    """Whole words in a row, whatever signs and spaces stand between them."""
    words = [re.escape(each) for each in _WORD_OR_SIGN.findall(text)]
    whole = r"[^0-9A-Za-z]*?".join(words)
    begin = r"(?<![0-9A-Za-z])" if text[:1].isascii() and text[:1].isalnum() else ""
    end = r"(?![0-9A-Za-z])" if not prefix and text[-1:].isascii() and text[-1:].isalnum() else ""
    return re.compile(begin + whole + end, re.IGNORECASE)


def _value(name: str, line: Line) -> str:
    if name in BUILT_IN:
        return str(line.get({"span": "span_id"}.get(name, name), ""))
    return str(line["fields"].get(name.removeprefix(FIELDS_PREFIX), ""))


def _field_is(node: FieldIs, line: Line) -> bool:
    value, wanted = _value(node.name, line), node.value
    if node.name in ("level", "logid"):
        value, wanted = value.upper(), wanted.upper()
    if node.how == "part":
        return wanted.lower() in value.lower()
    if node.how == "glob":
        pattern = ".*".join(map(re.escape, wanted.split("*")))
        return bool(value) and re.fullmatch(pattern, value, re.DOTALL) is not None
    if node.name == "level":
        return value == wanted or -1 < severity(value) == severity(wanted)
    if node.name == "file":
        at = _FILE_LINE.fullmatch(wanted)
        if at is not None and int(at[2]) != line["line"]:
            return False
        path = at[1] if at else wanted
        return value == path or value.endswith("/" + path)
    return value == wanted


def _field_compares(node: FieldCompares, line: Line) -> bool:
    compare = _OPERATIONS[node.op]
    value = _value(node.name, line)
    if node.name == "level":
        return severity(value) >= 0 and compare(severity(value), severity(node.value))
    try:
        return compare(float(value), float(node.value))
    except ValueError:
        return False
