"""The store of a platform whose desired state is in an etcd cluster."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from pie.model import SYSTEM_RANDOM, Random
from pie.state.store.etcd import wire
from pie.state.store.etcd.address import EtcdAddress
from pie.state.store.etcd.gateway import TIMEOUT_S, EtcdError, Gateway, invalid
from pie.state.store.etcd.keeper import Keeper
from pie.state.store.etcd.mirror import Mirror
from pie.state.store.etcd.pages import Names, read_all
from pie.state.store.history import MAX_EVENTS, Subscription
from pie.state.store.interface import (
    NOTHING_EXPECTED,
    Entry,
    Held,
    Kept,
    LimitExceeded,
    Range,
    Refused,
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

SEEN_S = 1.0
"""How long a write waits until the copy in memory has it."""
_TRIES = 8
_MOST_COMPARED = 120
"""Below etcd's ``--max-txn-ops``, 128 by default."""


class EtcdStore(ServedStore):
    """A store over etcd, for a platform that serves it on: reads and watches come from memory.

    Writes, leases and comparisons are etcd's, so several platforms may share it. A platform reads
    what it has written; what another one wrote it reads some milliseconds later. With etcd away it
    goes on to read what it knew, and writing raises `StoreAway`. Services never speak to etcd.

    Args:
        address: of the cluster.
        random: where lease numbers come from.
        max_events: how many changes a watch can replay at most.

    Raises:
        ValueError: the TLS files of the address cannot be used.
    """

    remote = True

    def __init__(
        self,
        address: EtcdAddress,
        *,
        random: Random = SYSTEM_RANDOM,
        max_events: int = MAX_EVENTS,
    ) -> None:
        super().__init__(0, max_events)
        self.gateway = Gateway(address)
        self._random = random
        self._names = Names(address.namespace)
        self._keeper = Keeper(self.gateway)
        self.mirror = Mirror(self.gateway, self._names, self._table, self._history)
        self._closed = False
        self.mirror.start()

    def wait_loaded(self, seconds: float) -> bool:
        """Wait until etcd has been read; whether it has."""
        return self.mirror.wait(lambda: self.mirror.loaded, seconds)

    # -- reading ------------------------------------------------------------------------------

    def get(self, key: str) -> Entry | None:
        check_key(key)
        if self._is_behind():
            request = wire.RangeRequest(self._names.key(key))
            reply = self.gateway.call("/v3/kv/range", request, wire.RangeReply, repeat=True)
            return self._names.entry(reply.kvs[0]) if reply.kvs else None
        return super().get(key)

    def range(self, prefix: str) -> Range:
        check_key(prefix)
        if self._is_behind():
            header, entries = read_all(self.gateway, self._names, self._names.key(prefix))
            return Range(tuple(entries), header.revision)
        return super().range(prefix)

    def subscribe(self, prefix: str, after: int | None, wake: Callable[[], None]) -> Subscription:
        check_key(prefix)
        self._check_loaded()
        return super().subscribe(prefix, after, wake)

    def subscribe_all(
        self, prefixes: Mapping[str, int], refused: tuple[Refused, ...], wake: Callable[[], None]
    ) -> Subscription:
        self._check_loaded()
        return super().subscribe_all(prefixes, refused, wake)

    def reach(self, revision: int) -> None:
        """Wait a moment for a change that another platform's client has seen."""
        self.mirror.wait(lambda: self._history.revision >= revision, SEEN_S)

    def _check_loaded(self) -> None:
        if not self.mirror.loaded:
            raise StoreAway(f"etcd could not be read yet: {self.mirror.trouble}")

    def _is_behind(self) -> bool:
        """Whether the copy in memory lacks a change that was made through it."""
        self._check_loaded()
        return self.revision < self.mirror.written

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
        write = Write(key, value, lease)
        if not claim:
            return self._change([write], {} if expect is None else {key: expect})
        for _ in range(_TRIES):
            current = self._read(key)
            revision = current.mod_revision if current is not None else 0
            if expect is not None and expect != revision:
                raise conflict(key, revision, expect)
            if current is not None and current.lease not in (lease, heir_of or lease):
                self._check_free(current)
            revision, _ = self._attempt([write], {key: revision})
            if revision:
                return revision
        raise StoreAway(f"{key} changes all the time: nobody can claim it now, try again")

    def delete(self, key: str, *, expect: int | None = None) -> int:
        check_key(key)
        return self._change([Write(key, None)], {} if expect is None else {key: expect})

    def commit(
        self, writes: Sequence[Write], *, expect: Mapping[str, int] = NOTHING_EXPECTED
    ) -> int:
        check_commit(writes, expect)
        return self._change(writes, expect)

    def _change(self, writes: Sequence[Write], expect: Mapping[str, int]) -> int:
        """One transaction; its revision, 0 if it changed nothing.

        Each key is also expected where it stood when this began, and tried again when it moved: a
        request that a hanging member took, and makes long after it was given up, changes nothing.
        """
        ours = [write.key for write in writes if write.key not in expect]
        guards = {key: self._at(key) for key in ours[: _MOST_COMPARED - len(expect)]}
        end = time.monotonic() + TIMEOUT_S
        while True:
            revision, found = self._attempt(writes, {**expect, **guards})
            if revision:
                return max(revision, 0)
            actual = {key: each.mod_revision if each else 0 for key, each in found.items()}
            for key, expected in expect.items():
                if actual[key] != expected:
                    self._see_conflict(key, actual[key])
                    raise conflict(key, actual[key], expected)
            guards = {key: actual[key] for key in guards}
            if time.monotonic() > end:
                raise StoreAway(f"{ours[0]} changes all the time: try again")

    def _at(self, key: str) -> int:
        entry = self._table.get(key)
        return entry.mod_revision if entry is not None else 0

    def _see_conflict(self, key: str, actual: int) -> None:
        """Whoever reads again has to see what was in the way."""

        self._see(lambda: self._at(key) >= actual if actual else not self._at(key))

    def _attempt(
        self, writes: Sequence[Write], expect: Mapping[str, int]
    ) -> tuple[int, dict[str, Entry | None]]:
        """The revision of the transaction, -1 if it changed nothing, 0 if an expectation failed;
        then also what stands under the expected keys."""
        self._check_open()
        self._check_room(writes)
        keys = [self._names.key(key) for key in expect]
        request = wire.TxnRequest(
            [wire.Compare(key, at) for key, at in zip(keys, expect.values(), strict=True)],
            [self._operation(write) for write in writes],
            [wire.RequestOp(request_range=wire.RangeRequest(key)) for key in keys],
        )
        try:
            reply = self.gateway.call("/v3/kv/txn", request, wire.TxnReply, repeat=False)
        except EtcdError as error:
            if error.message == wire.LEASE_GONE:
                raise lease_gone(next(write.lease for write in writes if write.lease)) from None
            raise invalid(error) from error
        if not reply.succeeded:
            ranges = (each.response_range for each in reply.responses)
            found = [each.kvs[0] if each is not None and each.kvs else None for each in ranges]
            entries = [self._names.entry(kv) if kv is not None else None for kv in found]
            return 0, dict(zip(expect, entries, strict=True))
        deleted = (each.response_delete_range for each in reply.responses)
        if all(write.value is None for write in writes) and not any(
            each.deleted for each in deleted if each is not None
        ):
            return -1, {}
        revision = reply.header.revision
        self.mirror.note(revision)
        self._see(lambda: self._history.revision >= revision)
        return revision, {}

    def _operation(self, write: Write) -> wire.RequestOp:
        key = self._names.key(write.key)
        if write.value is None:
            return wire.RequestOp(request_delete_range=wire.DeleteRequest(key))
        return wire.RequestOp(request_put=wire.PutRequest(key, write.value.encode(), write.lease))

    def _see(self, met: Callable[[], bool]) -> None:
        """Wait until the copy in memory shows a change; if it does not, watch another member."""
        if not self.mirror.wait(met, SEEN_S):
            self.mirror.interrupt()

    def _read(self, key: str) -> Entry | None:
        """A key as etcd has it now."""
        request = wire.RangeRequest(self._names.key(key))
        reply = self.gateway.call("/v3/kv/range", request, wire.RangeReply, repeat=True)
        return self._names.entry(reply.kvs[0]) if reply.kvs else None

    def _check_free(self, entry: Entry) -> None:
        """Raise `Held` while its holder is there. etcd counts in whole seconds, rounded down."""
        if not entry.lease:
            raise Held(f"{entry.key} was written to stay, by hand: delete it first")
        holder = self.gateway.call(
            "/v3/lease/timetolive", wire.Lease(entry.lease), wire.LeaseReply, repeat=True
        )
        since = max(0, holder.grantedTTL - holder.TTL - 1)
        if holder.TTL >= 0 and since < holder.grantedTTL / 2:
            raise Held(
                f"{entry.key} is held by another registration, renewed {since:.1f} s ago; it is "
                f"free when that ends or is not renewed for {holder.grantedTTL / 2:g} s"
            )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreAway("the state store has been closed")

    def _check_room(self, writes: Sequence[Write]) -> None:
        keys, total = self.filled
        if not self.mirror.loaded or all(write.value is None for write in writes):
            return
        if keys >= MAX_KEYS and any(self._table.get(write.key) is None for write in writes):
            raise LimitExceeded(f"the store holds {keys} keys, its limit: delete some")
        if total + sum(len(write.value or "") for write in writes) > MAX_TOTAL:
            raise LimitExceeded(f"the store holds {total} characters, its limit: delete some")

    # -- leases -------------------------------------------------------------------------------

    def grant(self, ttl: float) -> int:
        check_ttl(ttl)
        for _ in range(_TRIES):
            self._check_open()
            number = max(LEAST_LEASE, self._random.getrandbits(LEASE_BITS))
            request = wire.GrantRequest(number, math.ceil(ttl))
            try:
                self.gateway.call("/v3/lease/grant", request, wire.LeaseReply, repeat=True)
            except EtcdError as error:
                if error.message != wire.LEASE_EXISTS:
                    raise invalid(error) from error
            else:
                return number
        raise StoreAway("etcd grants no lease: all numbers tried exist already")

    def keep_alive(self, leases: Sequence[int]) -> Kept:
        check_batch(leases)
        kept = self._keeper.keep(leases) if leases else {}
        alive = tuple(lease for lease in leases if kept[lease] > 0)
        missing = tuple(lease for lease in leases if kept[lease] <= 0)
        with self._state:
            keys = tuple(map(self._table.count_of, alive))
        return Kept(alive, missing, keys)

    def revoke(self, lease: int) -> None:
        self._check_open()
        try:
            self.gateway.call("/v3/lease/revoke", wire.Lease(lease), wire.Empty, repeat=True)
        except EtcdError as error:
            if error.message != wire.LEASE_GONE:
                raise invalid(error) from error
        self._see(lambda: not self._table.count_of(lease))

    def close(self) -> None:
        self._closed = True
        self.end_watches()
        self.mirror.stop()
        self.gateway.close()
