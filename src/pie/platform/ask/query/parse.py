"""The grammar of queries: text to tree, or an error that points at a character. Pure.

query  = all {"OR" all}
all    = one {["AND"] one}
one    = ("NOT" | "-") one | "(" query ")" | field | text
field  = name ":" value | name (">=" | ">" | "<=" | "<") number
value  = text | "(" query of texts ")"
text   = word | '"' phrase '"' | '~"' part '"'

A ``-`` in front of nothing but signs is a sign itself, and so are brackets inside a word.
"""

import re
from dataclasses import replace
from typing import cast

from pie.observe.log.colour import without_colours
from pie.platform.ask.query.leaves import LeafOf, free_text, leaf_of_field
from pie.platform.ask.query.literal import literal_of
from pie.platform.ask.query.tree import (
    BUILT_IN,
    LEVELS,
    NUMBERS,
    And,
    Everything,
    FieldCompares,
    Node,
    Not,
    Op,
    Or,
    QueryError,
    Span,
)

MAX_LENGTH = 4000
MAX_TERMS = 100
MAX_DEPTH = 20

_NAME = re.compile(r"([A-Za-z_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(:|>=|<=|>|<)(?!//)")
_WORD = re.compile(r'[^\s()"]+')
# With brackets in it, as "init()" and "f(x)[0]" have: they follow a letter or digit at once, and
# hold neither space nor another bracket.
_TEXT = re.compile(r'[^\s()"]+(?:(?<=\w)\([^\s()"]*\)[^\s()"]*)*')
_SIGNS = re.compile(r'[!-/:-@\[-`{-~]+(?=[\s()"]|$)')
_NUMBER = re.compile(r"-?\d{1,38}(?:\.\d{1,18})?", re.ASCII)
_KEYWORDS = frozenset({"AND", "OR", "NOT"})
_LEVEL_NAMES = frozenset(name for names in LEVELS for name in names)


def parse(query: str) -> Node:
    """The tree of a query; an empty one asks for everything.

    Raises:
        QueryError: it is not a query; the message has the position and what would be right, and
            ``literal`` the query that looks for it as it stands.
    """
    try:
        return _tree_of(without_colours(query).replace("\x1b", " "))
    except QueryError as error:
        error.literal = literal_of(query)
        raise


