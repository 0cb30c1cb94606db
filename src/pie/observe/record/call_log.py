"""The call log: finished calls become counts, rows and lines, and wait here for the writer.

``CallLog`` is the twin of ``call_log.c``, which does all of it on the caller's thread. Here, the
caller counts the call and copies it into a row, and the writer's thread formats. Aggregates are
exact whatever happens to records.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pie._core import native
from pie.model import Call
from pie.observe.facts.fields import fields_of
from pie.observe.facts.rows import AggregateRow, CallRow, EdgeRow, PeerRow
from pie.observe.identity import Identity
from pie.observe.log.access import LOCATION, access_line, levels_of
from pie.observe.log.line import LineFormat
from pie.observe.record.aggregate import Aggregator, Shape
from pie.observe.record.budget import Budget
from pie.observe.record.description import aggregate, row_parts
from pie.observe.record.encode import encode
from pie.observe.record.finished import Finished, reader_of
from pie.observe.record.slots import SlotWriter

Batches = list[tuple[float, bytes]]
"""Whole lines with the time (Unix seconds) whose hour chooses their file."""

What = Literal["calls", "served", "asked"]
Totals = Literal["edges", "peers"]
AGGREGATES: dict[Totals, type[AggregateRow]] = {"edges": EdgeRow, "peers": PeerRow}
"""What is counted of calls: the type of the rows by the name of their files."""

LIMIT = 16 << 20
"""Bytes of one kind that may wait; what comes beyond is dropped and counted."""

_QUEUE_LIMIT = 50_000
_QUARTER = 900
"""Hours begin at a quarter of one in every time zone."""


class CallLog:
    """Calls of one process.

    Args:
        identity: who this process is.
        line_format: of its lines.
        budget: of its records.
        wake: called when the first call comes after the writer took something.
        limit: bytes of each kind that may wait.
        prepare: called before the first call of a process is counted.
        levels: of the lines, by outcome.

    Attributes:
        serving: calls that are being served.
        asking: calls that are being made.
        lost: rows and lines that found no room, since the start of the process.
    """

    def __init__(
        self,
        identity: Identity,
        line_format: LineFormat,
        budget: Budget,
        wake: Callable[[], None],
        *,
        limit: int = LIMIT,
        prepare: Callable[[], None] | None = None,
        levels: Mapping[str, str] | None = None,
    ) -> None:
        self._levels = levels_of() if levels is None else levels
        self._identity = identity
        self._format = line_format
        self._budget = budget
        self._wake = wake
        self._limit = limit
        self._prepare = prepare
        self.lost = 0
        self.begin()

    def begin(self) -> None:
        """Start empty, in a forked child: what waits to be written is its parent's."""
        self.serving = 0
        self.asking = 0
        self._woken = False
        self._prepared = False
        self._lock = threading.Lock()
        self._queue: deque[tuple[CallRow, int]] = deque()
        self._aggregators: dict[Totals, Aggregator[Any]] = {
            name: Aggregator(row_type, self._identity) for name, row_type in AGGREGATES.items()
        }
        self._waiting: dict[What, Waiting] = {
            "calls": Waiting(self._limit),
            "served": Waiting(self._limit),
            "asked": Waiting(self._limit),
        }

    @property
    def counting(self) -> bool:
        """Whether some totals are not taken yet."""
        return any(map(len, self._aggregators.values()))

    def enter(self, call: Call) -> None:
        """A call is on its way."""
        self._count_in_flight(call, 1)

    def leave(self, call: Call) -> None:
        """A call is no longer on its way, and is recorded."""
        self._count_in_flight(call, -1)
        self.record(call)

    def record(self, call: Call) -> None:
        """Count and write down a finished call or attempt."""
        finished = Finished(call, self._identity)
        if not self._prepared:
            self._prepared = True
            if self._prepare is not None:
                self._prepare()
        entry = (row_of(finished), threading.get_ident())
        with self._lock:
            for each in self._aggregators.values():
                each.add(finished)
            if len(self._queue) >= _QUEUE_LIMIT:
                self.lost += 1
                return
        self._queue.append(entry)
        if not self._woken:
            self._woken = True
            self._wake()

    def take(self, what: What) -> Batches:
        """What waits, in order, each batch for one file."""
        with self._lock:
            self._work_off()
            return self._waiting[what].take()

    def take_half(self, what: What) -> tuple[float, bytes, int] | None:
        """What waits in a shared mapping: nothing, since lines are made when they are taken."""

    def release_half(self, what: What, half: int) -> None:
        """A half is written. Only C has any."""
        raise ValueError(f"half {half} of {what} is not in use")

    def attach_halves(self, what: What, memory: memoryview) -> None:
        """Keep lines in a shared mapping. Only C does."""
        raise NotImplementedError

    def take_totals(self, name: Totals, before: float) -> list[tuple[AggregateRow, int]]:
        """The rows of an aggregate whose buckets ended at ``before`` (Unix seconds) or earlier,
        with the numbers of their slots; -1 = none."""
        with self._lock:
            self._woken = False
            return self._aggregators[name].take(before)

    def attach(self, name: Totals, memory: memoryview) -> None:
        """Count an aggregate in the slots of a shared mapping."""
        shape = Shape(AGGREGATES[name])
        slots = SlotWriter(memory, len(shape.sums), histogram=bool(shape.histograms))
        with self._lock:
            self._aggregators[name].attach(slots)

    def release(self, name: Totals, slot: int) -> None:
        """The row of a slot is written."""
        with self._lock:
            self._aggregators[name].release(slot)

    def _count_in_flight(self, call: Call, change: int) -> None:
        # In a forked child a call may end that began in its parent.
        with self._lock:
            if call.side == "server":
                self.serving = max(0, self.serving + change)
            else:
                self.asking = max(0, self.asking + change)

    def _work_off(self) -> None:
        self._woken = False
        while self._queue:
            try:
                self._write(*self._queue.popleft())
            except Exception:
                # One row that cannot be written must not cost all that come after it.
                self.lost += 1

    def _write(self, row: CallRow, thread: int) -> None:
        ended = row.ts + row.duration_us / 1e6
        failed = row.outcome not in ("ok", "business")
        weight = self._budget.weight(row.logid, ended, row.duration_us, failed)
        if weight:
            row.weight = weight
            self._keep("calls", encode(row), row.ts)
        if row.attempt == 0:
            line = access_line(self._format, row, thread, self._levels)
            self._keep("served" if row.side == "server" else "asked", line, ended)

    def _keep(self, what: What, line: bytes, ts: float) -> None:
        self.lost += not self._waiting[what].add(line, ts)


