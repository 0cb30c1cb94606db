"""Brings every record of ``logging`` to the log road exactly once, whatever applications configure.

``dictConfig`` and its like take handlers off the root logger, give loggers handlers of their own
that end the way of a record, and switch off loggers that existed before; they may do it in the
middle of a request. So a record is taken where it leaves its logger, before any handler sees it.
"""

import logging
import logging.config
import sys
import threading
from collections.abc import Callable
from typing import Any

OURS = ("pie", "gunicorn")
"""Loggers that work for the service, not for its application."""
_TAKEN = "_pie_taken"
"""In the dictionary of a record that the road has; a copy for a queue keeps it."""


class Taker(logging.Handler):
    """Puts records on the road."""

    def take(self, record: logging.LogRecord) -> None:
        """Write the record down; never raises."""
        raise NotImplementedError

    def emit(self, record: logging.LogRecord) -> None:
        """For a record that came past its logger, such as one of a queue."""
        if _TAKEN not in record.__dict__:
            self.take(record)


_takers: list[Taker] = []
_local = threading.local()
_muted = False


def loggers() -> list[logging.Logger]:
    """All loggers but the root."""
    found = list(logging.root.manager.loggerDict.values())
    return [each for each in found if isinstance(each, logging.Logger)]


def take_over(taker: Taker) -> None:
    """Let ``taker`` have every record once that a logger lets through.

    A logger that was silenced (its records end at it, and it has no handler that does anything)
    stays silent.
    """
    _patch()
    if taker not in _takers:
        _takers.append(taker)


def let_go(taker: Taker) -> None:
    """Undo ``take_over``."""
    if taker in _takers:
        _takers.remove(taker)
    if not _takers:
        mute_echoes(False)


def mute_echoes(muted: bool) -> None:
    """Keep other handlers from writing records to stdout or stderr.

    The taker does their work, and what they write would come to the log road a second time.
    """
    global _muted
    _muted = muted


def is_echo() -> bool:
    """Whether this thread writes, in a handler, a record that the road has and that is muted."""
    return _muted and getattr(_local, "depth", 0) > 0


def _patch() -> None:
    """Once: nothing is undone, since others may have put their own functions around these."""
    if getattr(logging.Logger.callHandlers, "_pie", False):
        return
    call_handlers, handle = logging.Logger.callHandlers, logging.Handler.handle

    plain = call_handlers.__module__ == "logging"

    def take_and_call(self: logging.Logger, record: logging.LogRecord) -> None:
        others, audible = not _takers, False
        at: logging.Logger | None = self
        while at is not None:
            for each in at.handlers:
                if each not in _takers:
                    others = True
                    audible = audible or not isinstance(each, logging.NullHandler)
            if not at.propagate:
                break
            at = at.parent
        else:
            audible = True  # It reaches the root.
        alone = plain and not others
        if _takers and audible and _TAKEN not in record.__dict__:
            if not alone:
                record.__dict__[_TAKEN] = True
            for taker in _takers:
                taker.take(record)
        if alone:
            return
        try:
            call_handlers(self, record)
        except Exception:
            # A handler of the application's must not end a thread of Pie's.
            if record.name.partition(".")[0] not in OURS:
                raise

    def handle_muted(self: logging.Handler, record: logging.LogRecord) -> Any:
        if not _muted or _TAKEN not in record.__dict__:
            return handle(self, record)
        if isinstance(self, logging.StreamHandler) and self.stream in _terminals():
            return record
        _local.depth = getattr(_local, "depth", 0) + 1
        try:
            return handle(self, record)
        finally:
            _local.depth -= 1

    take_and_call._pie = True  # type: ignore[attr-defined]
    logging.Logger.callHandlers = take_and_call  # type: ignore[method-assign]
    logging.Handler.handle = handle_muted  # type: ignore[method-assign]
    _keep_loggers_on()


def _keep_loggers_on() -> None:
    """``dictConfig`` and ``fileConfig`` switch off what they do not name, and with it its lines."""
    module: Any = logging.config
    switch: Callable[..., None] | None = getattr(module, "_handle_existing_loggers", None)
    if switch is None:
        return

    def leave_on(existing: Any, child_loggers: Any, disable_existing: bool) -> None:
        on = [each for each in loggers() if not each.disabled]
        switch(existing, child_loggers, disable_existing)
        for each in on if _takers else ():
            each.disabled = False

    module._handle_existing_loggers = leave_on


def _terminals() -> tuple[object, ...]:
    return sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