def _tree_of(query: str) -> Node:
    if len(query) > MAX_LENGTH:
        raise QueryError(
            f"the query has {len(query)} characters, {MAX_LENGTH} are the most: ask for less",
            Span(MAX_LENGTH, len(query) - MAX_LENGTH),
        )
    return _Parser(query).whole()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._pos = 0
        self._terms = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._at_end():
            return Everything()
        node = self._any(free_text)
        if not self._at_end():
            raise QueryError("this ) closes nothing: remove it, or quote it", Span(self._pos, 1))
        return node

    def _any(self, leaf: LeafOf) -> Node:
        begin = self._pos
        parts = [self._all(leaf)]
        while self._take("OR"):
            parts.append(self._all(leaf))
        flat = [
            each for part in parts for each in (part.parts if isinstance(part, Or) else (part,))
        ]
        return parts[0] if len(parts) == 1 else Or(tuple(flat), self._since(begin))

    def _all(self, leaf: LeafOf) -> Node:
        begin = self._pos
        parts = [self._one(leaf)]
        while not self._at_end() and self._query[self._pos] != ")" and self._keyword() != "OR":
            self._take("AND")
            parts.append(self._one(leaf))
        flat = [
            each for part in parts for each in (part.parts if isinstance(part, And) else (part,))
        ]
        return parts[0] if len(parts) == 1 else And(tuple(flat), self._since(begin))

    def _one(self, leaf: LeafOf) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"more than {MAX_DEPTH} levels inside each other: ask for less", Span(self._pos, 1)
            )
        try:
            return self._one_of(leaf)
        finally:
            self._depth -= 1

    def _one_of(self, leaf: LeafOf) -> Node:
        if self._at_end():
            raise QueryError(
                "something to search for is missing at the end: AND, OR and NOT stand before "
                "a word; quoted they are words themselves",
                Span(max(0, len(self._query) - 1), 1),
            )
        begin = self._pos
        if self._take("NOT") or self._take_minus():
            part = self._one(leaf)
            return part.part if isinstance(part, Not) else Not(part, self._since(begin))
        keyword = self._keyword()
        if keyword:
            raise QueryError(
                f'{keyword} stands between two things to search for; the word is "{keyword}"',
                Span(begin, len(keyword)),
            )
        if self._query[begin] == "(":
            return self._group(leaf)
        if self._query[begin] == ")":
            raise QueryError("something to search for is missing before this )", Span(begin, 1))
        return self._term(leaf)

    def _group(self, leaf: LeafOf) -> Node:
        begin = self._pos
        self._pos += 1
        if self._at_end():
            raise QueryError("this ( is not closed: add ), or quote it", Span(begin, 1))
        node = self._any(leaf)
        if self._at_end():
            raise QueryError("this ( is not closed: add ), or quote it", Span(begin, 1))
        self._pos += 1
        return node

    def _term(self, leaf: LeafOf) -> Node:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(
                f"more than {MAX_TERMS} things to search for: ask for less", Span(self._pos, 1)
            )
        if leaf is free_text:
            match = _NAME.match(self._query, self._pos)
            node = self._field(match) if match is not None else None
            if node is not None:
                return node
        return self._text(leaf)

    def _text(self, leaf: LeafOf) -> Node:
        begin = self._pos
        rest = self._query[begin : begin + 2]
        if rest == '~"':
            self._pos += 1
            text = self._quoted()
            return leaf(text, "part", self._since(begin))
        if rest[:1] == '"':
            text = self._quoted()
            return leaf(text, "phrase", self._since(begin))
        match = _TEXT.match(self._query, begin)
        assert match is not None, "a term begins with neither space nor bracket"
        self._pos = match.end()
        return leaf(match[0], "word", self._since(begin))

    def _quoted(self) -> str:
        begin = self._pos
        text: list[str] = []
        pos = begin + 1
        while pos < len(self._query):
            char = self._query[pos]
            if char == '"':
                self._pos = pos + 1
                if not "".join(text).strip():
                    raise QueryError("there is nothing between these quotes", self._since(begin))
                return "".join(text)
            if char == "\\" and self._query[pos + 1 : pos + 2] in ('"', "\\"):
                pos += 1
                char = self._query[pos]
            text.append(char)
            pos += 1
        raise QueryError(
            'this quote is not closed: add " (a quote inside is written \\")',
            Span(begin, len(self._query) - begin),
        )

    def _field(self, match: re.Match[str]) -> Node | None:
        """The field condition that begins here; None when it is a text after all."""
        name, op = match[1], match[2]
        if name.lower() in BUILT_IN:
            name = name.lower()
        at = Span(self._pos, len(match[0]))
        after = self._query[match.end() : match.end() + 1]
        if op == ":":
            if not after or after.isspace() or after == ")":
                if name not in BUILT_IN:
                    return None  # as in a pasted "KeyError: 'x'"
                raise QueryError(
                    f"{name}: needs its value right behind it; the text itself is "
                    f'"{name}:" in quotes',
                    at,
                )
            self._pos = match.end()
            leaf = leaf_of_field(name)
            return self._group(leaf) if after == "(" else self._value(leaf, at)
        return self._comparison(match, name, cast(Op, op))

    def _value(self, leaf: LeafOf, name: Span) -> Node:
        begin = name.offset
        node = self._text(leaf)
        return _moved(node, self._since(begin))

    def _comparison(self, match: re.Match[str], name: str, op: Op) -> Node | None:
        word = _WORD.match(self._query, match.end())
        value = word[0] if word is not None else ""
        if name == "level":
            right, what = value.upper() in _LEVEL_NAMES, "a level such as WARNING"
            value = value.upper()
        else:
            right, what = _NUMBER.fullmatch(value) is not None, "a number"
        begin = self._pos
        if name in BUILT_IN and name != "level" and name not in NUMBERS:
            raise QueryError(f"{name} is no number: use {name}:value", Span(begin, len(match[0])))
        if right:
            self._pos = match.end() + len(value)
            return FieldCompares(name, op, value, self._since(begin))
        if name not in BUILT_IN:
            return None
        raise QueryError(
            f"{name}{op} needs {what} behind it", Span(begin, len(match[0]) + len(value))
        )

    def _keyword(self) -> str:
        match = _WORD.match(self._query, self._pos)
        return match[0] if match is not None and match[0] in _KEYWORDS else ""

    def _take(self, keyword: str) -> bool:
        if self._at_end() or self._keyword() != keyword:
            return False
        self._pos += len(keyword)
        self._at_end()
        return True

    def _take_minus(self) -> bool:
        following = self._query[self._pos + 1 : self._pos + 2]
        if (
            self._query[self._pos] != "-"
            or not following
            or following in "-)"
            or following.isspace()
            or (following not in '~*"(' and _SIGNS.match(self._query, self._pos))
        ):
            return False
        self._pos += 1
        return True

    def _at_end(self) -> bool:
        """Skip white space; whether nothing follows it."""
        while self._pos < len(self._query) and self._query[self._pos].isspace():
            self._pos += 1
        return self._pos == len(self._query)

    def _since(self, begin: int) -> Span:
        text = self._query[begin : self._pos]
        return Span(begin, max(1, len(text.rstrip())))


def _moved(node: Node, at: Span) -> Node:
    """The same node with another span."""
    return replace(node, at=at)
