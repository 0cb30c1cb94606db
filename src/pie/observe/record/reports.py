"""Rows that a process writes from time to time besides its calls: what rules did, what is in force.

The recorder's thread asks each source when it is due, and writes what it gives.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from pie.model import Clock
from pie.observe.log.files import HourlyFile
from pie.observe.record.encode import encode

_BACKLOG_BYTES = 4 << 20

Take = Callable[[float], Iterable[msgspec.Struct]]
"""Given the time (Unix seconds): the rows since the last time."""


class _Source(NamedTuple):
    take: Take
    file: HourlyFile
    period: float
    """Seconds."""
    counts: bool


class Reports:
    """The sources of such rows, and what of them waits for the disk.

    Attributes:
        lost: rows dropped because a full disk took none for long.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: list[_Source] = []
        self._due: list[float] = []
        """Monotonic, one for each source."""
        self._waiting: deque[tuple[float, bytes, HourlyFile]] = deque()
        self._bytes = 0
        self.lost = 0

    def add(self, take: Take, file: HourlyFile, period: float, *, counts: bool = False) -> int:
        """Ask a source every so many seconds; its number.

        Args:
            counts: it counts something of calls: it is asked when such a time of the clock is over.
                Nobody wakes up for it, since the aggregates of those calls are written then, too.
        """
        self._sources.append(_Source(take, file, period, counts))
        self._due.append(0.0)
        return len(self._due) - 1

    def hurry(self, number: int) -> None:
        """A source has news."""
        self._due[number] = 0.0

    def begin(self) -> None:
        """In a forked child: what waits is its parent's, and all is news."""
        self._waiting.clear()
        self._bytes = 0
        self._due = [0.0] * len(self._due)

    @property
    def pause(self) -> float:
        """Seconds until a source is due that counts no calls; infinite without one."""
        dues = zip(self._sources, self._due, strict=True)
        due = min((at for source, at in dues if not source.counts), default=math.inf)
        return max(0.0, due - self._clock.monotonic())

    def gather(self, *, final: bool = False) -> None:
        """Ask the sources that are due, or all. Holds no lock of the recorder: a source may wait
        for one that is held around gates, whose record gate waits for the recorder."""
        now = self._clock.monotonic()
        for number, source in enumerate(self._sources):
            if final or now >= self._due[number]:
                wall = self._clock.wall()
                late = wall % source.period if source.counts else 0.0
                self._due[number] = now + source.period - late
                for row in source.take(wall):
                    self._queue(row, source.file)

    def flush(self) -> bool:
        """Write in order; True when nothing is left."""
        while self._waiting:
            ts, line, file = self._waiting[0]
            if file.append(line, ts) < len(line):
                return False
            self._waiting.popleft()
            self._bytes -= len(line)
        return True

    def _queue(self, row: msgspec.Struct, file: HourlyFile) -> None:
        line = encode(row)
        if self._bytes + len(line) > _BACKLOG_BYTES:
            self.lost += 1
            return
        self._waiting.append((row.ts, line, file))  # type: ignore[attr-defined]
        self._bytes += len(line)
