"""A stream of batches to one table: read, send until acknowledged, write the journal, go on.

A file belongs to one stream for good, and a stream has one batch under way, so the rows of a file
reach the store in order.
"""

import logging
import random
import threading
import time
from collections import deque

from pie.agent.journal import Journal
from pie.agent.options import BATCH_BYTES, BATCH_ROWS, AgentOptions
from pie.agent.rows import Block, RowMaker
from pie.agent.send import Away, Sender, Taken, Verdict
from pie.agent.status import Reach, Tally, WarningLog
from pie.agent.tail import Reached, TailFile

_log = logging.getLogger("pie.agent")
_MOST_TAKEN = 4 * BATCH_BYTES


class Batch:
    """Rows of several files, and how far it takes each of them."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.bytes = 0
        self.taken = 0
        """Bytes of files it was made from; many, where lines give no rows."""
        self.reached: dict[TailFile, Reached] = {}
        self.level_at: dict[TailFile, float] = {}
        """Files that were read to their end, and when."""

    @property
    def full(self) -> bool:
        return (
            len(self.rows) >= BATCH_ROWS or self.bytes >= BATCH_BYTES or self.taken >= _MOST_TAKEN
        )


class Stream:
    """``run`` is its thread; ``offer`` and ``finish`` are called from others."""

    def __init__(
        self,
        name: str,
        table: str,
        *,
        options: AgentOptions,
        make: RowMaker,
        sender: Sender,
        journal: Journal,
        tally: Tally,
        reach: Reach,
        warnings: WarningLog,
    ) -> None:
        self.name = name
        self._table = table
        self._options = options
        self._make = make
        self._sender = sender
        self._journal = journal
        self._tally = tally
        self._reach = reach
        self._warnings = warnings
        self._changed = threading.Condition()
        self._ready: deque[TailFile] = deque()
        self._queued: set[TailFile] = set()
        self._begun: set[TailFile] = set()
        """The files of the batch that is not acknowledged yet."""
        self._deadline: float | None = None

    def offer(self, file: TailFile) -> None:
        """The file may have something to read."""
        with self._changed:
            if file not in self._queued:
                self._queued.add(file)
                self._ready.append(file)
                self._changed.notify_all()

    def finish(self, deadline: float) -> None:
        """Send what is there, each batch tried once more, and end by ``deadline`` (monotonic)."""
        with self._changed:
            self._deadline = deadline
            self._changed.notify_all()

    def abort(self) -> None:
        """End a request that is under way."""
        self._sender.abort()

    def run(self) -> None:
        """Until ``finish`` and nothing is left to send or no time."""
        full = False
        while self._wait_for_files(linger=not full):
            try:
                batch = self._collect()
                full = batch.full
                if not self._deliver(batch.rows):
                    break
                self._acknowledge(batch)
            except BaseException:
                self._go_back()
                raise
            self._begun.clear()
        self._sender.close()

    def _go_back(self) -> None:
        """After an error inside a batch: read its files again from what was acknowledged."""
        for file in [*self._begun]:
            file.go_back()
            file.unread = True
            self.offer(file)
        self._begun.clear()

    def _wait_for_files(self, *, linger: bool) -> bool:
        """Whether there is something to read; waits for it, and a little for more."""
        with self._changed:
            while not self._ready and self._deadline is None:
                self._changed.wait()
            if self._deadline is None and linger:
                self._changed.wait_for(lambda: self._deadline is not None, self._options.linger_s)
            in_time = self._deadline is None or time.monotonic() < self._deadline
            return bool(self._ready) and in_time

    def _collect(self) -> Batch:
        batch = Batch()
        while not batch.full:
            with self._changed:
                if not self._ready:
                    break
                file = self._ready.popleft()
                self._queued.discard(file)
                self._begun.add(file)
            if self._read(file, batch):
                self.offer(file)
        return batch

    def _read(self, file: TailFile, batch: Batch) -> bool:
        """Put the file's next lines into the batch; whether there may be more."""
        if file.abandoned:
            return False
        before = file.identity
        now = time.time()
        try:
            block = file.read(now)
        except FileNotFoundError:
            return False
        except OSError as error:
            self._warnings.warn("read", f"cannot read {file.path}: {error}; trying again")
            file.unread = True
            return False
        identity = file.identity
        if identity is not before:
            batch.reached.pop(file, None)
            if identity is not None and identity.generation:
                _log.warning("%s was cut short; it is read from its beginning", file.path)
                self._journal.record([file.entry()])
        if block is None or identity is None:
            return False
        return self._take(block, file, identity.src, batch, now)

    def _take(self, block: Block, file: TailFile, src: int, batch: Batch, now: float) -> bool:
        batch.taken += len(block.data)
        end = block.start + len(block.data)
        pos = block.start
        for row in self._make.rows(block, file.file, src):
            pos = row.pos
            if row.json is not None:
                batch.rows.append(row.json)
                batch.bytes += len(row.json) + 1
                if batch.full:
                    break
            elif row.bad:
                self._tally.add_table(self._table, bad_lines=1)
                self._warnings.warn(
                    "bad", f"{file.path}: the line before byte {row.pos} is not sent: {row.bad}"
                )
        file.advance(block, pos)
        if block.at_end and pos < end and not batch.full:
            # The rest of the last record is to come: look again soon, also if nothing comes.
            file.unread = True
            if pos > block.start:
                batch.reached[file] = file.reached()
            return False
        batch.reached[file] = file.reached()
        done = pos >= end
        if block.continued or not block.data.endswith(b"\n"):
            self._tally.add_table(self._table, cut_lines=1)
        if done and block.at_end:
            batch.level_at[file] = now
            return False
        return True

    def _deliver(self, rows: list[bytes]) -> bool:
        """Send in order until acknowledged; False when the agent stops before that.

        A batch the platform cannot take is halved, down to the row at fault, which is left out.
        """
        parts = [rows] if rows else []
        while parts:
            part = parts.pop()
            verdict = self._send(self._sender.pack(b"\n".join(part) + b"\n"))
            if isinstance(verdict, Away):
                return False
            if isinstance(verdict, Taken):
                self._count(verdict, len(part))
            elif len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                self._tally.add_table(self._table, rejected=1)
                beginning = part[0][:200].decode("utf-8", "replace")
                self._warnings.warn(
                    "rejected",
                    f"{self._table}: the platform cannot take a row and it is left out: "
                    f"{verdict.reason}; it begins {beginning}",
                )
        return True

    def _send(self, body: bytes) -> Verdict:
        """The platform's verdict; Away only when the agent stops."""
        wait = self._options.backoff_s
        while True:
            deadline = self._deadline
            left = None if deadline is None else max(0.05, deadline - time.monotonic())
            verdict = self._sender.post(self._table, body, left)
            if not isinstance(verdict, Away):
                self._reach.answered(self.name)
                return verdict
            self._reach.failed(self.name, "refused" if verdict.refused else "away", verdict.reason)
            self._tally.add_table(self._table, retries=1)
            if deadline is not None:
                return verdict
            pause = self._options.refused_s if verdict.refused else wait
            with self._changed:
                self._changed.wait_for(
                    lambda: self._deadline is not None, pause * random.uniform(0.5, 1)
                )
            wait = min(wait * 2, self._options.backoff_max_s)

    def _count(self, taken: Taken, rows: int) -> None:
        self._tally.add_table(
            self._table,
            batches=1,
            shipped=rows - taken.rejected,
            duplicates=taken.duplicates,
            rejected=taken.rejected,
        )
        if taken.rejected:
            self._warnings.warn(
                "rejected", f"{self._table}: {taken.rejected} rows rejected: {taken.reasons}"
            )

    def _acknowledge(self, batch: Batch) -> None:
        moved = 0
        for file, reached in batch.reached.items():
            moved += file.acknowledge(reached)
        for file, at in batch.level_at.items():
            file.level_at = at
        if batch.reached:
            self._journal.record([f.entry() for f in batch.reached if not f.abandoned])
            self._tally.add_table(self._table, bytes=moved)
