"""SIGTERM and SIGINT, whichever thread the system gives them to.

A Python signal handler runs on the main thread, when that wakes up. The system may deliver a signal
to another thread; a main thread that waits is not woken then, and the service would not stop. So
the signal's number goes through a pipe to a thread that only waits for it.
"""

import os
import signal
import threading
from collections.abc import Callable

STOPPING = (signal.SIGTERM, signal.SIGINT)


def on_stop(action: Callable[[signal.Signals], None]) -> None:
    """Call ``action`` from a thread of its own at the first SIGTERM or SIGINT; a second one ends
    the process at once. To be called by the main thread, after the last fork."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_wait, args=(reader, action), name="pie-stop", daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in STOPPING:
        signal.signal(number, _nothing)


def _nothing(*_: object) -> None:
    """Python writes the number to the pipe only when it has a handler for it."""


def _wait(reader: int, action: Callable[[signal.Signals], None]) -> None:
    first = True
    while True:
        for number in os.read(reader, 64):
            if number not in STOPPING:
                continue
            if not first:
                os._exit(128 + number)
            first = False
            threading.Thread(
                target=action, args=(signal.Signals(number),), name="pie-drain", daemon=True
            ).start()
