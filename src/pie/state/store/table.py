"""All entries of a store in memory: by key, in order, and by lease."""

import bisect
from collections.abc import Iterator

from pie.state.store.interface import Entry


class Table:
    """Entries by key. Its owner guards it with a lock."""

    __slots__ = ("_entries", "_keys", "_leased", "total")

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._keys: list[str] = []
        self._leased: dict[int, set[str]] = {}
        self.total = 0
        """Characters of all keys and values."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The entry, None if there is none."""
        return self._entries.get(key)

    def all(self) -> list[Entry]:
        """Every entry, in no order."""
        return list(self._entries.values())

    def under(self, prefix: str) -> Iterator[Entry]:
        """The entries whose keys start so, by key."""
        for index in range(bisect.bisect_left(self._keys, prefix), len(self._keys)):
            key = self._keys[index]
            if not key.startswith(prefix):
                return
            yield self._entries[key]

    def keys_of(self, lease: int) -> list[str]:
        """The keys of a lease, sorted."""
        return sorted(self._leased.get(lease, ()))

    def count_of(self, lease: int) -> int:
        """How many keys a lease has."""
        return len(self._leased.get(lease, ()))

    def insert(self, entry: Entry) -> None:
        """Add the entry, or put it in place of the former one of its key."""
        before = self._entries.get(entry.key)
        if before is None:
            bisect.insort(self._keys, entry.key)
        else:
            self._detach(before)
        self._entries[entry.key] = entry
        self.total += size(entry)
        if entry.lease:
            self._leased.setdefault(entry.lease, set()).add(entry.key)

    def remove(self, key: str) -> Entry:
        """Take out the entry of a key that is there."""
        entry = self._entries.pop(key)
        del self._keys[bisect.bisect_left(self._keys, key)]
        self._detach(entry)
        return entry

    def _detach(self, entry: Entry) -> None:
        self.total -= size(entry)
        keys = self._leased.get(entry.lease)
        if keys is not None:
            keys.discard(entry.key)
            if not keys:
                del self._leased[entry.lease]


def size(entry: Entry | None) -> int:
    """Characters of an entry; 0 of none."""
    return len(entry.key) + len(entry.value) if entry else 0
