"""The thread that ends leases whose time is over."""

import logging

from pie.model import SYSTEM_CLOCK, Clock, Resident
from pie.state.store.interface import StoreError
from pie.state.store.memory import MemoryStore

_log = logging.getLogger("pie.state")
PERIOD_S = 0.25
LATE_S = 1.0


class ExpiryThread:
    """Runs `MemoryStore.expire` four times a second. The process that owns the engine starts one.

    When the process itself stood still (suspended machine, stopped process) it could hear no
    keep-alive: that time is given to every lease, so that a pause of the store does not
    deregister a living fleet.
    """

    def __init__(
        self, store: MemoryStore, *, clock: Clock = SYSTEM_CLOCK, period: float = PERIOD_S
    ) -> None:
        self._store = store
        self._clock = clock
        self._period = period
        self._last = clock.monotonic()
        self._failing = False
        self._thread = Resident("pie-state-expiry", self._step, _log)

    def start(self) -> None:
        """Start the thread; once."""
        self._last = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._thread.stop(None)

    def _step(self) -> float:
        now = self._clock.monotonic()
        late = now - self._last - self._period
        self._last = now
        if late > LATE_S:
            self._store.grace(late)
        self._expire()
        return self._period

    def _expire(self) -> None:
        try:
            self._store.expire()
        except StoreError as error:
            if not self._failing:
                self._failing = True
                _log.error("leases that ran out stay for now: %s", error)
        else:
            self._failing = False
