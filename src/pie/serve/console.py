"""stdout and stderr of a running service, onto the log road.

Output that no logging formats (prints, C libraries, crash reports) goes to hourly files too. The
descriptors themselves are moved, so no library has to cooperate.
"""

import contextlib
import io
import logging
import sys
import time
from pathlib import Path

from pie.model import Resident
from pie.observe.log.files import HourlyFile

logger = logging.getLogger(__name__)
_DESCRIPTORS = (1, 2)
_LONGEST_WAIT = 60.0
"""Seconds. The clock may be set forward: a longer sleep could miss the end of an hour."""


class OutputRoad:
    """Moves descriptors 1 and 2 to the file of each hour.

    Args:
        file: hourly, in ``run/`` or ``uwsgi/``.
    """

    def __init__(self, file: HourlyFile) -> None:
        self._file = file
        self._hour = 0.0
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
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # One write for each line: a crash loses none, and processes do not mix theirs.
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._hour = time.time() // 3600
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

    def _follow(self) -> float:
        now = time.time() // 3600
        if now != self._hour:
            try:
                self._move()
            except OSError as error:
                logger.warning("stdout stays in the file of the hour before: %s", error)
            else:
                self._hour = now
        return min(_LONGEST_WAIT, 3600 - time.time() % 3600)
