"""The observer: sets up the logs, records and aggregates of one process."""

import logging
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from pathlib import Path

from pie.govern import VerdictCount
from pie.model import LogidGenerator, after_fork
from pie.observe.facts.rows import RULE_SECONDS
from pie.observe.identity import Identity
from pie.observe.log.files import HourlyFile, log_directory
from pie.observe.log.handler import Console, LineSink, RoadHandler
from pie.observe.log.line import LineFormat
from pie.observe.log.losses import Losses
from pie.observe.log.takeover import OURS, let_go, loggers, mute_echoes, take_over
from pie.observe.record.budget import Budget
from pie.observe.record.call_log import AGGREGATES
from pie.observe.record.counts import COUNTS
from pie.observe.record.recorder import Recorder
from pie.observe.record.rules import IN_FORCE_SECONDS, InForceReport, RuleReport
from pie.observe.slot import claim_slot


class Observer:
    """Logs, records and aggregates of one process.

    Args:
        identity: who this process is.
        log_root: its lines go to ``<log_root>/{product}/log/``.
        service_root: folder of the service's code; records from there are business logs.
        console: lines are shown there too.
        zone: the fleet's time zone.
        budget: of call records.
        caller_errors: level of the lines of calls in which the caller was wrong.

    Attributes:
        in_force: to be asked what this process runs of what was decided.
    """

    def __init__(
        self,
        identity: Identity,
        log_root: Path,
        service_root: Path,
        *,
        console: Console | None = None,
        zone: tzinfo = UTC,
        budget: Budget | None = None,
        caller_errors: str = "INFO",
    ) -> None:
        self.identity = identity
        self._slot = claim_slot()
        self.new_logid = LogidGenerator(identity.host, self._slot.number, zone=zone)

        after_fork(self._move)

        def file(folder: str, stem: str, suffix: str) -> HourlyFile:
            directory = log_directory(log_root, identity.product, folder)
            return HourlyFile(directory, stem, suffix, zone, self._lose)

        self._file = file
        psm = identity.psm
        name = identity.log_name
        self._files = {folder: file(folder, name, "log") for folder in ("app", "rpc", "python")}
        line_format = LineFormat(identity.host, psm, zone)
        self.losses = losses = Losses(self._files["python"], line_format)
        sinks = {folder: LineSink(each, console, losses) for folder, each in self._files.items()}
        self._handler = RoadHandler(line_format, sinks["app"], sinks["python"], service_root)
        self.recorder = Recorder(
            identity,
            file("facts", f"{psm}.calls", "ndjson"),
            {each: file("facts", f"{psm}.{each}", "ndjson") for each in AGGREGATES},
            line_format,
            sinks["app"],
            sinks["rpc"],
            counts=log_root / identity.product / COUNTS,
            budget=budget,
            losses=losses,
            caller_errors=caller_errors,
        )
        self.in_force = report = InForceReport(identity)
        report.changed = self.recorder.report(
            report, file("facts", f"{psm}.in_force", "ndjson"), IN_FORCE_SECONDS
        )

    def count_verdicts(self, take: Callable[[], Iterable[VerdictCount]]) -> None:
        """Write down every 10 s what the rules of this process did; ``take`` gives the counts."""
        report = RuleReport(self.identity, take)
        file = self._file("facts", f"{self.identity.psm}.rules", "ndjson")
        self.recorder.report(report, file, RULE_SECONDS, counts=True)

    def _lose(self, what: str, lines: int, ts: float, reason: str) -> None:
        self.losses.add(what, lines, ts, reason)

    def _move(self) -> None:
        """In a forked child: a slot of its own."""
        self._slot = claim_slot()
        self.new_logid.move(self._slot.number)

    def install(self, level: int | str = logging.INFO) -> None:
        """Take over the root logger, so that every library's lines follow the format."""
        logging.getLogger().setLevel(level)
        logging.getLogger("pie").setLevel(level)  # The application may set the root's as it likes.
        take_over(self._handler)
        self._look_after_loggers()
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught

    def take_back(self, *, echoes: bool = True) -> None:
        """Take over again after the application set up logging of its own.

        Args:
            echoes: False keeps other handlers from writing records to stdout or stderr, where
                they would come to the log road a second time.
        """
        mute_echoes(not echoes)
        self._look_after_loggers()

    def _look_after_loggers(self) -> None:
        """Without a handler on the root, ``logging`` prints or configures itself."""
        root = logging.getLogger()
        if self._handler not in root.handlers:
            root.addHandler(self._handler)
        for each in loggers():
            if each.name.partition(".")[0] in OURS:
                each.disabled = False

    def output_file(self, folder: str) -> HourlyFile:
        """The file for what this process writes to stdout and stderr, in ``run`` or ``uwsgi``."""
        return self._file(folder, self.identity.log_name, "log")

    def close(self) -> None:
        """Write everything that is left and let the root logger go."""
        self.recorder.close()
        let_go(self._handler)
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger("pie").setLevel(logging.NOTSET)
        self.losses.close()
        for each in self._files.values():
            each.close()
        self._slot.release()


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """A start-up error belongs into ``python/`` as well as on the terminal."""
    if not issubclass(kind, KeyboardInterrupt):
        # On the terminal below: once is enough there.
        extra = {"notable": False}
        logging.getLogger("pie").critical("the process ends", exc_info=error, extra=extra)
    sys.__excepthook__(kind, error, error.__traceback__)
