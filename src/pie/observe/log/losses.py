"""What no file of the log road took: counted, and told on the road as soon as it takes lines again.

Whatever observes reports its losses here and goes on; nothing here raises.
"""

import contextlib
import errno
import logging
import os
import sys
import threading
import time

from pie.model import Resident, after_fork
from pie.observe.log.files import HourlyFile
from pie.observe.log.line import LineFormat

LOCATION = f"{__file__}:1"
logger = logging.getLogger(__name__)
_TELL_SECONDS = 1.0
_AGAIN_SECONDS = 3.0
"""Losses that go on are told this often."""
_MOST_KINDS = 64


class _Loss:
    """Lines lost of one file for one reason."""

    __slots__ = ("count", "first", "last", "reason", "what")

    def __init__(self, what: str, reason: str, ts: float) -> None:
        self.what = what
        self.reason = reason
        self.count = 0
        self.first = self.last = ts


class Losses:
    """The losses of one process.

    Args:
        file: gets the lines that tell of them.
        line_format: of these lines.

    Attributes:
        total: lines lost since the start of the process.
    """

    def __init__(self, file: HourlyFile, line_format: LineFormat) -> None:
        self._file = file
        self._format = line_format
        self.total = 0
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        """Also in a forked child: its parent tells of its own losses."""
        self._lock = threading.RLock()
        self._losses: dict[tuple[str, str], _Loss] = {}
        self._thread: Resident | None = None
        self._closed = threading.Event()

    def add(self, what: str, lines: int, ts: float, reason: str) -> None:
        """Count lost lines.

        Args:
            what: they were to be written to.
            lines: how many.
            ts: when, in Unix seconds.
            reason: why.
        """
        if lines <= 0:
            return
        with self._lock:
            self.total += lines
            key = (what, reason)
            if key not in self._losses and len(self._losses) >= _MOST_KINDS:
                key = ("other files", "for several reasons")
            loss = self._losses.setdefault(key, _Loss(*key, ts))
            loss.count += lines
            loss.first, loss.last = min(loss.first, ts), max(loss.last, ts)
            if self._thread is None and not self._closed.is_set():
                self._start()

    def tell(self) -> bool:
        """Write a line for each kind of loss; True when none is left to tell."""
        with self._lock:
            losses, self._losses = self._losses, {}
        for key, loss in losses.items():
            line = self._line(loss)
            if self._file.append(line, time.time()) != len(line):
                self._put_back(key, loss)
        return not self._losses

    def close(self) -> None:
        """Tell what can be told now; the process ends."""
        self._closed.set()
        if self._thread is not None:
            self._thread.stop()
        if not self.tell():
            count = sum(each.count for each in self._losses.values())
            say(f"pie: {_lines(count)} of logs lost")

    def _put_back(self, key: tuple[str, str], loss: _Loss) -> None:
        with self._lock:
            newer = self._losses.get(key)
            if newer is not None:
                loss.count += newer.count
                loss.last = newer.last
            self._losses[key] = loss

    def _line(self, loss: _Loss) -> bytes:
        first, last = (self._format.stamp(int(each)) for each in (loss.first, loss.last))
        return self._format.line(
            level="ERROR",
            ts=time.time(),
            location=LOCATION,
            message=f"{_lines(loss.count)} of {loss.what} lost "
            f"between {first} and {last}: {loss.reason}",
            process=os.getpid(),
            thread=threading.get_ident(),
        )

    def _start(self) -> None:
        thread = Resident("pie-losses", self._step, logger)
        # The system may refuse a thread; the next loss asks again.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _step(self) -> float | None:
        """Tell what may be told; the thread ends when nothing is left."""
        if self._closed.wait(_TELL_SECONDS):
            return None
        with self._lock:
            if not self._losses:
                self._thread = None
                return None
        return _AGAIN_SECONDS if self.tell() else 0.0


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def reason_of(error: OSError | None) -> str:
    """Why a line found no room, and what to do; None is a write that stopped half-way."""
    if error is None or error.errno == errno.ENOSPC:
        why = os.strerror(errno.ENOSPC)
        return f"{why} [Errno {errno.ENOSPC}]; is the disk full? Free some space"
    why = f"{error.strerror} [Errno {error.errno}]"
    return (
        f"{why}; the folder of logs is PIE_LOG_ROOT, or log_root in pie.toml: "
        "name one that this user can write"
    )


def say(text: str) -> None:
    """Print a line on stderr if that takes it."""
    with contextlib.suppress(Exception):
        print(text, file=sys.stderr, flush=True)  # noqa: T201
