"""Whether one line is what a query asks for: the twin of ``condition``, without a store. Pure."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from pie.platform.ask.query.condition import DECIMALS, FILE_LINE, SEVERITY, column_of, level_names
from pie.platform.ask.query.tree import (
    BUILT_IN,
    FIELDS_PREFIX,
    NUMBERS,
    STACK_HASH,
    And,
    Everything,
    FieldCompares,
    FieldIs,
    Logid,
    Node,
    Not,
    Or,
    Part,
    Words,
)
from pie.platform.ask.query.words import in_a_row, words_of

Line = Mapping[str, Any]
"""A line by the names of its columns."""

_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_EXACT = Context(prec=400)
_SMALLEST = Decimal(1).scaleb(-DECIMALS)
_BEYOND = Decimal(10) ** (76 - DECIMALS)
_UPPER = str.maketrans({char: chr(char - 32) for char in range(ord("a"), ord("z") + 1)})
_LOWER = str.maketrans({char: chr(char + 32) for char in range(ord("A"), ord("Z") + 1)})


def matches(node: Node, line: Line) -> bool:  # noqa: PLR0911 - one for each kind of node
    """Whether the line is one that the query asks for; texts are its message and its stack."""
    match node:
        case Everything():
            return True
        case And(parts):
            return all(matches(part, line) for part in parts)
        case Or(parts):
            return any(matches(part, line) for part in parts)
        case Not(part):
            return not matches(part, line)
        case Words(text, column, prefix):
            return any(_has_words(each, text, prefix) for each in _texts(line, column))
        case Part(text, column):
            return any(_contains(each, text) for each in _texts(line, column))
        case Logid(logid):
            return line["logid"].lower() == logid or matches(Words(logid), line)
        case FieldIs():
            return _field_is(node, line)
        case FieldCompares():
            return _field_compares(node, line)


def _texts(line: Line, column: str) -> list[str]:
    return [line[column]] if column else [line["message"], line["stack"]]


def _has_words(value: str, text: str, prefix: bool) -> bool:
    words = words_of(text)
    if not words:
        return _contains(value, text.strip())
    return in_a_row(words, words_of(value), prefix=prefix and words[-1].isascii())


def _contains(value: str, text: str) -> bool:
    if text.isascii():
        return text.translate(_LOWER) in value.translate(_LOWER)
    lowered = text.lower()
    return lowered in (value if lowered == text.upper() else value.lower())


def _value(name: str, line: Line) -> str | None:
    """The value of a field as text; None if the line has it not."""
    if name in BUILT_IN:
        return str(line[column_of(name)]) or None
    value: str | None = line["fields"].get(name.removeprefix(FIELDS_PREFIX))
    return value


def _field_is(node: FieldIs, line: Line) -> bool:  # noqa: PLR0911 - one for each kind of field
    name, wanted = node.name, node.value
    if name in NUMBERS or name == STACK_HASH:
        number = int(line[name])
        return number == int(wanted) if node.how == "exact" else number != 0
    found = _value(name, line)
    value = found or ""
    if node.how == "part":
        return _contains(value, wanted)
    if name == "level":
        value = value.translate(_UPPER)
        wanted = wanted.translate(_UPPER)
        if node.how == "exact":
            return value in level_names(wanted)
    elif name == "logid":
        value, wanted = value.lower(), wanted.lower()
    if node.how == "glob":
        if name != "level" and wanted.strip("*") == "":
            return found is not None
        pattern = ".*".join(map(re.escape, wanted.split("*")))
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    if name != "file":
        return value == wanted
    at = FILE_LINE.fullmatch(wanted)
    if at is not None and int(at[2]) != line["line"]:
        return False
    path = at[1] if at else wanted
    return value == path or value.endswith("/" + path)


def _field_compares(node: FieldCompares, line: Line) -> bool:
    compare = _OPERATIONS[node.op]
    if node.name == "level":
        rank = SEVERITY.get(str(line["level"]).translate(_UPPER))
        return rank is not None and compare(rank, SEVERITY[node.value])
    if node.name in NUMBERS:
        return compare(Decimal(int(line[node.name])), Decimal(node.value))
    value, wanted = _decimal(_value(node.name, line) or ""), _decimal(node.value)
    return value is not None and wanted is not None and compare(value, wanted)


def _decimal(text: str) -> Decimal | None:
    """The number of a text, as exact as the store has it; None if it is none there."""
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if number and math.floor(number.logb()) > 76 - DECIMALS:
        return None
    number = number.quantize(_SMALLEST, ROUND_DOWN, _EXACT)
    return number if abs(number) < _BEYOND else None
