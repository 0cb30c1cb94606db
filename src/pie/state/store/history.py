"""The last changes of a store, and the readers that want to hear of new ones.

A reader holds no queue, only its position in the one shared history: a thousand slow readers cost
no memory, and one that falls behind the oldest kept event gets `Compacted`.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from pie.state.store.interface import (
    Batch,
    Compacted,
    Event,
    LimitExceeded,
    Refused,
    StoreAway,
)
from pie.state.store.prefixes import Prefixes

MAX_EVENTS = 20_000
MAX_BYTES = 64 << 20
MAX_READERS = 20_000
MAX_FOLLOWED = 1_000_000
"""Prefixes of all readers: what keeps the memory of the index bounded."""
BATCH_EVENTS = 1_000
BATCH_CHARS = 1 << 20


class Subscription:
    """A reader's position in the history, and the prefixes whose events it wants.

    The history calls ``wake``, in the writer's thread, when there is an event to take after a
    ``take`` that found none. It must neither block nor raise.
    """

    __slots__ = ("_after", "_history", "_index", "_open", "_refused", "prefixes", "wake")

    def __init__(
        self,
        history: "History",
        prefixes: Mapping[str, int],
        refused: tuple[Refused, ...],
        wake: Callable[[], None],
    ) -> None:
        self.prefixes = prefixes
        """The revision above which a prefix's events are wanted."""
        self.wake = wake
        self._index = Prefixes(prefixes)
        self._refused = refused
        self._history = history
        self._after: int | None = min(prefixes.values(), default=None)
        """Matching events may lie above this revision; None = none do (all was taken)."""
        self._open = True

    def take(self) -> Batch:
        """The next events, about 1 MiB of values at most; none when there are none. Never waits.

        Raises:
            Compacted: this reader was too slow.
            StoreAway: the store ended its watches.
        """
        with self._history.lock:
            if not self._open:
                raise StoreAway("the state store is shutting down; watch again when it is back")
            refused, self._refused = self._refused, ()
            if self._after is None:
                return Batch((), self._history.revision, refused)
            batch = self._history.read(self.wants, self._after)
            self._after = None if batch.revision == self._history.revision else batch.revision
            return batch._replace(refused=refused)

    def wants(self, event: Event) -> bool:
        """Whether the event is one of this reader's."""
        prefixes = self.prefixes
        return any(event.revision > prefixes[each] for each in self._index.of(event.key))

    def close(self) -> None:
        """End the subscription; ``take`` must not be called again."""
        with self._history.lock:
            self._history.forget(self)

    def announce(self, revision: int) -> None:
        """Note a matching event at this revision. The history calls it, under its lock."""
        if self._after is None:
            self._after = revision - 1
            self.wake()

    def end(self) -> None:
        """Note that the store is closing. The history calls it, under its lock."""
        self._open = False
        self.wake()


