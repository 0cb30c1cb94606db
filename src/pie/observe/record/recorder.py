"""The recorder: writes what the call log gathers to disk, off the caller's path.

One thread per process takes it, at most 20 ms after it came. A full disk costs no fact while there
is room for it: what the disk does not take waits here, and what comes meanwhile in the call log.
"""

import contextlib
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

from pie.model import SYSTEM_CLOCK, Clock, Resident, after_fork
from pie.observe.facts.rows import EDGE_SECONDS
from pie.observe.identity import Identity
from pie.observe.log.files import HourlyFile
from pie.observe.log.handler import LineSink
from pie.observe.log.line import LineFormat
from pie.observe.log.losses import Losses
from pie.observe.record.backlog import Backlog
from pie.observe.record.budget import Budget
from pie.observe.record.call_log import AGGREGATES, CallLog, Totals, What, call_log
from pie.observe.record.counts import CountFile, LinesHeader
from pie.observe.record.ending import write_at_end
from pie.observe.record.reports import Reports, Take
from pie.observe.record.totals import TotalsBacklog

logger = logging.getLogger(__name__)
_GATHER_SECONDS = 0.02
_WAIT_FOR_DISK_SECONDS = 1.0
_TRY_COUNTS_AGAIN_SECONDS = 5.0
"""Of the time to gather, after errors in a row."""
_WHY_LOST = "the disk takes none, or calls come faster than it writes"


