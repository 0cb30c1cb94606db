"""Hourly files that many processes append to at once.

The name carries the hour of the record's own time; a file is opened ``O_APPEND`` and every write
is one ``write(2)`` of whole lines, which the kernel does not interleave. Nothing is ever renamed.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from datetime import UTC, tzinfo
from pathlib import Path

from pie.model import after_fork
from pie.observe.log.line import hour_of

_LOOKS = 5
_WRITING_SECONDS = 0.002
_OPEN_HOURS = 2
"""Late lines of the hour before are still written; older ones reopen their file."""


class HourlyFile:
    """``<directory>/<stem>.<YYYYmmddHH>.<suffix>``; ``<stem>.<suffix>`` links to the newest.

    Args:
        directory: made when the first line is written.
        stem: usually the PSM.
        suffix: ``log`` or ``ndjson``.
        zone: the fleet's time zone.

    Attributes:
        trouble: the last error that kept lines out of the file; None so far.
    """

    def __init__(self, directory: Path, stem: str, suffix: str, zone: tzinfo = UTC) -> None:
        self._directory = directory
        self._stem = stem
        self._suffix = suffix
        self._zone = zone
        self.trouble: OSError | None = None
        self._lock = threading.Lock()
        after_fork(self._take_over)
        self._descriptors: dict[str, int] = {}
        self._torn: set[int] = set()
        self._hour_number = -1
        self._hour = ""

    @property
    def link(self) -> Path:
        """The link to the newest file."""
        return self._directory / f"{self._stem}.{self._suffix}"

    def append(self, lines: bytes, ts: float) -> int:
        """Write whole lines of one hour.

        Args:
            lines: every line ends with a newline.
            ts: Unix seconds; its hour chooses the file.

        Returns:
            How many bytes of ``lines`` stand in the file as whole lines: less than all of them
            when the disk is full. What is missing may be given again.
        """
        with self._lock:
            try:
                return self._write(self._descriptor(ts), lines)
            except OSError as error:
                self.trouble = error
                return 0

    def position(self, ts: float) -> tuple[str, int, int]:
        """Name, inode and size of the file of an hour: what is appended next begins there, or
        behind what other processes append before it.

        Raises:
            OSError: the file cannot be opened.
        """
        with self._lock:
            status = os.fstat(self._descriptor(ts))
            return self._path(self._hour).name, status.st_ino, status.st_size

    def redirect(self, ts: float, descriptors: Iterable[int]) -> Path:
        """Let other descriptors of this process, such as stdout's, write into the file of an hour.

        Raises:
            OSError: the file cannot be opened; the descriptors stay as they are.
        """
        with self._lock:
            source = self._descriptor(ts)
            for each in descriptors:
                os.dup2(source, each)
            return self._path(self._hour)

    def close(self) -> None:
        """Close the files; a later line opens them again."""
        with self._lock:
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors.clear()
            self._torn.clear()

    def _take_over(self) -> None:
        """In a forked child: the lock may be held by a thread that is not here."""
        self._lock = threading.Lock()

    def _write(self, descriptor: int, lines: bytes) -> int:
        prefix = b"\n" if descriptor in self._torn else b""
        written = os.write(descriptor, prefix + lines) - len(prefix)
        if written == len(lines):
            self._torn.discard(descriptor)
            return written
        # A part of a line stands in the file. The next write ends it first, and the line is given
        # again in full: its reader meets one damaged line and loses none.
        whole = lines.rfind(b"\n", 0, max(written, 0)) + 1
        if written > whole:
            self._torn.add(descriptor)
            with contextlib.suppress(OSError):
                # Other processes write to this file too: end the half line now if one byte fits.
                if os.write(descriptor, b"\n"):
                    self._torn.discard(descriptor)
        elif written >= 0:
            self._torn.discard(descriptor)
        return whole

    def _descriptor(self, ts: float) -> int:
        number = int(ts // 3600) if self._zone is UTC else int(ts // 60)
        if number != self._hour_number:
            self._hour = hour_of(ts, self._zone)
            self._hour_number = number
        descriptor = self._descriptors.get(self._hour)
        return self._open(self._hour) if descriptor is None else descriptor

    def _open(self, hour: str) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._path(hour)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._descriptors[hour] = descriptor
        if _ends_in_a_half_line(path):
            self._torn.add(descriptor)
        if hour == max(self._descriptors):
            self._link(path)
        if len(self._descriptors) > _OPEN_HOURS:
            oldest = self._descriptors.pop(min(each for each in self._descriptors if each != hour))
            self._torn.discard(oldest)
            os.close(oldest)
        return descriptor

    def _path(self, hour: str) -> Path:
        return self._directory / f"{self._stem}.{hour}.{self._suffix}"

    def _link(self, path: Path) -> None:
        """Point the link at the newest file, for ``tail -F``; not worth a failure."""
        temporary = self._directory / f".{self._stem}.{self._suffix}.{os.getpid()}"
        with contextlib.suppress(OSError):
            temporary.symlink_to(path.name)
            temporary.replace(self.link)


def _ends_in_a_half_line(path: Path) -> bool:
    """A writer before us may have met a full disk in the middle of a line.

    What another process is writing right now is seen growing page by page: look again after that.
    """
    with path.open("rb", buffering=0) as file:
        for _ in range(_LOOKS):
            if not file.seekable() or file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            if file.read(1) == b"\n":
                return False
            time.sleep(_WRITING_SECONDS)
    return True


def log_directory(log_root: Path, product: str, folder: str) -> Path:
    """``<log root>/{product}/log/<folder>``."""
    return log_root / product / "log" / folder
