"""The last changes of a store, and the readers that want to hear of new ones.

A reader holds no queue, only its position in the one shared history: a thousand slow readers cost
no memory, and one that falls behind the oldest kept event gets `Compacted`.
"""

import threading
from collections.abc import Callable

from pie.state.store.interface import Batch, Compacted, Event, LimitExceeded, StoreAway

MAX_EVENTS = 20_000
MAX_BYTES = 64 << 20
MAX_READERS = 20_000
BATCH_EVENTS = 1_000
BATCH_CHARS = 1 << 20


class Subscription:
    """A reader's position in the history.

    The history calls ``wake``, in the writer's thread, when there is an event to take after a
    ``take`` that found none. It must neither block nor raise.
    """

    __slots__ = ("_after", "_history", "_open", "prefix", "wake")

    def __init__(
        self, history: "History", prefix: str, after: int, wake: Callable[[], None]
    ) -> None:
        self.prefix = prefix
        self.wake = wake
        self._history = history
        self._after: int | None = after
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
            if self._after is None:
                return Batch((), self._history.revision)
            batch = self._history.read(self.prefix, self._after)
            self._after = None if batch.revision == self._history.revision else batch.revision
            return batch

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
    """A bounded log of events, one revision each, without gaps. Callers hold ``lock``."""

    def __init__(self, revision: int, lock: threading.Lock, max_events: int = MAX_EVENTS) -> None:
        self.lock = lock
        self.revision = revision
        self.compacted = revision
        """Events up to here are gone."""
        self._max_events = max_events
        self._events: list[Event] = []
        self._bytes = 0
        self._readers: dict[str, set[Subscription]] = {}
        self._count = 0
        self._ended = False

    def append(self, event: Event) -> None:
        """Add the event of the next revision and wake its readers."""
        self._events.append(event)
        self._bytes += len(event.value)
        self.revision = event.revision
        if len(self._events) > self._max_events or self._bytes > MAX_BYTES:
            self._compact()
        # A key has fewer prefixes than a fleet watches.
        for end in range(1, len(event.key) + 1):
            for reader in self._readers.get(event.key[:end], ()):
                reader.announce(event.revision)

    def _compact(self) -> None:
        half = (len(self._events) + 1) // 2
        self.compacted = self._events[half - 1].revision
        self._bytes -= sum(len(event.value) for event in self._events[:half])
        del self._events[:half]

    def read(self, prefix: str, after: int) -> Batch:
        """The events under a prefix above a revision, up to the size of one batch."""
        self._check(after)
        found: list[Event] = []
        chars = 0
        for event in self._events[after - self.compacted :]:
            if event.key.startswith(prefix):
                chars += len(event.value)
                found.append(event)
                if len(found) >= BATCH_EVENTS or chars >= BATCH_CHARS:
                    return Batch(tuple(found), event.revision)
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
        """A new reader; see `Store.watch`.

        Raises:
            Compacted: the history since ``after`` is gone.
            LimitExceeded: there are 20,000 readers already.
            StoreAway: the store is closing.
        """
        if self._ended:
            raise StoreAway("the state store is shutting down; watch again when it is back")
        if self._count >= MAX_READERS:
            raise LimitExceeded(f"{MAX_READERS} watches are open; close some, or scale to etcd")
        after = self.revision if after is None else after
        self._check(after)
        reader = Subscription(self, prefix, after, wake)
        self._readers.setdefault(prefix, set()).add(reader)
        self._count += 1
        return reader

    def forget(self, reader: Subscription) -> None:
        """Remove a reader that was closed."""
        readers = self._readers.get(reader.prefix, set())
        if reader in readers:
            readers.remove(reader)
            self._count -= 1
            if not readers:
                del self._readers[reader.prefix]

    def end(self) -> None:
        """End every reader, and let none begin."""
        self._ended = True
        for readers in self._readers.values():
            for reader in readers:
                reader.end()

    @property
    def readers(self) -> int:
        """How many watches are open."""
        return self._count
