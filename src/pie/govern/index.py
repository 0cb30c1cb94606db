"""Finds the scopes that match a call without looking at each of them.

A rule set may have a thousand scopes, and strangers may send ever other names.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pie.govern.scope import NONE, Pattern, Scope, Subject

_INDEXED: Final = ("caller", "method", "callee")
"""Fields by whose names scopes are found; callers are most numerous."""


class Index:
    """Scopes by the names in them.

    Args:
        scopes: in an order that ``matching`` keeps.
    """

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._scopes = scopes
        self._named: dict[str, dict[str, list[int]]] = {field: {} for field in _INDEXED}
        self._others: list[int] = []
        for position, scope in enumerate(scopes):
            for field in _INDEXED:
                names = _names(getattr(scope, field))
                if names:
                    for name in names:
                        self._named[field].setdefault(name, []).append(position)
                    break
            else:
                self._others.append(position)

    def matching(self, subject: Subject) -> Iterator[int]:
        """Positions of the scopes that match a call, in order."""
        for position in self._candidates(subject):
            if self._scopes[position].matches(subject):
                yield position

    def _candidates(self, subject: Subject) -> list[int]:
        found = list(self._others)
        for field, named in self._named.items():
            for position in named.get(getattr(subject, field) or NONE, ()):
                insort(found, position)
        return found


def _names(pattern: Pattern) -> Iterable[str]:
    """The names that a pattern matches; none = it is a prefix."""
    if isinstance(pattern, str):
        return () if pattern.endswith("*") else (pattern,)
    return pattern
