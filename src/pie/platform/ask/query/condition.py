"""A query's tree to a condition in SQL. Pure.

Every text of the query becomes a parameter; the SQL itself holds nothing that a person typed.
"""

import itertools
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from pie.platform.ask.query.tree import (
    BUILT_IN,
    FIELDS_PREFIX,
    LEVELS,
    NUMBERS,
    STACK_HASH,
    And,
    Everything,
    FieldCompares,
    FieldIs,
    Logid,
    Node,
    Not,
    Op,
    Or,
    Part,
    Words,
)
from pie.platform.ask.query.words import whole_words_of, words_of

_SIGNS = r"[\x00-/:-@\[-`{-\x7f]"
"""What separates words, as a class of a regular expression over text in lower case."""
DECIMALS = 18
"""Digits behind the point that count when fields are compared; 58 may stand in front of it."""
FILE_LINE = re.compile(r"(.+):(\d{1,9})", re.ASCII)
_COLUMN_OF = {"span": "span_id"}
SEVERITY = {name: rank for rank, names in enumerate(LEVELS) for name in names}


class Params:
    """The parameters of one question; ``add`` gives what stands for a value in its SQL."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def add(self, value: str | int | float | Sequence[str] | Sequence[int], type_name: str) -> str:
        """The placeholder of a value of this ClickHouse type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{type_name}}}"

    def text(self, value: str) -> str:
        """The placeholder of a string."""
        return self.add(value, "String")


def condition(  # noqa: PLR0911 - one for each kind of node
    node: Node, params: Params, columns: Sequence[str]
) -> str:
    """The condition of a tree.

    Args:
        node: the query.
        params: where its values go.
        columns: what texts without a field are looked for in.
    """
    match node:
        case Everything():
            return "1"
        case And(parts):
            return f"({' AND '.join(condition(part, params, columns) for part in parts)})"
        case Or(parts):
            # Beside what is never true the store reads words with their case, not the index.
            possible = [part for part in parts if not _contradicts(part)] or parts
            return f"({' OR '.join(condition(part, params, columns) for part in possible)})"
        case Not(part):
            return f"NOT {condition(part, params, columns)}"
        case Words(text, column, prefix, _, begun):
            searched = (column,) if column else columns
            if not prefix:
                return _any_of(searched, text, _has_words, params)
            each = (_begins_word(name, text, begun.get(name), params) for name in searched)
            return f"({' OR '.join(each)})"
        case Part(text, column):
            return _any_of((column,) if column else columns, text, _has_part, params)
        case Logid(logid):
            # Quoted by others, a logid may also be a word of the text; so may any MD5.
            quoted = _any_of(columns, logid, _has_words, params)
            return f"(logid = {params.text(logid)} OR {quoted})"
        case FieldIs():
            return _field_is(node, params)
        case FieldCompares():
            return _field_compares(node, params)


def _contradicts(node: Node) -> bool:
    """Whether a field is to have two values at once."""
    parts = node.parts if isinstance(node, And) else ()
    exact = [each for each in parts if isinstance(each, FieldIs) and each.how == "exact"]
    return len({each.name for each in exact}) < len({(each.name, each.value) for each in exact})


def column_of(name: str) -> str:
    """The column of a field that every line has."""
    return _COLUMN_OF.get(name, name)


def level_names(name: str) -> tuple[str, ...]:
    """All names of a level, in upper case."""
    upper = name.upper()
    return LEVELS[SEVERITY[upper]] if upper in SEVERITY else (upper,)


def _any_of(
    columns: Sequence[str], text: str, found: Callable[[str, str, Params], str], params: Params
) -> str:
    return f"({' OR '.join(found(column, text, params) for column in columns)})"


def _has_words(column: str, text: str, params: Params) -> str:
    # Both functions take the index's own preprocessor and tokenizer to the text.
    words = words_of(text)
    if not words:
        return _contains(column, text.strip(), params)  # nothing but signs: no word to look up
    every = f"hasAllTokens({column}, {_words(words, params)})"
    if len(words) == 1:
        return every
    # The index tells which lines have the words; only these are read for their order.
    return f"({every} AND hasPhrase({column}, {params.text(' '.join(words))}))"


def _has_part(column: str, text: str, params: Params) -> str:
    part = _contains(column, text, params)
    inside = whole_words_of(text)
    return f"(hasAllTokens({column}, {_words(inside, params)}) AND {part})" if inside else part


