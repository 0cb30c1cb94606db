"""A thread that lives as long as its process, whatever its work raises."""

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from pie.model.backoff import Backoff

REPEAT_S = 60.0
"""The same error is logged once in this time, however often the work fails and recovers."""
_LAST_RESORT_S = 0.5
_SHUTDOWN = (SystemExit, KeyboardInterrupt, GeneratorExit)


class Reporter(Protocol):
    """The part of a ``logging.Logger`` that a resident uses."""

    def error(self, msg: str, *args: object, exc_info: BaseException | None) -> None: ...


class Resident(threading.Thread):
    """Runs one step after the other until it is stopped.

    A step that raises is tried again after a pause that grows with each failure, and the first
    failure of a series is logged. Only ``SystemExit`` and its like end the thread: a service that
    runs out of descriptors or memory for a moment must not lose its registration for good.

    A forked child has no copy of the thread; there ``stop`` does nothing.

    Args:
        name: of the thread.
        step: does one piece of the work; returns the seconds until the next one (``math.inf`` =
            not before `wake`, which cuts any of them short), or None when nothing is left to do.
        log: gets the errors.
        backoff: the pauses after failures.
        trouble: called with each error instead of logging it; what it raises is ignored.
        finish: called once, in the thread, when it ends.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float | None],
        log: Reporter,
        *,
        backoff: Backoff | None = None,
        trouble: Callable[[BaseException], None] | None = None,
        finish: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._log = log
        self._backoff = backoff or Backoff()
        self._trouble = trouble or self._report
        self._finish = finish
        self._wake = threading.Event()
        self._ending = False
        self._reported: tuple[str, float] = "", 0.0
        self._pid = os.getpid()

    def start(self) -> None:
        """Begin; once."""
        self._pid = os.getpid()
        super().start()

    def run(self) -> None:
        """The thread itself; `start` calls it."""
        while not self._ending and self._survive_one():
            pass
        if self._finish is not None:
            try:
                self._finish()
            except Exception as error:
                self._report(error)

    def wake(self) -> None:
        """Take the next step now, or as soon as the present one is over."""
        self._wake.set()

    def fine(self) -> None:
        """A long step works: its next trouble starts with a short pause again."""
        self._backoff.reset()

    @property
    def ending(self) -> bool:
        """Whether `stop` was called: a long step looks at it."""
        return self._ending

    def stop(self, timeout: float | None = 0.0) -> None:
        """End after the present step; wait up to ``timeout`` seconds for it (None: for ever)."""
        self._ending = True
        if self._pid != os.getpid():
            return
        self._wake.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(timeout)

    def _survive_one(self) -> bool:
        """One step and the pause after it; False when the thread is to end."""
        try:
            pause = self._step()
            if pause is None:
                return False
            self._backoff.reset()
            self._rest(pause)
        except _SHUTDOWN:
            return False
        except BaseException as error:
            self._recover(error)
        return True

    def _recover(self, error: BaseException) -> None:
        try:
            self._trouble(error)
        except BaseException:
            # Without memory or descriptors the report fails, too; the work is what matters.
            time.sleep(_LAST_RESORT_S)
        try:
            if not self._ending:
                self._rest(self._backoff.next())
        except BaseException:
            time.sleep(_LAST_RESORT_S)

    def _rest(self, pause: float) -> None:
        if pause > 0:
            self._wake.wait(min(pause, threading.TIMEOUT_MAX))
            self._wake.clear()

    def _report(self, error: BaseException) -> None:
        what, now = repr(error)[:500], time.monotonic()
        known, when = self._reported
        if what == known and now - when < REPEAT_S:
            return
        self._reported = what, now
        self._log.error("%s failed, and goes on: %s", self.name, what, exc_info=error)
