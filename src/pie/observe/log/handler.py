"""Plain stdlib ``logging`` onto the log road: a handler on the root logger.

Records from files under the service's own root are business logs (``app/``); what any other
library logs goes to ``python/``.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pie.model import current_call, is_a, text_of, type_name
from pie.observe.log.files import HourlyFile
from pie.observe.log.interrupt import is_interrupt
from pie.observe.log.level import level_name
from pie.observe.log.line import LineFormat
from pie.observe.log.losses import Losses, reason_of, say
from pie.observe.log.takeover import Taker
from pie.observe.log.terminal import clean


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
            print(clean(line.decode("utf-8", "replace")), end="", file=self._stream, flush=True)
        except (OSError, ValueError):
            self._stream = None  # The terminal is gone; the file remains.

    def close(self) -> None:
        """Show nothing more."""
        self._stream = None


class LineSink:
    """Where lines of one folder go: its hourly file, and the console.

    Args:
        file: of the folder.
        console: shows the lines, too.
        losses: hears of lines that no disk took.

    Attributes:
        lost: lines that no disk took.
    """

    def __init__(
        self, file: HourlyFile, console: Console | None = None, losses: Losses | None = None
    ) -> None:
        self.file = file
        self._console = console
        self._losses = losses
        self.lost = 0

    def write(self, line: bytes, ts: float, *, notable: bool = False) -> None:
        """Write one line, or count it as lost; never raises into business code."""
        if self.file.append(line, ts) != len(line):
            reason = reason_of(self.file.trouble)
            if not self.lost:
                say(f"pie: log lines are being lost: {self.file.link}: {reason}")
            self.lost += 1
            if self._losses is not None:
                self._losses.add(self.file.label, 1, ts, reason)
        if self._console is not None:
            self._console.show(line, notable=notable)

    def lose(self, reason: str) -> None:
        """Count a line that was never made."""
        self.lost += 1
        if self._losses is not None:
            self._losses.add(self.file.label, 1, time.time(), reason)

    def show(self, batches: Iterable[tuple[float, bytes]]) -> None:
        """Show lines that somebody else writes into the file."""
        if self._console is None or not self._console.everything:
            return
        for _, lines in batches:
            for line in lines.splitlines(keepends=True):
                self._console.show(line, notable=False)


class RoadHandler(Taker):
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

    def take(self, record: logging.LogRecord) -> None:
        """Write the record down; never raises, whatever objects of the user's it holds.

        What the handler of a signal raises meanwhile, such as Ctrl-C's, goes its way.
        """
        try:
            call = current_call.get()
            line = self._format.line(
                level=level_name(record.levelno),
                ts=record.created,
                location=f"{record.pathname}:{record.lineno}",
                message=_message(record),
                process=record.process or os.getpid(),
                thread=record.thread or threading.get_ident(),
                logid=call.logid if call is not None else "",
                span_id=call.span_id if call is not None else "",
            )
            own = record.pathname.startswith(self._root) and "site-packages" not in record.pathname
            notable = getattr(record, "notable", None)
            if notable is None:
                notable = record.levelno >= logging.WARNING or record.name.startswith(_START)
            sink = self._app if own else self._python
            sink.write(line, record.created, notable=notable)
        except BaseException as error:
            if is_interrupt(error):
                raise
            self._python.lose(f"{type_name(error)} while a record was written down")


def _message(record: logging.LogRecord) -> str:
    try:
        message = text_of(record.getMessage())
    except BaseException as error:
        if is_interrupt(error):
            raise
        message = f"{_raw(record.msg)} (cannot be formatted: {type_name(error)})"
        if not is_a(error, Exception):
            # Other handlers let such an error out: they get what stands here.
            record.msg, record.args = message, None
    if record.exc_info and not record.exc_text:
        try:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        except BaseException as error:
            if is_interrupt(error):
                raise
            record.exc_text = f"(its traceback cannot be shown: {type_name(error)})"
    if record.exc_text:
        message = f"{message}\n{record.exc_text}"
    if record.stack_info:
        message = f"{message}\n{record.stack_info}"
    return message


def _raw(message: object) -> str:
    return message if type(message) is str else f"an object of type {type_name(message)}"


_FORMATTER = logging.Formatter()
_START = "pie.serve"
"""The room that says how a service starts; its lines are for the terminal too."""
