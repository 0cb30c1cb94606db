"""How a service that runs alone ends: leave the registry, be found there a little longer, close the
listener, answer what is in flight, and be gone when the time for that is over."""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time

from pie.serve.host.host import Life, Server
from pie.serve.in_flight import InFlight, calls_in_flight
from pie.serve.listeners import drop_newcomers
from pie.serve.settings.keys import Settings

logger = logging.getLogger(__name__)
CLOSING_SECONDS = 3.0
"""For what follows the drain: the last facts to the disk, and the end of the interpreter."""
_EARLY_SECONDS = 0.02
"""Calls are named so long before the server cuts them."""
_MOST_NAMED = 100


class Stop:
    """Ends one server at a signal.

    The first signal begins. One more while the service still accepts connections ends that time,
    which SIGINT leaves out; any other ends the process at once.

    Args:
        life: of the service.
        server: to be stopped.
        listener: of the server.
        settings: say how long.
    """

    def __init__(
        self, life: Life, server: Server, listener: socket.socket, settings: Settings
    ) -> None:
        self._life = life
        self._server = server
        self._listener = listener
        self._notice = settings.NOTICE_SECONDS
        self._drain = settings.DRAIN_SECONDS
        self._opened = threading.Event()
        self._hurried = threading.Event()
        self._closing = threading.Event()
        self._served = threading.Event()

    def opened(self) -> None:
        """The service is complete: what is half started cannot be stopped."""
        self._opened.set()

    def signalled(self, number: signal.Signals, count: int) -> None:
        """A signal came, after ``count`` others."""
        if number == signal.SIGINT:
            self._hurried.set()  # A person at a terminal waits, a deployment sends SIGTERM.
        if count == 0:
            threading.Thread(
                target=self._run, args=(number,), name="pie-drain", daemon=True
            ).start()
        elif count == 1 and not self._closing.is_set():
            self._hurried.set()
        else:
            self._end_at_once(number)

    def served(self) -> None:
        """The server has ended, with or without what was in flight."""
        self._served.set()

    def _run(self, number: signal.Signals) -> None:
        logger.info("stopping on %s", number.name)
        self._opened.wait()
        try:
            if self._life.deregister():
                self._hurried.wait(self._notice)
            drop_newcomers(self._listener)
        except Exception:
            logger.exception("stopping all the same")
        end = time.monotonic() + self._drain
        self._closing.set()
        logger.info("draining: calls in flight have %g s", self._drain)
        self._server.stop()
        if not self._served.wait(end - time.monotonic() - _EARLY_SECONDS):
            name_cut(f"the drain time is over (DRAIN_SECONDS = {self._drain:g})")
        leave_in_time(end + CLOSING_SECONDS - time.monotonic())

    def _end_at_once(self, number: signal.Signals) -> None:
        """Name what is cut, unless the log is what hangs."""
        naming = threading.Thread(target=name_cut, args=(f"{number.name} came again",), daemon=True)
        naming.start()
        naming.join(1.0)
        _leave(128 + number)


def leave_in_time(seconds: float) -> None:
    """End the process after so many seconds if it is still there, whatever keeps it."""

    def leave() -> None:
        time.sleep(max(0.0, seconds))
        _leave(0, _obstacles())

    threading.Thread(target=leave, name="pie-leave", daemon=True).start()


def name_cut(reason: str) -> None:
    """Log which calls do not get an answer."""
    served = [each for each in calls_in_flight() if each.call.side == "server"]
    for each in served[:_MOST_NAMED]:
        logger.error("cut %s: %s", _description(each), reason)
    if len(served) > _MOST_NAMED:
        logger.error("cut %d calls more: %s", len(served) - _MOST_NAMED, reason)


def _description(each: InFlight) -> str:
    call = each.call
    where = getattr(call, "path", "") or call.route
    what = f"{call.verb} {where} ({call.method})" if call.verb else call.method
    return f"{what} after {each.seconds:.1f} s, logid {call.logid}, of {call.peer}"


def _obstacles() -> str:
    """What keeps the interpreter from ending; the log is closed by now."""
    names = [
        f"thread {each.name}"
        for each in threading.enumerate()
        if not each.daemon and each is not threading.main_thread()
    ]
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        names += [f"child {each.pid}" for each in process.active_children()]
    return f"pie: the process ends, and does not wait for: {', '.join(names) or 'atexit'}\n"


def _leave(code: int, words: str = "") -> None:
    """End the process, with what was printed."""
    if words:
        os.write(2, words.encode())
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)
