"""The call log: finished calls become counts, rows and lines, and wait here for the writer.

``CallLog`` is the twin of ``call_log.c``, which does all of it on the caller's thread. Here, the
caller copies the call into a row, and the writer's thread counts and formats. Aggregates are exact
whatever happens to records: a row that the queue cannot take is counted by the caller itself.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import msgspec

from pie._core import native
from pie.model import Call
from pie.observe.identity import Identity
from pie.observe.log.access import PLACE, access_line
from pie.observe.log.line import LineFormat
from pie.observe.record.aggregate import Aggregator, edge_row
from pie.observe.record.budget import Budget
from pie.observe.record.facts import CallRow, EdgeRow

Batches = list[tuple[float, bytes]]
"""Whole lines with the time (Unix seconds) whose hour chooses their file."""

What = Literal["calls", "served", "asked"]
LIMIT = 16 << 20
"""Bytes of one kind that may wait; what comes beyond is dropped and counted."""

_QUEUE_LIMIT = 50_000
_MESSAGE_LIMIT = 4096
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
    ) -> None:
        self._identity = identity
        self._format = line_format
        self._budget = budget
        self._wake = wake
        self._limit = limit
        self.lost = 0
        self.begin()

    def begin(self) -> None:
        """Start empty, in a forked child: what waits to be written is its parent's."""
        self.serving = 0
        self.asking = 0
        self._woken = False
        self._lock = threading.Lock()
        self._queue: deque[tuple[CallRow, int]] = deque()
        self._aggregator = Aggregator(self._identity)
        self._waiting: dict[What, Waiting] = {
            "calls": Waiting(self._limit),
            "served": Waiting(self._limit),
            "asked": Waiting(self._limit),
        }

    @property
    def counting(self) -> bool:
        """Whether some edges are not taken yet."""
        return len(self._aggregator) > 0

    def enter(self, call: Call) -> None:
        """A call is on its way."""
        self._count_in_flight(call, 1)

    def leave(self, call: Call) -> None:
        """A call is no longer on its way, and is recorded."""
        self._count_in_flight(call, -1)
        self.record(call)

    def record(self, call: Call) -> None:
        """Take what is to be known of a finished call or attempt."""
        entry = (row_of(call, self._identity), threading.get_ident())
        if len(self._queue) >= _QUEUE_LIMIT:
            with self._lock:
                self._count(entry[0])
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

    def take_edges(self, before: float) -> list[EdgeRow]:
        """The edges of all buckets that ended at ``before`` (Unix seconds) or earlier."""
        with self._lock:
            self._work_off()
            return self._aggregator.take(before)

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
        weight = self._count(row)
        if weight:
            row.weight = weight
            self._keep("calls", encode(row), row.ts)
        if row.attempt == 0:
            line = access_line(self._format, row, thread)
            ended = row.ts + row.duration_us / 1e6
            self._keep("served" if row.side == "server" else "asked", line, ended)

    def _keep(self, what: What, line: bytes, ts: float) -> None:
        self.lost += not self._waiting[what].add(line, ts)

    def _count(self, row: CallRow) -> float:
        if row.attempt == 0:
            self._aggregator.add(row)
        ended = row.ts + row.duration_us / 1e6
        failed = row.outcome not in ("ok", "business")
        return self._budget.weight(row.logid, ended, row.duration_us, failed)


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


def row_of(call: Call, who: Identity) -> CallRow:
    """The record of a finished call."""
    failure = call.failure
    return CallRow(
        ts=round(call.started, 6),
        side=call.side,
        protocol=call.protocol,
        psm=who.psm,
        cluster=who.cluster,
        env=call.env or who.env,
        host=who.host,
        instance=who.instance,
        caller=call.caller,
        caller_cluster=call.caller_cluster,
        callee=call.callee,
        callee_cluster=call.callee_cluster,
        method=call.method,
        verb=call.verb,
        route=call.route,
        logid=call.logid,
        span_id=call.span_id,
        parent_id=call.parent_id,
        attempt=call.attempt,
        attempts=call.attempts,
        peer=call.peer,
        duration_us=max(0, round((call.end - call.start) * 1e6)),
        outcome=call.outcome,
        code=call.code,
        status=call.status,
        message=call.message[:_MESSAGE_LIMIT],
        raised_by="" if failure is None else failure.raised_by,
        rule="" if failure is None else failure.rule,
        request_bytes=call.request_bytes,
        response_bytes=call.response_bytes,
        notes=[note[:_MESSAGE_LIMIT] for note in call.notes],
    )


def encode(row: CallRow | EdgeRow) -> bytes:
    """A row as a line of JSON. Lone surrogates, which are no valid Unicode, are shown escaped."""
    try:
        return msgspec.json.encode(row) + b"\n"
    except UnicodeEncodeError:
        valid = {name: _valid(getattr(row, name)) for name in row.__struct_fields__}
        return msgspec.json.encode(msgspec.structs.replace(row, **valid)) + b"\n"


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_valid(each) for each in value] if isinstance(value, list) else value


def call_log(
    identity: Identity, line_format: LineFormat, budget: Budget, wake: Callable[[], None]
) -> CallLog:
    """The call log of a process: the one in C where there is one."""
    if native is None or type(budget) is not Budget:
        return CallLog(identity, line_format, budget, wake)
    log: CallLog = native.CallLog(
        identity=identity,
        place=PLACE,
        who=line_format.who,
        per_second=budget.per_second,
        slow_us=budget.slow_us,
        edge=partial(edge_row, identity),
        stamp=line_format.stamp,
        wake=wake,
        limit=LIMIT,
    )
    return log