class History:
    """A bounded log of events; several may have one revision. Callers hold ``lock``."""

    def __init__(self, revision: int, lock: threading.Lock, max_events: int = MAX_EVENTS) -> None:
        self.lock = lock
        self.revision = revision
        self.compacted = revision
        """Events up to here are gone."""
        self._max_events = max_events
        self._events: list[Event] = []
        self._bytes = 0
        self._readers: dict[str, set[Subscription]] = {}
        self._all: set[Subscription] = set()
        self._followed = 0
        self._ended = False

    def append(self, events: Sequence[Event]) -> None:
        """Add the events of the next revision, at least one, and wake their readers."""
        revision = events[0].revision
        self._events += events
        self._bytes += sum(len(event.value) for event in events)
        self.revision = revision
        if len(self._events) > self._max_events or self._bytes > MAX_BYTES:
            self._compact()
        # A key has fewer prefixes than a fleet watches.
        for event in events:
            for end in range(1, len(event.key) + 1):
                for reader in self._readers.get(event.key[:end], ()):
                    reader.announce(revision)

    def reset(self, revision: int) -> None:
        """Forget all events: what led to this revision is not known. Readers get `Compacted`."""
        self._events.clear()
        self._bytes = 0
        self.revision = self.compacted = revision
        for reader in self._all:
            reader.announce(revision)

    def _compact(self) -> None:
        self.compacted = self._events[(len(self._events) - 1) // 2].revision
        gone = self._position(self.compacted)
        self._bytes -= sum(len(event.value) for event in self._events[:gone])
        del self._events[:gone]

    def _position(self, after: int) -> int:
        """Of the first event above a revision."""
        return bisect_right(self._events, after, key=_revision_of)

    def read(self, wants: Callable[[Event], bool], after: int) -> Batch:
        """The wanted events above a revision, up to the size of one batch; a revision whole."""
        self._check(after)
        found: list[Event] = []
        chars = 0
        full = 0
        for index in range(self._position(after), len(self._events)):
            event = self._events[index]
            if full and event.revision != full:
                return Batch(tuple(found), full)
            if wants(event):
                chars += len(event.value)
                found.append(event)
                if len(found) >= BATCH_EVENTS or chars >= BATCH_CHARS:
                    full = event.revision
        return Batch(tuple(found), self.revision)

    def _check(self, after: int) -> None:
        # A revision above ours comes from a store whose file was lost.
        if not self.compacted <= after <= self.revision:
            raise Compacted(
                f"the changes after revision {after} are not kept (kept: after {self.compacted} "
                f"to {self.revision}); read the range again and watch after its revision",
                revision=self.compacted,
            )

    def subscribe(self, prefix: str, after: int | None, wake: Callable[[], None]) -> Subscription:
        """A new reader of one prefix; see `Store.watch`.

        Raises:
            Compacted: the history since ``after`` is gone.
            LimitExceeded: there are 20,000 readers already.
            StoreAway: the store is closing.
        """
        after = self.revision if after is None else after
        self._check(after)
        return self._admit(Subscription(self, {prefix: after}, (), wake))

    def subscribe_all(
        self, prefixes: Mapping[str, int], refused: tuple[Refused, ...], wake: Callable[[], None]
    ) -> Subscription:
        """A new reader of many prefixes; see `Store.stream`.

        Raises:
            LimitExceeded: there are 20,000 readers already, or they follow too much.
            StoreAway: the store is closing.
        """
        followed: dict[str, int] = {}
        gone: list[Refused] = []
        for prefix, after in prefixes.items():
            try:
                self._check(after)
            except Compacted as error:
                gone.append(Refused(prefix, error))
            else:
                followed[prefix] = after
        return self._admit(Subscription(self, followed, (*refused, *gone), wake))

    def _admit(self, reader: Subscription) -> Subscription:
        if self._ended:
            raise StoreAway("the state store is shutting down; watch again when it is back")
        if len(self._all) >= MAX_READERS:
            raise LimitExceeded(f"{MAX_READERS} watches are open; close some, or scale to etcd")
        if self._followed + len(reader.prefixes) > MAX_FOLLOWED:
            raise LimitExceeded(
                f"all watches together follow {MAX_FOLLOWED} prefixes; close some, or scale to etcd"
            )
        for prefix in reader.prefixes:
            self._readers.setdefault(prefix, set()).add(reader)
        self._all.add(reader)
        self._followed += len(reader.prefixes)
        return reader

    def forget(self, reader: Subscription) -> None:
        """Remove a reader that was closed."""
        if reader not in self._all:
            return
        self._all.remove(reader)
        self._followed -= len(reader.prefixes)
        for prefix in reader.prefixes:
            readers = self._readers[prefix]
            readers.remove(reader)
            if not readers:
                del self._readers[prefix]

    def end(self) -> None:
        """End every reader, and let none begin."""
        self._ended = True
        for reader in self._all:
            reader.end()

    @property
    def readers(self) -> int:
        """How many watches are open."""
        return len(self._all)


def _revision_of(event: Event) -> int:
    return event.revision
