"""The thread that ends leases whose time is over."""

import logging
import threading

from pie.model import SYSTEM_CLOCK, Clock
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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pie-state-expiry", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        last = self._clock.monotonic()
        while not self._stop.wait(self._period):
            now = self._clock.monotonic()
            late = now - last - self._period
            last = now
            if late > LATE_S:
                self._store.grace(late)
            self._tick()

    def _tick(self) -> None:
        try:
            self._store.expire()
        except StoreError as error:
            if not self._failing:
                self._failing = True
                _log.error("leases that ran out stay for now: %s", error)
        else:
            self._failing = False
