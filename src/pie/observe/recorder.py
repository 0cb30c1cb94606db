"""The recorder: turns finished calls into facts and lines on disk, off the caller's path.

``record`` copies a call into a row and returns. One thread per process counts, formats and writes.
Aggregates are exact whatever happens to records: a row that the queue cannot take is counted by
the caller itself.
"""

import logging
import threading
import time
from collections import deque

import msgspec

from pie.model import SYSTEM_CLOCK, Call, Clock, after_fork
from pie.observe.access import AccessLog
from pie.observe.aggregate import Aggregator
from pie.observe.budget import Budget
from pie.observe.facts import EDGE_SECONDS, CallRow, EdgeRow
from pie.observe.files import HourlyFile
from pie.observe.identity import Identity

logger = logging.getLogger(__name__)
_GATHER_SECONDS = 0.02
_QUEUE_LIMIT = 50_000
_BACKLOG_BYTES = 16 << 20
_WAIT_FOR_DISK_SECONDS = 1.0
_MESSAGE_LIMIT = 4096


def _encode(row: CallRow | EdgeRow) -> bytes:
    """JSON of a row. Text that is not valid Unicode (lone surrogates) is shown escaped."""
    try:
        return msgspec.json.encode(row)
    except UnicodeEncodeError:
        for name in row.__struct_fields__:
            value = getattr(row, name)
            if isinstance(value, str):
                setattr(row, name, _valid(value))
            elif isinstance(value, list):
                setattr(row, name, [_valid(each) for each in value])
        return msgspec.json.encode(row)


def _valid(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class FactFile:
    """NDJSON rows on their way to an hourly file; keeps what a full disk does not take.

    Attributes:
        lost: rows dropped because the backlog was full.
    """

    def __init__(self, file: HourlyFile) -> None:
        self._file = file
        self.lost = 0
        self.clear()

    def clear(self) -> None:
        """Forget what was not written yet."""
        self._backlog: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def add(self, row: CallRow | EdgeRow) -> None:
        """Queue one row for the file of its hour."""
        line = _encode(row) + b"\n"
        if self._bytes + len(line) > _BACKLOG_BYTES:
            self.lost += 1
            return
        self._backlog.append((row.ts, line))
        self._bytes += len(line)

    def flush(self) -> bool:
        """Write rows in order, all of one hour in one write; True when none is left."""
        while self._backlog:
            hour = self._backlog[0][0] // 3600
            batch = []
            for ts, line in self._backlog:
                if ts // 3600 != hour:
                    break
                batch.append(line)
            data = b"".join(batch)
            whole = self._file.append(data, self._backlog[0][0])
            for _ in range(data.count(b"\n", 0, whole)):
                self._bytes -= len(self._backlog.popleft()[1])
            if whole < len(data):
                return False
        return True

    def close(self) -> None:
        """Write what can be written and close the file."""
        self.flush()
        self._file.close()


class Recorder:
    """Facts of one process.

    Args:
        identity: who this process is.
        calls: ``log/facts`` file of call records.
        edges: ``log/facts`` file of aggregates.
        access: the human lines.
    """

    def __init__(
        self,
        identity: Identity,
        calls: HourlyFile,
        edges: HourlyFile,
        access: AccessLog,
        *,
        budget: Budget | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._identity = identity
        self._calls = FactFile(calls)
        self._edges = FactFile(edges)
        self._access = access
        self._budget = budget or Budget()
        self._clock = clock
        self._closed = False
        self._overflowed = 0
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        """Start empty, also in a forked child: what waits to be written is its parent's."""
        self._aggregator = Aggregator(self._identity)
        self._queue: deque[tuple[CallRow, int]] = deque()
        self._calls.clear()
        self._edges.clear()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lost(self) -> int:
        """Facts that never reached the disk, since the start of the process."""
        return self._overflowed + self._calls.lost + self._edges.lost

    def record(self, call: Call) -> None:
        """Take a copy of a finished call or attempt."""
        entry = (self._row(call), threading.get_ident())
        if len(self._queue) >= _QUEUE_LIMIT:
            with self._lock:
                self._count(entry[0])
                self._overflowed += 1
            return
        self._queue.append(entry)
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._start_writer()

    def flush(self, *, final: bool = False) -> bool:
        """Write what there is; True when the disk took all of it.

        Args:
            final: also the aggregates of the bucket that is still open.
        """
        with self._lock:
            while self._queue:
                self._write(*self._queue.popleft())
            now = float("inf") if final else self._clock.wall()
            for edge in self._aggregator.take(now):
                self._edges.add(edge)
            calls_done = self._calls.flush()
            return self._edges.flush() and calls_done

    def close(self) -> None:
        """Write everything and stop. The last thing a process does with its recorder."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.flush(final=True)
        with self._lock:
            self._calls.close()
            self._edges.close()

    def _row(self, call: Call) -> CallRow:
        who = self._identity
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

    def _write(self, row: CallRow, thread: int) -> None:
        weight = self._count(row)
        if weight:
            row.weight = weight
            self._calls.add(row)
        if row.attempt == 0:
            self._access.write(row, "server" if row.side == "server" else "client", thread)

    def _count(self, row: CallRow) -> float:
        if row.attempt == 0:
            self._aggregator.add(row)
        ended = row.ts + row.duration_us / 1e6
        failed = row.outcome not in ("ok", "business")
        return self._budget.weight(row.logid, ended, row.duration_us, failed)

    def _start_writer(self) -> None:
        """Start the thread with the first call, never before a fork."""
        with self._lock:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(target=self._run, name="pie-recorder", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        written = True
        while not self._closed:
            self._wake.wait(self._patience(written))
            self._wake.clear()
            if not self._closed:
                time.sleep(_GATHER_SECONDS)
            try:
                written = self.flush()
            except Exception:
                # One row that cannot be written must not cost all that come after it.
                self._overflowed += 1
                logger.exception("a call could not be recorded")

    def _patience(self, written: bool) -> float | None:
        if not written:
            return _WAIT_FOR_DISK_SECONDS
        if not self._aggregator:
            return None
        return EDGE_SECONDS - self._clock.wall() % EDGE_SECONDS
