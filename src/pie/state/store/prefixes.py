"""A set of prefixes, and which of them a key has."""

from collections.abc import Iterable, Iterator


class Prefixes:
    """Finds the prefixes of a key in time that does not depend on how many there are."""

    __slots__ = ("_lengths", "_prefixes")

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def of(self, key: str) -> Iterator[str]:
        """Those that the key starts with, the shortest first."""
        for length in self._lengths:
            prefix = key[:length]
            if length <= len(key) and prefix in self._prefixes:
                yield prefix