def _begins_word(column: str, text: str, begun: Sequence[str] | None, params: Params) -> str:
    words = words_of(text)
    if not words:
        return _contains(column, text.strip(), params)
    if not words[-1].isascii():
        return _has_words(column, text, params)
    row = words[0]
    for before, word in itertools.pairwise(words):
        # Where two ASCII words meet, signs stand between them, or they were one.
        row += _SIGNS + ("+" if before.isascii() and word.isascii() else "*") + word
    border = "(^|[^0-9a-z])" if words[0].isascii() else ""
    begins = f"match(lowerUTF8({column}), {params.text('(?s)' + border + row)})"
    # No word has a space in it: a list of none is an error.
    known = "" if begun is None else f"hasAnyTokens({column}, {_words(begun or ' ', params)})"
    if len(words) == 1:
        return known or begins
    before = f"hasAllTokens({column}, {_words(words[:-1], params)})"
    return f"({' AND '.join(filter(None, (before, known, begins)))})"


def _words(words: Sequence[str], params: Params) -> str:
    return params.add(list(dict.fromkeys(words)), "Array(String)")


def _contains(column: str, text: str, params: Params) -> str:
    if text.isascii():
        return f"(positionCaseInsensitive({column}, {params.text(text)}) > 0)"
    lowered = text.lower()
    searched = column if lowered == text.upper() else f"lowerUTF8({column})"
    return f"(position({searched}, {params.text(lowered)}) > 0)"


def _field_is(node: FieldIs, params: Params) -> str:
    name, value = node.name, node.value
    if name in NUMBERS:
        return f"({name} = {params.add(int(value), 'UInt64')})"
    if name == STACK_HASH:
        same = f"stack_hash = {params.add(int(value), 'UInt64')}" if node.how == "exact" else ""
        return f"({same or 'stack_hash != 0'})"
    if name == "level":
        return _level_is(node, params)
    if name == "file" and node.how == "exact":
        return _file_is(value, params)
    return _text_is(node, value.lower() if name == "logid" else value, params)


def _text_is(node: FieldIs, value: str, params: Params) -> str:
    column, present = _column(node.name, params)
    if node.how == "part":
        return _contains(column, value, params)
    if node.how == "exact":
        return f"({column} = {params.text(value)})"
    if value.strip("*") == "":
        return present
    return f"({column} LIKE {params.text(_like(value))})"


def _level_is(node: FieldIs, params: Params) -> str:
    if node.how == "part":
        return _contains("level", node.value, params)
    if node.how == "exact":
        return f"(upper(level) IN {params.add(level_names(node.value), 'Array(String)')})"
    return f"(upper(level) LIKE {params.text(_like(node.value.upper()))})"


def _file_is(value: str, params: Params) -> str:
    """The whole path or its end, from a slash on; ``:line`` may follow."""
    matched = FILE_LINE.fullmatch(value)
    at_line = ""
    if matched is not None:
        value = matched[1]
        at_line = f" AND line = {params.add(int(matched[2]), 'UInt32')}"
    end = params.text("/" + value)
    return f"((file = {params.text(value)} OR endsWith(file, {end})){at_line})"


def _field_compares(node: FieldCompares, params: Params) -> str:
    op = node.op
    if node.name == "level":
        rank = SEVERITY[node.value]
        wanted = {
            ">": range(rank + 1, len(LEVELS)),
            ">=": range(rank, len(LEVELS)),
            "<": range(rank),
            "<=": range(rank + 1),
        }[op]
        names = [name for each in wanted for name in LEVELS[each]]
        return f"(upper(level) IN {params.add(names, 'Array(String)')})"
    column, _ = _column(node.name, params)
    if node.name in NUMBERS:
        return f"({column} {op} {_whole(op, node.value, params)})"
    # A line without the field, or with another text in it, is on neither side.
    number = f"toDecimal256({params.text(node.value)}, {DECIMALS})"
    return f"ifNull(toDecimal256OrNull({column}, {DECIMALS}) {op} {number}, 0)"


def _whole(op: Op, value: str, params: Params) -> str:
    """The whole number that a whole one is compared with in the place of this one."""
    number = Decimal(value)
    # 1.5 < n says the same as 1 < n, and n < 1.5 the same as n < 2.
    whole = math.floor(number) if op in (">", "<=") else math.ceil(number)
    return f"toInt128({params.text(str(max(-1, min(2**64, whole))))})"


def _column(name: str, params: Params) -> tuple[str, str]:
    """The expression of a field, and the condition that the line has it."""
    if name in BUILT_IN:
        column = column_of(name)
        return column, f"({column} != '')"
    key = params.text(name.removeprefix(FIELDS_PREFIX))
    return f"fields[{key}]", f"mapContains(fields, {key})"


def _like(glob: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", glob).replace("*", "%")
