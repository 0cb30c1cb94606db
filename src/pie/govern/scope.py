"""Scopes: for which calls a rule is.

Scopes are compared field by field in the order callee, method, caller, caller cluster, cluster,
lane: a name is more specific than a set, a smaller set than a larger one, any set than a prefix, a
longer prefix than a shorter one. There are no regular expressions: what a scope matches can be
read. ``(none)`` is the name of what a call does not say: of its caller, or of the base lane.
"""

import re
from typing import Final, NamedTuple

import msgspec

from pie.model import Call

NONE: Final = "(none)"
"""The name that stands for an empty text of a call."""

Pattern = str | frozenset[str]
"""A name, ``prefix*``, or a set of names."""
_NAME: Final = re.compile(r"[^\s|*]{1,200}")
_PREFIX: Final = re.compile(r"[^\s|*]{0,200}\*")


class Subject(NamedTuple):
    """What rules look at in a call, in the order in which scopes are compared."""

    callee: str
    method: str
    caller: str
    caller_cluster: str
    cluster: str
    lane: str

    @classmethod
    def of(cls, call: Call) -> "Subject":
        """The subject of a call. Its lane is ``call.env``; its cluster the one it asks for,
        which is ``default`` where it names none."""
        cluster = call.asked_cluster or call.callee_cluster or "default"
        return cls(call.callee, call.method, call.caller, call.caller_cluster, cluster, call.env)


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The calls that a rule is for: each field matches the one of the same name in ``Subject``.

    ``callee`` is for rules of the side ``client`` alone, which have no ``caller``: that is whose
    rules they are.
    """

    callee: Pattern = "*"
    method: Pattern = "*"
    caller: Pattern = "*"
    caller_cluster: Pattern = "*"
    cluster: Pattern = "*"
    lane: Pattern = "*"

    def __post_init__(self) -> None:
        for field in Subject._fields:
            _check_pattern(field, getattr(self, field))

    def matches(self, subject: Subject) -> bool:
        """Whether the rule is for a call of this subject."""
        return (
            _matches(self.callee, subject.callee)
            and _matches(self.method, subject.method)
            and _matches(self.caller, subject.caller)
            and _matches(self.caller_cluster, subject.caller_cluster)
            and _matches(self.cluster, subject.cluster)
            and _matches(self.lane, subject.lane)
        )

    def is_for_cluster(self, name: str) -> bool:
        """Whether calls to this cluster may be in it."""
        return _matches(self.cluster, name)

    def of_anyone(self) -> "Scope":
        """The same calls, whoever makes them."""
        return msgspec.structs.replace(self, caller="*", caller_cluster="*")

    @property
    def specificity(self) -> tuple[tuple[int, int], ...]:
        """Greater = more specific."""
        return tuple(_specificity(getattr(self, field)) for field in Subject._fields)

    def overlaps(self, other: "Scope") -> bool:
        """Whether some call is in both."""
        return all(
            _overlap(getattr(self, field), getattr(other, field)) for field in Subject._fields
        )

    def __str__(self) -> str:
        pairs = [(field, getattr(self, field)) for field in Subject._fields]
        return " ".join(f"{name}={_text(pattern)}" for name, pattern in pairs if pattern != "*")


def _check_pattern(field: str, pattern: Pattern) -> None:
    if isinstance(pattern, str):
        good = bool(_NAME.fullmatch(pattern) or _PREFIX.fullmatch(pattern))
    else:
        good = bool(pattern) and all(map(_NAME.fullmatch, pattern))
    if not good:
        raise ValueError(
            f"{field}: {_text(pattern)[:200]!r} is no pattern: write a name, a list of names, or "
            "prefix* (without spaces and |)"
        )


def _matches(pattern: Pattern, name: str) -> bool:
    name = name or NONE
    if isinstance(pattern, str):
        return name.startswith(pattern[:-1]) if pattern[-1] == "*" else name == pattern
    return name in pattern


def _specificity(pattern: Pattern) -> tuple[int, int]:
    if not isinstance(pattern, str):
        return (1, -len(pattern)) if len(pattern) > 1 else (2, 0)
    return (0, len(pattern)) if pattern.endswith("*") else (2, 0)


def _overlap(one: Pattern, other: Pattern) -> bool:
    if not isinstance(one, str):
        return any(_overlap(name, other) for name in one)
    if not isinstance(other, str):
        return _overlap(other, one)
    if one.endswith("*") and other.endswith("*"):
        return one.startswith(other[:-1]) or other.startswith(one[:-1])
    return _matches(one, other) if one.endswith("*") else _matches(other, one)


def _text(pattern: Pattern) -> str:
    return pattern if isinstance(pattern, str) else "|".join(sorted(pattern))
