"""The store's engine: everything in memory, every change first handed to a journal."""

import bisect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random
from pie.state.store.history import MAX_EVENTS, History, Subscription
from pie.state.store.interface import (
    NOTHING_EXPECTED,
    Batch,
    Conflict,
    Entry,
    Event,
    Held,
    Kept,
    LeaseGone,
    LimitExceeded,
    Range,
    Refused,
    Store,
    StoreAway,
    Watch,
    Write,
    check_batch,
    check_commit,
    check_key,
    check_prefixes,
    check_ttl,
    check_value,
)

MAX_KEYS = 200_000
MAX_LEASES = 200_000
MAX_TOTAL = 256 << 20
MAX_RANGE = 32 << 20
HEARTBEAT_S = 2.0
LEAST_LEASE = 16
"""Smaller numbers are no leases: they can stand for something else."""
_LEASE_BITS = 52  # a JSON number that every language reads exactly


class Change(NamedTuple):
    """The effect of one mutation on the durable state, all or nothing."""

    revision: int
    puts: Sequence[Entry] = ()
    deletes: Sequence[str] = ()
    granted: Sequence[tuple[int, float]] = ()
    ended: Sequence[int] = ()


def _no_journal(_change: Change) -> None:
    return


class _Lease:
    __slots__ = ("deadline", "keys", "renewed", "ttl")

    def __init__(self, ttl: float, now: float) -> None:
        self.ttl = ttl
        self.renew(now)
        self.keys: set[str] = set()

    def renew(self, now: float) -> None:
        self.renewed = now
        self.deadline = now + self.ttl


