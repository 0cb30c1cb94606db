"""What the platform serves to others: a store whose whole contents are in this process."""

import threading
from collections.abc import Callable, Mapping
from typing import ClassVar

from pie.state.store.history import MAX_EVENTS, History, Subscription
from pie.state.store.interface import (
    Batch,
    Conflict,
    Entry,
    LeaseGone,
    LimitExceeded,
    Range,
    Refused,
    Store,
    Watch,
    check_key,
    check_prefixes,
)
from pie.state.store.table import Table

MAX_KEYS = 200_000
MAX_TOTAL = 256 << 20
"""Characters of all keys and values."""
MAX_RANGE = 32 << 20
HEARTBEAT_S = 2.0
LEAST_LEASE = 16
"""Smaller numbers are no leases: they can stand for something else."""
LEASE_BITS = 52
"""A JSON number that every language reads exactly."""


class ServedStore(Store):
    """Reading and watching of a store that is held in memory; how it is written is its kind's.

    ``_state`` guards the memory and is held for microseconds only.
    """

    remote: ClassVar[bool] = False
    """Whether a keep-alive or a read may wait for a network."""

    def __init__(self, revision: int, max_events: int = MAX_EVENTS) -> None:
        self._state = threading.Lock()
        self._table = Table()
        self._history = History(revision, self._state, max_events)

    def get(self, key: str) -> Entry | None:
        check_key(key)
        with self._state:
            return self._table.get(key)

    def range(self, prefix: str) -> Range:
        check_key(prefix)
        with self._state:
            found = tuple(self._table.under(prefix))
            revision = self._history.revision
        size = sum(len(entry.value) for entry in found)
        if size > MAX_RANGE:
            raise LimitExceeded(
                f"the values under {prefix} have {size} characters; one read gives at most "
                f"{MAX_RANGE}: ask for a narrower prefix"
            )
        return Range(found, revision)

    def watch(self, prefix: str, *, after: int | None = None) -> Watch:
        return _LocalWatch(lambda wake: self.subscribe(prefix, after, wake))

    def stream(self, prefixes: Mapping[str, int]) -> Watch:
        return _LocalWatch(lambda wake: self.subscribe_all(prefixes, (), wake), greets=True)

    def subscribe(self, prefix: str, after: int | None, wake: Callable[[], None]) -> Subscription:
        """A watch for an event loop: see `Subscription`; errors as of `watch`."""
        check_key(prefix)
        with self._state:
            return self._history.subscribe(prefix, after, wake)

    def subscribe_all(
        self, prefixes: Mapping[str, int], refused: tuple[Refused, ...], wake: Callable[[], None]
    ) -> Subscription:
        """A stream for an event loop; ``refused`` are prefixes that the caller takes out."""
        if prefixes or not refused:
            check_prefixes(prefixes)
        for prefix in prefixes:
            check_key(prefix)
        with self._state:
            return self._history.subscribe_all(prefixes, refused, wake)

    def reach(self, revision: int) -> None:
        """Wait a moment for a revision that this process may learn of later than others."""

    @property
    def revision(self) -> int:
        """Of the last change."""
        with self._state:
            return self._history.revision

    @property
    def watches(self) -> int:
        """How many watches are open."""
        with self._state:
            return self._history.readers

    @property
    def filled(self) -> tuple[int, int]:
        """How many keys there are, and how many characters they and their values have."""
        with self._state:
            return len(self._table), self._table.total

    def end_watches(self) -> None:
        """Every watch ends with `StoreAway`, none can begin; for the start of a shutdown."""
        with self._state:
            self._history.end()


class _LocalWatch(Watch):
    """A watch for a thread of this process; one that ``greets`` gives its first batch at once."""

    def __init__(
        self, subscribe: Callable[[Callable[[], None]], Subscription], *, greets: bool = False
    ) -> None:
        self._greets = greets
        self._news = threading.Event()
        self._closed = False
        self._subscription = subscribe(self._news.set)

    def __next__(self) -> Batch:
        while not self._closed:
            self._news.clear()
            batch = self._subscription.take()
            if batch.events or self._greets:
                self._greets = False
                return batch
            # A heartbeat when it is quiet, as over the network.
            if not self._closed and not self._news.wait(HEARTBEAT_S):
                return batch
        raise StopIteration

    def close(self) -> None:
        self._closed = True
        self._subscription.close()
        self._news.set()


def conflict(key: str, actual: int, expected: int) -> Conflict:
    """The error for a key at another revision than expected; 0 = absent."""
    return Conflict(
        f"{key} is {_at(actual)}, not {_at(expected)} as expected: somebody else changed it; "
        "read it again and decide anew",
        revision=actual,
        key=key,
    )


def _at(revision: int) -> str:
    return f"at revision {revision}" if revision else "absent"


def lease_gone(lease: int) -> LeaseGone:
    """The error for a lease that is not there."""
    return LeaseGone(
        f"lease {lease} ran out or was revoked: grant a new one and put its keys again"
    )
