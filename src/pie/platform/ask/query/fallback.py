"""Fields of a query that no line has, read as text: ``localhost:8080`` looks like one. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TypeAlias

from pie.platform.ask.query.tree import (
    BUILT_IN,
    FIELDS_PREFIX,
    And,
    FieldCompares,
    FieldIs,
    Node,
    Not,
    Or,
    Words,
)

FieldCondition: TypeAlias = FieldIs | FieldCompares


def doubtful(node: Node) -> Iterator[FieldCondition]:
    """The conditions on fields of a line's own that may as well be a piece of its text.

    Not those that nobody writes but as a query: ``fields.x:``, ``x:*`` and ``x:~"…"``.
    """
    match node:
        case And(parts) | Or(parts):
            for part in parts:
                yield from doubtful(part)
        case Not(part):
            yield from doubtful(part)
        case FieldIs() | FieldCompares() if text_instead(node) is not None:
            yield node
        case _:
            pass


def with_texts(node: Node, absent: Collection[str]) -> Node:
    """The tree with texts in the place of conditions on fields of these names."""
    match node:
        case And(parts) | Or(parts):
            return replace(node, parts=tuple(with_texts(part, absent) for part in parts))
        case Not(part):
            return replace(node, part=with_texts(part, absent))
        case FieldIs(name=name) | FieldCompares(name=name) if name in absent:
            return text_instead(node) or node
        case _:
            return node


def text_instead(node: FieldCondition) -> Words | None:
    """The text that the condition may be instead; None if it is none but a condition."""
    name = node.name
    if name in BUILT_IN or name.startswith(FIELDS_PREFIX):
        return None
    if isinstance(node, FieldCompares):
        return Words(f"{name}{node.op}{node.value}", at=node.at)
    if node.how == "exact":
        return Words(f"{name}:{node.value}", at=node.at)
    start = node.value.removesuffix("*")
    if node.how == "part" or not start or "*" in start:
        return None
    return Words(f"{name}:{start}", prefix=True, at=node.at)
