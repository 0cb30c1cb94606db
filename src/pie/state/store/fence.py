"""A job that one process at a time may do: a lease, and a token that the store checks.

Whoever holds the job has a *fencing token*: the revision at which it wrote its name under the
lock's key. Each of its writes expects that key at that revision, so the store itself refuses a
holder that stood still, whose lease ran out, or whose clock jumped, whatever that holder believes
(Kleppmann, "How to do distributed locking", 2016).
"""

import os
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence

from pie.model import SYSTEM_CLOCK, Clock
from pie.state.store.interface import (
    NOTHING_EXPECTED,
    Conflict,
    LeaseGone,
    Store,
    Write,
)

LOCKS = "/pie/locks/"
TTL_S = 10.0


class FenceLost(Conflict):
    """This process does not hold the job any more, and nothing was written."""


class Fenced:
    """The right to do the job ``name``, tried for and renewed by `hold`.

    Call `hold` at least every third of the TTL, and write by `commit` only. Another process gets
    the job at most one TTL after the last `hold` of a holder that ended. Thread-safe.

    Args:
        store: which decides who holds the job.
        name: of the job: letters, digits, ``-``, ``_``, ``.`` and ``/``.
        ttl: seconds without a `hold` after which the job is free.
        holder: what the lock's key says about this process; host and pid by default.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        ttl: float = TTL_S,
        *,
        holder: str = "",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.key = LOCKS + name
        self._store = store
        self._ttl = ttl
        # The random part tells two lives of one process id apart.
        self._holder = holder or f"{socket.gethostname()} pid {os.getpid()}"
        self._holder += f" {secrets.token_hex(8)}"
        self._clock = clock
        self._lock = threading.Lock()
        self._lease = 0
        self._token = 0
        self._until = 0.0

    @property
    def token(self) -> int:
        """The revision that the store must have at `key` for a write of ours; 0 = not held."""
        return self._token

    @property
    def held(self) -> bool:
        """Whether the job was ours at the last `hold`, less than a TTL ago by our clock.

        Only a hint, to begin no work in vain: what decides is the store, at the write.
        """
        return bool(self._token) and self._clock.monotonic() < self._until

    def hold(self) -> bool:
        """Renew the job if it is ours, else try to get it; whether it is ours now.

        Raises:
            StoreError: the store cannot be asked; whether the job is ours is not known.
        """
        with self._lock:
            asked = self._clock.monotonic()
            held = self._renew() or self._acquire()
            self._until = asked + self._ttl if held else 0.0
            return held

    def commit(
        self, writes: Sequence[Write], *, expect: Mapping[str, int] = NOTHING_EXPECTED
    ) -> int:
        """`Store.commit`, provided that the job is still ours.

        Raises:
            FenceLost: it is not: somebody else may do it now.
            StoreError: as `Store.commit`.
        """
        token = self._token
        if not token:
            raise self._lost()
        try:
            return self._store.commit(writes, expect={**expect, self.key: token})
        except Conflict as error:
            if error.key != self.key:
                raise
            with self._lock:
                if self._token == token:
                    self._token = 0
            raise self._lost() from error

    def release(self) -> None:
        """Let go of the job, so that another process gets it at once.

        Raises:
            StoreError: the store cannot be told; the job is free one TTL after the last `hold`.
        """
        with self._lock:
            lease, self._lease, self._token = self._lease, 0, 0
            if lease:
                self._store.revoke(lease)

    def _renew(self) -> bool:
        if not self._lease:
            return False
        kept = self._store.keep_alive([self._lease])
        if not kept.alive:
            self._lease = self._token = 0
            return False
        # The lock's key may be gone while its lease lives, by hand.
        if self._token and kept.keys == (0,):
            self._token = 0
        return bool(self._token)

    def _acquire(self) -> bool:
        try:
            if not self._lease:
                self._lease = self._store.grant(self._ttl)
            self._token = self._store.put(self.key, self._holder, lease=self._lease, expect=0)
        except LeaseGone:
            self._lease = 0
        except Conflict:
            # Ours, if the answer to an earlier put was lost.
            entry = self._store.get(self.key)
            if entry is not None and entry.value == self._holder and entry.lease == self._lease:
                self._token = entry.mod_revision
        return bool(self._token)

    def _lost(self) -> FenceLost:
        return FenceLost(f"{self.key} is not held by this process any more", key=self.key)