class Waiting:
    """Lines of one kind that wait for the writer: the twin of ``ring.c``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._batches: list[tuple[float, list[bytes]]] = []

    def add(self, line: bytes, ts: float) -> bool:
        """Whether there was room for it."""
        if self._bytes + len(line) > self._limit:
            return False
        if not self._batches or self._batches[-1][0] // _QUARTER != ts // _QUARTER:
            self._batches.append((ts, []))
        self._batches[-1][1].append(line)
        self._bytes += len(line)
        return True

    def take(self) -> Batches:
        """All of them, in order."""
        taken, self._batches, self._bytes = self._batches, [], 0
        return [(ts, b"".join(lines)) for ts, lines in taken]


_TABLE = {name: each for name, each in fields_of(CallRow).items() if each.source}
_CUTS = {name: each.cut for name, each in _TABLE.items() if each.cut}
_read = reader_of(each.source for each in _TABLE.values())


def row_of(finished: Finished) -> CallRow:
    """The record of a finished call."""
    values: dict[str, Any] = dict(zip(_TABLE, _read(finished), strict=True))
    # What may be long is cut before it waits for the writer; all else, when it is encoded.
    for name, cut in _CUTS.items():
        values[name] = _cut(values[name], cut)
    return CallRow(**values)


def _cut(value: str | list[str], cut: int) -> str | list[str]:
    return value[:cut] if isinstance(value, str) else [each[:cut] for each in value]


def call_log(
    identity: Identity,
    line_format: LineFormat,
    budget: Budget,
    wake: Callable[[], None],
    prepare: Callable[[], None] | None = None,
    caller_errors: str = "INFO",
) -> CallLog:
    """The call log of a process: the one in C where there is one."""
    levels = levels_of(caller_errors)
    if native is None or type(budget) is not Budget:
        return CallLog(identity, line_format, budget, wake, prepare=prepare, levels=levels)
    log: CallLog = native.CallLog(
        row=row_parts(identity),
        aggregates=[aggregate(name, each, identity) for name, each in AGGREGATES.items()],
        env=identity.env,
        version=identity.version,
        location=LOCATION,
        who=line_format.who,
        per_second=budget.per_second,
        slow_us=budget.slow_us,
        notable_per_second=budget.notable_per_second,
        stamp=line_format.stamp,
        wake=wake,
        limit=LIMIT,
        prepare=prepare,
        levels=levels,
    )
    return log
