"""The store's engine: everything in memory, every change first handed to a journal."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Clock, Random
from pie.state.store.history import MAX_EVENTS
from pie.state.store.interface import (
    NOTHING_EXPECTED,
    Entry,
    Event,
    Held,
    Kept,
    LimitExceeded,
    StoreAway,
    Write,
    check_batch,
    check_commit,
    check_key,
    check_ttl,
    check_value,
)
from pie.state.store.served import (
    LEASE_BITS,
    LEAST_LEASE,
    MAX_KEYS,
    MAX_TOTAL,
    ServedStore,
    conflict,
    lease_gone,
)
from pie.state.store.table import size

MAX_LEASES = 200_000


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
    __slots__ = ("deadline", "renewed", "ttl")

    def __init__(self, ttl: float, now: float) -> None:
        self.ttl = ttl
        self.renew(now)

    def renew(self, now: float) -> None:
        self.renewed = now
        self.deadline = now + self.ttl


class MemoryStore(ServedStore):
    """The engine. Alone it forgets everything when the process ends.

    A lock beside ``_state``: ``_write`` makes mutations one at a time, the journal's disk write
    included. So reading, keeping leases alive and watching never wait for a disk, and nothing is
    seen before it is durable.

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
        super().__init__(new_history(clock), max_events)
        self._clock = clock
        self._random = random
        self._journal = journal
        self._write = threading.Lock()
        self._leases: dict[int, _Lease] = {}
        self._closed = False

    def _restore(
        self, revision: int, entries: Iterable[Entry], leases: Iterable[tuple[int, float]]
    ) -> None:
        """Load what a journal kept, before any other call; each lease gets a full TTL."""
        self._history.revision = self._history.compacted = revision
        now = self._clock.monotonic()
        for lease, ttl in leases:
            self._leases[lease] = _Lease(ttl, now)
        for entry in entries:
            self._table.insert(entry)

    def contents(self) -> tuple[int, list[Entry], list[tuple[int, float]]]:
        """The revision, all entries, and the leases as pairs of number and TTL, at one moment."""
        with self._state:
            leases = [(number, lease.ttl) for number, lease in self._leases.items()]
            return self._history.revision, self._table.all(), leases

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
            current = self._table.get(key)
            self._check_open()
            _check_expected(key, current, expect)
            if lease and lease not in self._leases:
                raise lease_gone(lease)
            if claim and current is not None and current.lease not in (lease, heir_of or lease):
                self._check_free(current)
            return self._change((Write(key, value, lease),))

    def delete(self, key: str, *, expect: int | None = None) -> int:
        check_key(key)
        with self._write:
            current = self._table.get(key)
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
                _check_expected(key, self._table.get(key), revision)
            for write in writes:
                if write.lease and write.lease not in self._leases:
                    raise lease_gone(write.lease)
            return self._change(writes)

    def _change(self, writes: Sequence[Write]) -> int:
        """Journal the writes as one change and make them seen; 0 if they change nothing."""
        revision = self._history.revision + 1
        puts: list[Entry] = []
        deletes: list[str] = []
        events: list[Event] = []
        for key, value, lease in map(msgspec.structs.astuple, writes):
            current = self._table.get(key)
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
                self._table.insert(entry)
            for key in deletes:
                self._table.remove(key)
            self._history.append(events)
        return revision

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
        before = [self._table.get(key) for key in (*(entry.key for entry in puts), *deletes)]
        keys = len(self._table) + before.count(None) - len(deletes)
        if keys > MAX_KEYS and keys > len(self._table):
            raise LimitExceeded(f"the store holds {MAX_KEYS} keys, its limit: delete some")
        total = self._table.total - sum(map(size, before)) + sum(map(size, puts))
        if total > MAX_TOTAL and total > self._table.total:
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
                lease = self._random.getrandbits(LEASE_BITS)
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
                    keys.append(self._table.count_of(number))
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
        keys = sorted(key for number in ended for key in self._table.keys_of(number))
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
                entry = self._table.remove(key)
                self._history.append((Event("delete", key, "", revision, entry.lease),))
        return len(ended)

    def grace(self, seconds: float) -> None:
        """Give every lease more time: for a stretch in which keep-alives could not be heard."""
        with self._state:
            for lease in self._leases.values():
                lease.deadline += seconds
                lease.renewed += seconds

    # -- ending -------------------------------------------------------------------------------

    def close(self) -> None:
        self.end_watches()
        with self._write:
            self._closed = True


def new_history(clock: Clock) -> int:
    """The revision a new store begins with: the wall clock in milliseconds.

    So a store whose file was lost never reuses revisions of the old one, and watchers of the old
    one notice (`Compacted`) instead of missing changes.
    """
    return int(clock.wall() * 1000)


def _check_expected(key: str, current: Entry | None, expect: int | None) -> None:
    actual = current.mod_revision if current else 0
    if expect is not None and expect != actual:
        raise conflict(key, actual, expect)
