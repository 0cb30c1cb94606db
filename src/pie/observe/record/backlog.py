"""Lines and records on their way to their file, each written once, whenever its process dies."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from pie.observe.log.files import HourlyFile
from pie.observe.record.call_log import Batches, CallLog, What
from pie.observe.record.counts import CountFile
from pie.observe.record.slots import Note

_BACKLOG_BYTES = 16 << 20
_NO_HALF = -1


class _Waiting(NamedTuple):
    ts: float
    lines: bytes
    half: int


class Backlog:
    """Batches of whole lines on their way to an hourly file; keeps what a full disk does not take.

    Lines that stand in a half of the shared mapping are noted there before they are written, and
    the half is freed after that.

    Attributes:
        lost: lines dropped because the backlog was full.
    """

    def __init__(self, what: What, log: CallLog, file: HourlyFile) -> None:
        self._what = what
        self._log = log
        self._file = file
        self.lost = 0
        self.clear()

    def clear(self) -> None:
        """Forget what was not written yet."""
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0

    def take(self, counts: CountFile | None) -> Batches:
        """Queue what waits in the call log; returns it, each batch for one file."""
        half = None if counts is None else self._log.take_half(self._what)
        waiting = [] if half is None else [_Waiting(*half)]
        waiting += [_Waiting(*batch, _NO_HALF) for batch in self._log.take(self._what)]
        self.add(waiting)
        return [(ts, lines) for ts, lines, _ in waiting]

    def add(self, batches: Iterable[tuple[float, bytes, int]]) -> None:
        """Queue batches, each of one file, with the numbers of their halves; -1 = none."""
        for ts, lines, half in batches:
            if half == _NO_HALF and self._bytes + len(lines) > _BACKLOG_BYTES:
                self.lost += lines.count(b"\n")
            else:
                self._waiting.append(_Waiting(ts, lines, half))
                self._bytes += len(lines)

    def flush(self, counts: CountFile | None) -> bool:
        """Write in order; True when nothing is left."""
        while self._waiting:
            ts, lines, half = self._waiting[0]
            halves = None if half == _NO_HALF or counts is None else counts.halves[self._what]
            if halves is not None:
                try:
                    halves.note(half, Note(*self._file.position(ts)))
                except OSError:
                    return False
            written = self._file.append(lines, ts)
            self._bytes -= written
            if halves is not None:
                halves.wrote(half, written)
            if written < len(lines):
                self._waiting[0] = _Waiting(ts, lines[written:], half)
                return False
            if halves is not None:
                self._log.release_half(self._what, half)
            self._waiting.popleft()
        return True
