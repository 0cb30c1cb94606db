"""Plain stdlib ``logging`` onto the log road: a handler on the root logger.

Records from files under the service's own root are business logs (``app/``); what any other
library logs goes to ``python/``.
"""

import errno
import logging
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pie.model import current_call
from pie.observe.log.files import HourlyFile
from pie.observe.log.line import LineFormat


class Console:
    """The terminal of a process: shows all of its lines (debug mode), or those of its start.

    Args:
        stream: usually stdout.
        everything: False shows only what Pie itself says of the start, and warnings.
    """

    def __init__(self, stream: TextIO, *, everything: bool) -> None:
        self._stream: TextIO | None = stream
        self.everything = everything

    def show(self, line: bytes, *, notable: bool) -> None:
        """Show a line if it is to be seen here."""
        if self._stream is None or not (self.everything or notable):
            return
        try:
            print(line.decode("utf-8", "replace"), end="", file=self._stream, flush=True)
        except (OSError, ValueError):
            self._stream = None  # The terminal is gone; the file remains.

    def close(self) -> None:
        """Show nothing more."""
        self._stream = None


class LineSink:
    """Where lines of one folder go: its hourly file, and the console.

    Attributes:
        lost: lines that no disk took.
    """

    def __init__(self, file: HourlyFile, console: Console | None = None) -> None:
        self.file = file
        self._console = console
        self.lost = 0

    def write(self, line: bytes, ts: float, *, notable: bool = False) -> None:
        """Write one line, or count it as lost; never raises into business code."""
        if self.file.append(line, ts) != len(line):
            if not self.lost:
                print(f"pie: log lines are being lost: {_reason(self.file)}", file=sys.stderr)  # noqa: T201
            self.lost += 1
        if self._console is not None:
            self._console.show(line, notable=notable)

    def show(self, batches: Iterable[tuple[float, bytes]]) -> None:
        """Show lines that somebody else writes into the file."""
        if self._console is None or not self._console.everything:
            return
        for _, lines in batches:
            for line in lines.splitlines(keepends=True):
                self._console.show(line, notable=False)


def _reason(file: HourlyFile) -> str:
    error = file.trouble
    if error is None:
        return f"{file.link}: is the disk full?"
    if error.errno == errno.ENOSPC:
        advice = "is the disk full?"
    else:
        advice = "the folder of logs is PIE_LOG_ROOT, or log_root in pie.toml"
    return f"{file.link}: {error.strerror} [Errno {error.errno}]; {advice}"


class RoadHandler(logging.Handler):
    """Formats records as fleet lines.

    Args:
        line_format: of this process.
        app: sink of business logs.
        python: sink of everything else.
        root: folder of the service's own code.
    """

    def __init__(
        self, line_format: LineFormat, app: LineSink, python: LineSink, root: Path
    ) -> None:
        super().__init__()
        self._format = line_format
        self._app = app
        self._python = python
        self._root = f"{root.resolve()}{os.sep}"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            call = current_call.get()
            line = self._format.line(
                level=record.levelname,
                ts=record.created,
                location=f"{record.pathname}:{record.lineno}",
                message=self._message(record),
                process=record.process or os.getpid(),
                thread=record.thread or threading.get_ident(),
                logid=call.logid if call is not None else "",
                span_id=call.span_id if call is not None else "",
            )
        except Exception:
            self.handleError(record)
            return
        own = record.pathname.startswith(self._root) and "site-packages" not in record.pathname
        notable = getattr(record, "notable", None)
        if notable is None:
            notable = record.levelno >= logging.WARNING or record.name.startswith(_START)
        (self._app if own else self._python).write(line, record.created, notable=notable)

    @staticmethod
    def _message(record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        if record.exc_text:
            message = f"{message}\n{record.exc_text}"
        if record.stack_info:
            message = f"{message}\n{record.stack_info}"
        return message


_FORMATTER = logging.Formatter()
_START = "pie.serve"
"""The room that says how a service starts; its lines are for the terminal too."""
