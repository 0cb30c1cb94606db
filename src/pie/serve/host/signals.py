"""SIGTERM and SIGINT, whichever thread the system gives them to.

A Python signal handler runs on the main thread, when that wakes up. The system may deliver a signal
to another thread; a main thread that waits is not woken then, and the service would not stop. So
the signal's number goes through a pipe to a thread that only waits for it.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable

from pie.model import Resident

logger = logging.getLogger(__name__)
STOPPING = (signal.SIGTERM, signal.SIGINT)


def on_stop(action: Callable[[signal.Signals], None]) -> None:
    """Call ``action`` from a thread of its own at the first SIGTERM or SIGINT; a second one ends
    the process at once. To be called by the main thread, after the last fork."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    Resident("pie-stop", _Waiter(reader, action).wait_once, logger).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in STOPPING:
        signal.signal(number, _nothing)


def _nothing(*_: object) -> None:
    """Python writes the number to the pipe only when it has a handler for it."""


class _Waiter:
    """Reads the numbers of signals from the pipe."""

    def __init__(self, reader: int, action: Callable[[signal.Signals], None]) -> None:
        self._reader = reader
        self._action = action
        self._first = True

    def wait_once(self) -> float:
        for number in os.read(self._reader, 64):
            if number not in STOPPING:
                continue
            if not self._first:
                os._exit(128 + number)
            self._first = False
            given = (signal.Signals(number),)
            try:
                threading.Thread(
                    target=self._action, args=given, name="pie-drain", daemon=True
                ).start()
            except (RuntimeError, MemoryError):  # No thread can be started: this one must do.
                self._action(*given)
        return 0.0
