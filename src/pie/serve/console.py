"""stdout and stderr of a running service, onto the log road.

Output that no logging formats (prints, C libraries, crash reports) goes to hourly files too. The
descriptors themselves are moved, so no library has to cooperate.
"""

import contextlib
import io
import logging
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from pie.model import Resident
from pie.observe.log.files import HourlyFile
from pie.observe.log.losses import Losses, reason_of
from pie.serve.streams import Output

logger = logging.getLogger(__name__)
_DESCRIPTORS = (1, 2)
_LONGEST_WAIT = 2.0
"""Seconds. How soon a file is made anew that somebody deleted."""


class OutputRoad:
    """Moves descriptors 1 and 2 to the file of each hour.

    Args:
        file: hourly, in ``run/`` or ``uwsgi/``.
        outputs: the ends of stdout and stderr, that say what they lose.
        losses: hears of that.
    """

    def __init__(
        self, file: HourlyFile, outputs: Iterable[Output] = (), losses: Losses | None = None
    ) -> None:
        self._file = file
        self._outputs = outputs
        self._losses = losses
        self._trouble = ""
        self._thread = Resident("pie-output", self._follow, logger)

    def check(self) -> None:
        """Open the file, while a message can still say why not.

        Raises:
            OSError: it cannot be opened.
        """
        self._file.redirect(time.time(), ())

    def take(self) -> Path:
        """Move them now, and at every hour's end. Call it after the last fork before serving.

        Raises:
            OSError: the file cannot be opened; output stays where it is.
        """
        path = self._move()
        for each in self._outputs:
            each.lost = self._lose
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # One write for each line: a crash loses none, and processes do not mix theirs.
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        with contextlib.suppress(RuntimeError):  # Without a thread it stays in this hour's file.
            self._thread.start()
        return path

    def close(self) -> None:
        """Stop following the hours; the descriptors stay in the current file."""
        self._thread.stop()

    def _move(self) -> Path:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        return self._file.redirect(time.time(), _DESCRIPTORS)

    def _lose(self, lines: int, error: OSError) -> None:
        if self._losses is not None:
            self._losses.add(self._file.label, lines, time.time(), reason_of(error))

    def _follow(self) -> float:
        try:
            self._move()
            self._trouble = ""
        except OSError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                logger.warning("stdout stays in the file it is in: %s", error)
        return min(_LONGEST_WAIT, 3600 - time.time() % 3600)
