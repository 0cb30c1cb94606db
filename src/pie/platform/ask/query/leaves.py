"""The leaves of a query: what one text means, by itself or as the value of a field. Pure."""

import re
from collections.abc import Callable
from typing import cast

from pie.platform.ask.query.tree import (
    FIELDS_PREFIX,
    LOGID_WORD,
    NUMBERS,
    STACK_HASH,
    TEXTS,
    Column,
    Everything,
    FieldIs,
    Logid,
    Node,
    Part,
    QueryError,
    Span,
    Words,
)

LeafOf = Callable[[str, str, Span], Node]
"""Makes a leaf of a text: (text, ``word`` | ``phrase`` | ``part``, where it stands)."""


def free_text(text: str, kind: str, at: Span) -> Node:
    """The leaf of a text without a field."""
    if kind == "word" and LOGID_WORD.fullmatch(text):
        return Logid(text.lower(), at)
    return _words("", text, kind, at)


def _words(column: Column, text: str, kind: str, at: Span) -> Node:
    if kind == "part":
        return Part(text, column, at)
    if kind == "phrase" or "*" not in text:
        return Words(text, column, at=at)
    if text == "*":
        return Everything(at) if not column else FieldIs(column, "*", "glob", at)
    star = text.index("*")
    if star != len(text) - 1:
        raise QueryError(
            'a * may only end a word: search for a part of it with ~"…", or quote it',
            Span(at.offset + at.length - len(text) + star, 1),
        )
    return Words(text[:-1], column, prefix=True, at=at)


def leaf_of_field(name: str) -> LeafOf:
    """What makes the leaves of a field's values."""
    if name in TEXTS:
        return lambda text, kind, at: _words(cast(Column, name), text, kind, at)
    if name in NUMBERS:
        return lambda text, kind, at: _number_is(name, text, kind, at)
    if name == STACK_HASH:
        return _stack_is
    if name == FIELDS_PREFIX:
        return lambda text, kind, at: _no_key(at)

    def leaf(text: str, kind: str, at: Span) -> Node:
        if kind == "part":
            return FieldIs(name, text, "part", at)
        return FieldIs(name, text, "glob" if kind == "word" and "*" in text else "exact", at)

    return leaf


def _number_is(name: str, text: str, kind: str, at: Span) -> Node:
    if kind == "part":
        raise QueryError(f"{name} is a number, which has no parts: compare it with > and <", at)
    if not re.fullmatch(r"\d{1,20}", text, re.ASCII) or int(text) >= 2**64:
        raise QueryError(f"{name} is a number: {text[:40]!r} is none", at)
    return FieldIs(name, text, "exact", at)


def _stack_is(text: str, kind: str, at: Span) -> Node:
    if kind == "word" and text == "*":
        return FieldIs(STACK_HASH, "*", "glob", at)
    if kind == "part" or not re.fullmatch(r"\d{1,20}", text, re.ASCII) or int(text) >= 2**64:
        raise QueryError(f"{STACK_HASH} is the number of a group of stacks, as answered", at)
    return FieldIs(STACK_HASH, str(int(text)), "exact", at)


def _no_key(at: Span) -> Node:
    raise QueryError("fields. needs the name of a key: fields.called:value", at)
