"""Rows of an aggregate on their way to their file, each written once, whenever its process dies."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from pie.observe.facts.rows import AggregateRow
from pie.observe.log.files import HourlyFile
from pie.observe.record.call_log import CallLog, Totals
from pie.observe.record.counts import CountFile, mark_of, marked
from pie.observe.record.encode import encode
from pie.observe.record.slots import Note

_BACKLOG_BYTES = 16 << 20


class _Waiting(NamedTuple):
    ts: float
    line: bytes
    slot: int


class TotalsBacklog:
    """Rows in order; keeps what a full disk does not take.

    The slot of a row is noted before the row is written, and freed after that. Whoever finds it
    noted looks whether the row is there.

    Attributes:
        lost: rows dropped because the backlog was full. A row that has a slot never is.
    """

    def __init__(self, name: Totals, log: CallLog, file: HourlyFile) -> None:
        self._name = name
        self._log = log
        self._file = file
        self.lost = 0
        self.clear()

    def clear(self) -> None:
        """Forget what was not written yet."""
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0

    def add(self, taken: Iterable[tuple[AggregateRow, int]], counts: CountFile | None) -> None:
        """Queue rows with the numbers of their slots."""
        for row, slot in taken:
            line = encode(row)
            if slot >= 0 and counts is not None:
                sequence = counts.slots[self._name].sequence(slot)
                line = marked(line, mark_of(counts.token, self._name, sequence))
            elif self._bytes + len(line) > _BACKLOG_BYTES:
                self.lost += 1
                continue
            self._waiting.append(_Waiting(row.ts, line, slot))
            self._bytes += len(line)

    def flush(self, counts: CountFile | None) -> bool:
        """Write in order; True when nothing is left."""
        while self._waiting:
            ts, line, slot = self._waiting[0]
            slots = None if slot < 0 or counts is None else counts.slots[self._name]
            if slots is not None:
                try:
                    slots.note(slot, Note(*self._file.position(ts)))
                except OSError:
                    return False
            if self._file.append(line, ts) < len(line):
                return False
            if slots is not None:
                self._log.release(self._name, slot)
            self._waiting.popleft()
            self._bytes -= len(line)
        return True