class Recorder:
    """Facts and lines of the calls of one process.

    Args:
        identity: who this process is.
        calls: ``log/facts`` file of call records.
        totals: ``log/facts`` file of each aggregate.
        line_format: of the human lines.
        served: sink in ``app/`` of the lines of calls served.
        asked: sink in ``rpc/`` of the lines of calls made.
        counts: folder of the file in which open aggregates outlive a kill; None: they do not.
        budget: of call records.
        clock: tells which aggregates are over.
        losses: hears of facts and lines that are lost.
        caller_errors: level of the lines of calls in which the caller was wrong.

    Attributes:
        log: where finished calls go.
    """

    def __init__(
        self,
        identity: Identity,
        calls: HourlyFile,
        totals: Mapping[Totals, HourlyFile],
        line_format: LineFormat,
        served: LineSink,
        asked: LineSink,
        *,
        counts: Path | None = None,
        budget: Budget | None = None,
        clock: Clock = SYSTEM_CLOCK,
        losses: Losses | None = None,
        caller_errors: str = "INFO",
    ) -> None:
        self._losses = losses
        wake, prepare = _weakly(self, Recorder.wake), _weakly(self, Recorder.prepare)
        self.log = call_log(identity, line_format, budget or Budget(), wake, prepare, caller_errors)
        self._identity = identity
        self._folder = counts
        self._counts: CountFile | None = None
        self._files = [calls, *totals.values()]
        self._reports = Reports(clock)
        self._totals = {name: TotalsBacklog(name, self.log, file) for name, file in totals.items()}
        self._backlogs: dict[What, Backlog] = {
            "calls": Backlog("calls", self.log, calls),
            "served": Backlog("served", self.log, served.file),
            "asked": Backlog("asked", self.log, asked.file),
        }
        self._sinks: dict[What, LineSink] = {"served": served, "asked": asked}
        self._clock = clock
        self._closed = False
        self._broken = 0
        self._reported_lost = 0
        self._renew()
        after_fork(self._begin)
        write_at_end(self)

    def _begin(self) -> None:
        """In a forked child: what waits to be written is its parent's."""
        self.log.begin()
        if self._counts is not None:
            self._counts.leave()
            self._counts = None
        for totals in self._totals.values():
            totals.clear()
        for backlog in self._backlogs.values():
            backlog.clear()
        self._reports.begin()
        self._renew()

    def _renew(self) -> None:
        self._trouble: Exception | None = None
        self._said_trouble = False
        self._try_counts_at = math.inf
        self._preparing = threading.Lock()
        self._lock = threading.Lock()
        self._failing = False
        self._thread: Resident | None = None

    @property
    def lost(self) -> int:
        """Facts and lines that never reached the disk, since the start of the process."""
        totals = sum(each.lost for each in self._totals.values())
        waited = sum(each.lost for each in self._backlogs.values())
        return self.log.lost + totals + waited + self._reports.lost + self._broken

    @property
    def in_flight(self) -> int:
        """Calls that this process is serving."""
        return self.log.serving

    def report(
        self, take: Take, file: HourlyFile, period: float, *, counts: bool = False
    ) -> Callable[[], None]:
        """Write what a source of rows gives, every so many seconds; arguments as of `Reports.add`.

        Returns:
            To be called when it has news before that. It starts no thread: there may be a fork
            still to come.
        """
        number = self._reports.add(take, file, period, counts=counts)
        self._files.append(file)

        def hurry() -> None:
            self._reports.hurry(number)
            if self._thread is not None:
                self._thread.wake()

        return hurry

    def flush(self, *, final: bool = False) -> bool:
        """Write what there is; True when the disk took all of it.

        Args:
            final: also the aggregates of the bucket that is still open.
        """
        self._reports.gather(final=final)
        return self._write(final=final)

    def _write(self, *, final: bool = False) -> bool:
        with self._lock:
            done = [self._reports.flush()]
            done += [self._pass_on(what, backlog) for what, backlog in self._backlogs.items()]
            now = float("inf") if final else self._clock.wall()
            for name, totals in self._totals.items():
                totals.add(self.log.take_totals(name, now), self._counts)
                done.append(totals.flush(self._counts))
            return all(done)

    def close(self) -> None:
        """Write everything and stop. The last thing a process does with its recorder."""
        with self._lock:  # A call that ends just now may be starting the thread.
            self._closed = True
            thread = self._thread
        if thread is not None:
            thread.stop(timeout=5)
        self.end()
        self._report_lost()
        with self._lock:
            for each in self._files:
                each.close()

    def end(self) -> None:
        """Write everything; what is counted from now on dies with the process."""
        self.flush(final=True)
        with self._lock:
            if self._counts is not None:
                self._counts.close()

    def prepare(self) -> None:
        """Make what is counted from now on outlive this process.

        The first call of a process does it otherwise, and waits for the disk. Never raises.
        """
        if self._folder is None or self._counts is not None:
            return
        if not self._preparing.acquire(blocking=False):
            return
        try:
            self._counts = CountFile(self._folder, self._identity, AGGREGATES, self._lines())
            for name, slots in self._counts.slots.items():
                self.log.attach(name, slots.memory)
            for what, halves in self._counts.halves.items():
                self.log.attach_halves(what, halves.memory)
        except Exception as error:
            self._trouble = error
            self._try_counts_at = time.monotonic() + _TRY_COUNTS_AGAIN_SECONDS
        finally:
            self._preparing.release()

    def _lines(self) -> list[LinesHeader]:
        """Lines that outlive a kill: those that C makes on the caller's thread."""
        if isinstance(self.log, CallLog):
            return []
        psm, name = self._identity.psm, self._identity.log_name
        return [
            LinesHeader(name="calls", folder="facts", file=f"{psm}.calls", half=384 << 10),
            LinesHeader(name="served", folder="app", file=name, half=192 << 10),
            LinesHeader(name="asked", folder="rpc", file=name, half=192 << 10),
        ]

    def _try_counts_again(self) -> None:
        if time.monotonic() < self._try_counts_at:
            return
        self._try_counts_at = math.inf
        with self._lock:
            self.prepare()

    def _pass_on(self, what: What, backlog: Backlog) -> bool:
        """While the disk is full, what comes waits in the call log."""
        if not backlog.flush(self._counts):
            return False
        batches = backlog.take(self._counts)
        if what in self._sinks:
            self._sinks[what].show(batches)
        return backlog.flush(self._counts)

    def wake(self) -> None:
        """There is something to write. Never raises: the caller is in the middle of a call."""
        thread = self._thread
        if thread is not None:
            thread.wake()
        else:
            self._start_writer()

    def _say_trouble(self) -> None:
        if self._trouble is not None and not self._said_trouble:
            self._said_trouble = True
            logger.warning(
                "should this process be killed, up to a minute of its counts of calls is lost: "
                "their file in %s cannot be made: %s",
                self._folder,
                self._trouble,
            )

    def _start_writer(self) -> None:
        """Start the thread with the first call, never before a fork."""
        with self._lock:
            if self._thread is not None or self._closed:
                return
            thread = Resident("pie-recorder", self._step, logger, trouble=self._fail)
            try:
                thread.start()
            except RuntimeError:
                pass  # The system refuses a thread: write here, and ask again with the next call.
            else:
                self._thread = thread
                return
        with contextlib.suppress(Exception):
            self._write()  # Inside of a call, hence with the lock that sources wait for.

    def _step(self) -> float | None:
        if self._closed:
            return None
        time.sleep(_GATHER_SECONDS)
        written = self.flush()
        self._report_lost()
        self._say_trouble()
        self._try_counts_again()
        self._failing = False
        return self._patience(written)

    def _fail(self, error: BaseException) -> None:
        """One error is logged, and again when writing fails anew after it went well."""
        self._broken += 1
        if not self._failing:
            self._failing = True
            logger.error("calls could not be written down; trying again", exc_info=error)

    def _report_lost(self) -> None:
        lost, self._reported_lost = self.lost - self._reported_lost, self.lost
        if lost and self._losses is not None:
            self._losses.add("records, aggregates and lines of calls", lost, time.time(), _WHY_LOST)

    def _patience(self, written: bool) -> float:
        if not written:
            return _WAIT_FOR_DISK_SECONDS
        pause = self._reports.pause
        if self.log.counting:
            pause = min(pause, EDGE_SECONDS - self._clock.wall() % EDGE_SECONDS)
        return pause


def _weakly(recorder: Recorder, method: Callable[[Recorder], None]) -> Callable[[], None]:
    """A method of a recorder that does not keep it alive, for its call log."""
    reference = weakref.ref(recorder)

    def call() -> None:
        found = reference()
        if found is not None:
            method(found)

    return call