class MemoryStore(Store):
    """The engine. Alone it forgets everything when the process ends.

    Two locks: ``_write`` makes mutations one at a time, the journal's disk write included;
    ``_state`` guards the memory and is held for microseconds only. So reading, keeping leases
    alive and watching never wait for a disk, and nothing is seen before it is durable.

    Args:
        clock: its monotonic reading times the leases.
        random: where lease ids come from.
        journal: makes a change durable, or raises `StoreAway`.
        max_events: how many changes a watch can replay at most.
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM_CLOCK,
        random: Random = SYSTEM_RANDOM,
        journal: Callable[[Change], None] = _no_journal,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._clock = clock
        self._random = random
        self._journal = journal
        self._write = threading.Lock()
        self._state = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._keys: list[str] = []
        self._leases: dict[int, _Lease] = {}
        self._total = 0
        self._closed = False
        self._history = History(new_history(clock), self._state, max_events)

    def _restore(
        self, revision: int, entries: Iterable[Entry], leases: Iterable[tuple[int, float]]
    ) -> None:
        """Load what a journal kept, before any other call; each lease gets a full TTL."""
        self._history.revision = self._history.compacted = revision
        now = self._clock.monotonic()
        for lease, ttl in leases:
            self._leases[lease] = _Lease(ttl, now)
        for entry in entries:
            self._insert(entry)

    # -- reading ------------------------------------------------------------------------------

    def get(self, key: str) -> Entry | None:
        check_key(key)
        with self._state:
            return self._entries.get(key)

    def range(self, prefix: str) -> Range:
        check_key(prefix)
        with self._state:
            found: list[Entry] = []
            size = 0
            for index in range(bisect.bisect_left(self._keys, prefix), len(self._keys)):
                key = self._keys[index]
                if not key.startswith(prefix):
                    break
                entry = self._entries[key]
                size += len(entry.value)
                found.append(entry)
            revision = self._history.revision
        if size > MAX_RANGE:
            raise LimitExceeded(
                f"the values under {prefix} have {size} characters; one read gives at most "
                f"{MAX_RANGE}: ask for a narrower prefix"
            )
        return Range(tuple(found), revision)

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

    @property
    def revision(self) -> int:
        """Of the last change."""
        with self._state:
            return self._history.revision

    def contents(self) -> tuple[int, list[Entry], list[tuple[int, float]]]:
        """The revision, all entries, and the leases as pairs of number and TTL, at one moment."""
        with self._state:
            leases = [(number, lease.ttl) for number, lease in self._leases.items()]
            return self._history.revision, list(self._entries.values()), leases

    @property
    def watches(self) -> int:
        """How many watches are open."""
        with self._state:
            return self._history.readers

    # -- writing ------------------------------------------------------------------------------

    def put(
        self,
        key: str,
        value: str,
        *,
        lease: int = 0,
        expect: int | None = None,
        claim: bool = False,
        heir_of: int = 0,
    ) -> int:
        check_key(key)
        check_value(key, value)
        with self._write:
            current = self._entries.get(key)
            self._check_open()
            _check_expected(key, current, expect)
            if lease and lease not in self._leases:
                raise _lease_gone(lease)
            if claim and current is not None and current.lease not in (lease, heir_of or lease):
                self._check_free(current)
            return self._change((Write(key, value, lease),))

    def delete(self, key: str, *, expect: int | None = None) -> int:
        check_key(key)
        with self._write:
            current = self._entries.get(key)
            self._check_open()
            _check_expected(key, current, expect)
            return self._change((Write(key, None),))

    def commit(
        self, writes: Sequence[Write], *, expect: Mapping[str, int] = NOTHING_EXPECTED
    ) -> int:
        check_commit(writes, expect)
        with self._write:
            self._check_open()
            for key, revision in expect.items():
                _check_expected(key, self._entries.get(key), revision)
            for write in writes:
                if write.lease and write.lease not in self._leases:
                    raise _lease_gone(write.lease)
            return self._change(writes)

    def _change(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one change and make them seen; 0 if they change nothing."""
        revision = self._history.revision + 1
        puts: list[Entry] = []
        deletes: list[str] = []
        events: list[Event] = []
        for key, value, lease in map(msgspec.structs.astuple, writes):
            current = self._entries.get(key)
            if value is not None:
                created = current.create_revision if current else revision
                puts.append(Entry(key, value, created, revision, lease))
                events.append(Event("put", key, value, revision, lease))
            elif current is not None:
                deletes.append(key)
                events.append(Event("delete", key, "", revision, current.lease))
        if not events:
            return 0
        self._check_room(puts, deletes)
        self._journal(Change(revision, puts=puts, deletes=deletes))
        with self._state:
            for entry in puts:
                self._insert(entry)
            for key in deletes:
                self._remove(key)
            self._history.append(events)
        return revision

    def _insert(self, entry: Entry) -> None:
        before = self._entries.get(entry.key)
        if before is None:
            bisect.insort(self._keys, entry.key)
        else:
            self._detach(before)
        self._entries[entry.key] = entry
        self._total += _size(entry)
        lease = self._leases.get(entry.lease)
        if lease is not None:
            lease.keys.add(entry.key)

    def _remove(self, key: str) -> Entry:
        entry = self._entries.pop(key)
        del self._keys[bisect.bisect_left(self._keys, key)]
        self._detach(entry)
        return entry

    def _detach(self, entry: Entry) -> None:
        self._total -= _size(entry)
        lease = self._leases.get(entry.lease)
        if lease is not None:
            lease.keys.discard(entry.key)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreAway("the state store has been closed")

    def _check_free(self, entry: Entry) -> None:
        """Raise `Held` while its holder is there."""
        if not entry.lease:
            raise Held(f"{entry.key} was written to stay, by hand: delete it first")
        with self._state:
            holder = self._leases.get(entry.lease)
            since = self._clock.monotonic() - holder.renewed if holder is not None else 0.0
        if holder is not None and since < holder.ttl / 2:
            raise Held(
                f"{entry.key} is held by another registration, renewed {max(since, 0.0):.1f} s "
                f"ago; it is free when that ends or is not renewed for {holder.ttl / 2:g} s"
            )

    def _check_room(self, puts: Sequence[Entry], deletes: Sequence[str]) -> None:
        before = [self._entries.get(key) for key in (*(entry.key for entry in puts), *deletes)]
        keys = len(self._entries) + before.count(None) - len(deletes)
        if keys > MAX_KEYS and keys > len(self._entries):
            raise LimitExceeded(f"the store holds {MAX_KEYS} keys, its limit: delete some")
        total = self._total - sum(map(_size, before)) + sum(map(_size, puts))
        if total > MAX_TOTAL and total > self._total:
            raise LimitExceeded(f"the store holds {MAX_TOTAL} characters, its limit: delete some")

    # -- leases -------------------------------------------------------------------------------

    def grant(self, ttl: float) -> int:
        check_ttl(ttl)
        with self._write:
            self._check_open()
            if len(self._leases) >= MAX_LEASES:
                raise LimitExceeded(f"the store holds {MAX_LEASES} leases, its limit: revoke some")
            lease = 0
            while lease < LEAST_LEASE or lease in self._leases:
                lease = self._random.getrandbits(_LEASE_BITS)
            self._journal(Change(self._history.revision, granted=((lease, ttl),)))
            with self._state:
                self._leases[lease] = _Lease(ttl, self._clock.monotonic())
        return lease

    def keep_alive(self, leases: Sequence[int]) -> Kept:
        check_batch(leases)
        alive: list[int] = []
        missing: list[int] = []
        keys: list[int] = []
        with self._state:
            now = self._clock.monotonic()
            for number in leases:
                lease = self._leases.get(number)
                if lease is None:
                    missing.append(number)
                else:
                    lease.renew(now)
                    alive.append(number)
                    keys.append(len(lease.keys))
        return Kept(tuple(alive), tuple(missing), tuple(keys))

    def revoke(self, lease: int) -> None:
        with self._write:
            self._check_open()
            self._end_leases([lease] if lease in self._leases else [])

    def expire(self) -> int:
        """End every lease whose time is over; how many. The owner calls it a few times a second.

        Raises:
            StoreAway: the journal could not record it; the leases are tried again next time.
        """
        with self._write:
            if self._closed:
                return 0
            now = self._clock.monotonic()
            with self._state:
                over = [n for n, lease in self._leases.items() if lease.deadline <= now]
            return self._end_leases(over)

    def _end_leases(self, numbers: list[int]) -> int:
        # Out of the table first: a keep-alive during the disk write must not be answered "alive".
        with self._state:
            ended = {number: self._leases.pop(number) for number in numbers}
        if not ended:
            return 0
        keys = sorted(key for lease in ended.values() for key in lease.keys)
        revision = self._history.revision
        try:
            self._journal(Change(revision + len(keys), deletes=keys, ended=numbers))
        except BaseException:
            with self._state:
                self._leases.update(ended)
            raise
        with self._state:
            for key in keys:
                revision += 1
                entry = self._remove(key)
                self._history.append((Event("delete", key, "", revision, entry.lease),))
        return len(ended)

    def grace(self, seconds: float) -> None:
        """Give every lease more time: for a stretch in which keep-alives could not be heard."""
        with self._state:
            for lease in self._leases.values():
                lease.deadline += seconds
                lease.renewed += seconds

    # -- ending -------------------------------------------------------------------------------

    def end_watches(self) -> None:
        """Every watch ends with `StoreAway`, none can begin; for the start of a shutdown."""
        with self._state:
            self._history.end()

    def close(self) -> None:
        self.end_watches()
        with self._write:
            self._closed = True


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


def new_history(clock: Clock) -> int:
    """The revision a new store begins with: the wall clock in milliseconds.

    So a store whose file was lost never reuses revisions of the old one, and watchers of the old
    one notice (`Compacted`) instead of missing changes.
    """
    return int(clock.wall() * 1000)


def _size(entry: Entry | None) -> int:
    return len(entry.key) + len(entry.value) if entry else 0


def _check_expected(key: str, current: Entry | None, expect: int | None) -> None:
    actual = current.mod_revision if current else 0
    if expect is not None and expect != actual:
        raise Conflict(
            f"{key} is {f'at revision {actual}' if actual else 'absent'}, not "
            f"{f'at revision {expect}' if expect else 'absent'} as expected: somebody else changed "
            "it; read it again and decide anew",
            revision=actual,
            key=key,
        )


def _lease_gone(lease: int) -> LeaseGone:
    return LeaseGone(
        f"lease {lease} ran out or was revoked: grant a new one and put its keys again"
    )
