"""Keeps leases of many callers alive by few requests to etcd."""

import threading
from collections.abc import Iterable

from pie.state.store.etcd.gateway import Gateway
from pie.state.store.interface import StoreAway

MAX_LEASES = 1000
"""Of one request."""
_ROUNDS = 5


class Keeper:
    """Whoever comes while a request is under way is part of the next one.

    So a thousand services that keep a lease alive each cost etcd's members a few requests a second.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._next = _Round()

    def keep(self, leases: Iterable[int]) -> dict[int, int]:
        """Renew them; the seconds that each has now, below 1 of one that is gone.

        Raises:
            StoreAway: etcd cannot answer.
        """
        with self._lock:
            mine = self._next
            mine.leases.update(leases)
        with self._sending:
            if not mine.sent:
                with self._lock:
                    self._next = _Round()
                mine.sent = True
                self._send(mine)
        if mine.error is not None:
            raise StoreAway(mine.error)
        return mine.kept

    def _send(self, this: "_Round") -> None:
        left = sorted(this.leases)
        try:
            for _ in range(_ROUNDS + len(left) // MAX_LEASES):
                if not left:
                    return
                for lease in self._gateway.keep_alive(left[:MAX_LEASES]):
                    this.kept[lease.ID] = lease.TTL
                left = [each for each in left if each not in this.kept]
            if left:
                this.error = f"etcd did not answer for {len(left)} of {len(this.leases)} leases"
        except Exception as error:
            this.error = str(error)


class _Round:
    """The leases of one request, and what came of it."""

    __slots__ = ("error", "kept", "leases", "sent")

    def __init__(self) -> None:
        self.leases: set[int] = set()
        self.sent = False
        self.kept: dict[int, int] = {}
        self.error: str | None = None
