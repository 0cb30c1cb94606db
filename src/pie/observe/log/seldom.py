"""Log lines that strangers cause: a few of each kind are written, the rest is counted.

Whoever can connect can cause such a line: by bytes that are no message, by one connection too many.
One line for each of them would fill the log, and cost more than what it reports.
"""

import contextlib
import logging
import threading
import time
import weakref
from typing import Any

from pie.model import after_fork

FEW = 5
SECONDS = 10.0


class Seldom:
    """Lines of one kind, at level WARNING.

    The first few of ten seconds are written as they are. At the end of that time one more says how
    many were left out, with the last of them as an example.

    Args:
        logger: that writes them.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._begin()
        after_fork(self._begin)
        _all.add(self)

    def _begin(self) -> None:
        """Also in a forked child: what was counted is its parent's, and so is the timer."""
        self._lock = threading.Lock()
        self._since = 0.0
        self._written = 0
        self._left_out = 0
        self._last: tuple[object, tuple[object, ...]] = "", ()
        self._timer: threading.Timer | None = None

    def warning(self, text: object, *values: object, **options: Any) -> None:
        """As that of the logger."""
        if self._passes(text, values):
            options["stacklevel"] = options.get("stacklevel", 1) + 1
            self._logger.warning(text, *values, **options)

    def filter(self, record: logging.LogRecord) -> bool:
        """A filter for the logger of a library: what it reports without a stack is of this kind."""
        values = record.args if isinstance(record.args, tuple) else ()
        return bool(record.exc_info) or self._passes(record.msg, values)

    def report(self) -> None:
        """Write how many were left out."""
        with self._lock:
            left_out, (text, values) = self._left_out, self._last
            seconds = time.monotonic() - self._since
            self._written = self._left_out = 0
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if left_out:
            with contextlib.suppress(Exception):  # Text and values of a library need not fit.
                text = str(text) % values if values else text
            _logger.warning("%d lines more in %.0f s, such as: %s", left_out, seconds, text)

    def _passes(self, text: object, values: tuple[object, ...]) -> bool:
        now = time.monotonic()
        with self._lock:
            if self._timer is None and now - self._since >= SECONDS:
                self._since, self._written = now, 0
            if self._written < FEW:
                self._written += 1
                return True
            self._left_out += 1
            self._last = text, values
            if self._timer is None:
                self._start_timer(SECONDS - (now - self._since))
        return False

    def _start_timer(self, seconds: float) -> None:
        timer = threading.Timer(max(0.0, seconds), self.report)
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # Without a thread, a later line tries again.
            timer.start()
            self._timer = timer


_logger = logging.getLogger(__name__)
_all: "weakref.WeakSet[Seldom]" = weakref.WeakSet()


def report_left_out() -> None:
    """Write what every ``Seldom`` of the process has counted: before its log is closed."""
    for each in list(_all):
        each.report()
