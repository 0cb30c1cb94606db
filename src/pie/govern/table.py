"""What a policy remembers by keys that may come from the wire: a bounded number of entries."""

from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, TypeVar

MAX_ENTRIES = 10_000
"""Entries of a table, unless it is made with another limit."""

V = TypeVar("V")


class Table(Generic[V]):
    """Entries by key, made when a key is first seen. Keys for which there is no room share one more
    entry, which has no key. Threads may use it at once.

    Args:
        make: a new entry.
        spent: given an entry and the time, whether it remembers nothing that matters any more;
            such entries make room.
        limit: entries, the shared one not counted.
    """

    def __init__(
        self,
        make: Callable[[], V],
        spent: Callable[[V, float], bool] = lambda entry, now: False,
        limit: int = MAX_ENTRIES,
    ) -> None:
        self._make = make
        self._spent = spent
        self._limit = limit
        self._entries: dict[Hashable, V] = {}
        self._other: V | None = None
        self._missed = 0
        self._lock = RLock()  # A finalizer that runs meanwhile may ask for an entry, too.

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, key: Hashable, now: float = 0.0) -> V:
        """The entry of a key, or the shared one where there is no room.

        Args:
            key: what the entry is for.
            now: the time that ``spent`` is given, in its unit.
        """
        found = self._entries.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._entries.get(key)
            return self._new(key, now) if found is None else found

    def known(self, key: Hashable) -> V | None:
        """The entry of a key, or the shared one; none is made."""
        return self._entries.get(key, self._other)

    def entries(self) -> list[tuple[Hashable, V]]:
        """What there is now, by key; the shared one, which has no key, is left out."""
        with self._lock:
            return list(self._entries.items())

    def is_shared(self, entry: V) -> bool:
        """Whether an entry is the one of the keys without room."""
        return entry is self._other

    def _new(self, key: Hashable, now: float) -> V:
        if len(self._entries) >= self._limit and not self._sweep(now):
            if self._other is None:
                self._other = self._make()
            return self._other
        made = self._entries[key] = self._make()
        return made

    def _sweep(self, now: float) -> bool:
        """Drop what is spent; whether there is room now. Looks once in ``limit`` misses."""
        self._missed = (self._missed + 1) % self._limit
        if self._missed != 1 % self._limit:
            return False
        self._entries = {
            key: each for key, each in self._entries.items() if not self._spent(each, now)
        }
        return len(self._entries) < self._limit
