"""The syntax tree of a query, and the tree as text again. Pure.

A node's ``at`` is its span in the text; it does not count when nodes are compared.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pie.model import LOGID_FORM, Failure, Kind, accept_logid
from pie.platform.ask.query.literal import quoted


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the query, in characters."""

    offset: int
    length: int


class QueryError(Failure):
    """The query cannot be understood; ``at`` is the part that is wrong.

    ``literal`` is the query that looks for the text as it stands, for what was pasted.
    """

    def __init__(self, message: str, at: Span) -> None:
        super().__init__(Kind.INVALID, f"{message} (character {at.offset + 1} of the query)")
        self.at = at
        self.literal = ""


_NOWHERE = Span(0, 0)

Column = Literal["", "message", "stack"]
"""Which text is searched; ``""`` is what the tab searches."""

Op = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Everything:
    """``*``: every line."""

    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of ``text``, whole and in a row; with ``prefix`` its end may be inside a word.

    ``begun`` holds all words of a column that begin like the last one, where they were looked up.
    """

    text: str
    column: Column = ""
    prefix: bool = False
    at: Span = field(default=_NOWHERE, compare=False)
    begun: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """``text`` as it stands, anywhere, also inside a word."""

    text: str
    column: Column = ""
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Logid:
    """The lines of one chain, and those that mention it."""

    logid: str
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FieldIs:
    """A field has this value.

    ``how``: ``exact``; ``glob``, where ``*`` stands for anything; ``part``, anywhere inside.
    """

    name: str
    value: str
    how: Literal["exact", "glob", "part"] = "exact"
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FieldCompares:
    """A numeric field is above or below; a level counts by its severity."""

    name: str
    op: Op
    value: str
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two parts."""

    parts: tuple["Node", ...]
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """One of at least two parts."""

    parts: tuple["Node", ...]
    at: Span = field(default=_NOWHERE, compare=False)


Leaf: TypeAlias = Everything | Words | Part | Logid | FieldIs | FieldCompares
Node: TypeAlias = Leaf | Not | And | Or

NUMBERS = frozenset({"line", "process", "thread"})
NAMES = frozenset({"psm", "cluster", "host", "level", "folder", "file", "logid", "span"})
TEXTS = frozenset({"message", "stack"})
STACK_HASH = "stack_hash"
"""The number of a group of equal stacks: it is equal or not, and known only from an answer."""

BUILT_IN = NUMBERS | NAMES | TEXTS | {STACK_HASH}
"""Fields of every line. Any other name is a key of the line's ``fields``."""

FIELDS_PREFIX = "fields."
"""In front of a key that is named like a built-in field."""

LEVELS = (
    ("TRACE",),
    ("DEBUG",),
    ("INFO",),
    ("NOTICE",),
    ("WARNING", "WARN"),
    ("ERROR", "ERR"),
    ("CRITICAL", "FATAL"),
)
"""By severity, each with its other names."""

LOGID_WORD = re.compile(LOGID_FORM)


def to_text(node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
    """A query that parses to the same tree."""
    match node:
        case Everything():
            return "*"
        case Words(text, column, prefix):
            value = f"{text}*" if prefix else quoted(text)
            return f"{column}:{value}" if column else value
        case Part(text, column):
            return f"{column}:~{quoted(text)}" if column else f"~{quoted(text)}"
        case Logid(logid):
            return logid
        case FieldIs(name, value, how):
            shown = {"exact": quoted(value), "glob": value, "part": f"~{quoted(value)}"}[how]
            return f"{name}:{shown}"
        case FieldCompares(name, op, value):
            return f"{name}{op}{value}"
        case Not(part):
            return f"NOT {_grouped(part)}"
        case And(parts):
            return " ".join(_grouped(part) for part in parts)
        case Or(parts):
            return " OR ".join(_grouped(part) for part in parts)


def _grouped(node: Node) -> str:
    return f"({to_text(node)})" if isinstance(node, And | Or) else to_text(node)


def logid_of(node: Node) -> str | None:
    """The logid that every line must have, if the query asks for one."""
    match node:
        case Logid(logid):
            return logid
        case FieldIs("logid", value, "exact") if accept_logid(value):
            return value.lower()
        case And(parts):
            return next((found for part in parts if (found := logid_of(part))), None)
        case _:
            return None
