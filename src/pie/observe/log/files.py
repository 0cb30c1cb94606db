"""Hourly files that many processes append to at once.

The name carries the hour of the record's own time; a file is opened ``O_APPEND`` and every write
is one ``write(2)`` of whole lines, which the kernel does not interleave. Nothing is ever renamed
here. When somebody else deletes, renames or replaces the file, it is made anew within a second or
two of the next line.
"""

import contextlib
import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from pathlib import Path
from time import monotonic

from pie.model import after_fork
from pie.observe.log.line import hour_of

_LOOKS = 5
_WRITING_SECONDS = 0.002
_OPEN_HOURS = 2
"""Late lines of the hour before are still written; older ones reopen their file."""
_CHECK_SECONDS = 1.0
_BLOCK = 1 << 16
_FLAGS = (
    # Readable, to count what a file took that is gone; never waits for the reader of a pipe.
    os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
)

LostLines = Callable[[str, int, float, str], None]
"""Hears of lines that no file holds: of which file, how many, when (Unix seconds), and why."""


class _OpenFile:
    """An open file of one hour.

    Attributes:
        torn: it ends in a half line.
        checked: its size when it was last seen at its path.
    """

    __slots__ = ("checked", "descriptor", "inode", "path", "torn")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, _FLAGS, 0o640)
        try:
            status = os.fstat(self.descriptor)
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISCHR(status.st_mode)):
                raise OSError(errno.EINVAL, "no file, but something else stands there", str(path))
            self.torn = _ends_in_a_half_line(self.descriptor)
        except OSError:
            os.close(self.descriptor)
            raise
        self.inode = (status.st_dev, status.st_ino)
        self.checked = status.st_size

    def stands(self) -> bool:
        """Whether the file at its path is still this one."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        if (there.st_dev, there.st_ino) != self.inode:
            return False
        self.checked = there.st_size
        return True

    def orphaned_lines(self) -> int:
        """Lines in the file since it was last seen at its path."""
        found, at = 0, self.checked
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):
                return 0
            while block := os.pread(self.descriptor, _BLOCK, at):
                found += block.count(b"\n")
                at += len(block)
        return found


class HourlyFile:
    """``<directory>/<stem>.<YYYYmmddHH>.<suffix>``; ``<stem>.<suffix>`` links to the newest.

    Args:
        directory: made when the first line is written.
        stem: usually the PSM.
        suffix: ``log`` or ``ndjson``.
        zone: the fleet's time zone.
        lost: hears of lines in a file that somebody took away.

    Attributes:
        trouble: the last error that kept lines out of the file; None so far.
    """

    def __init__(
        self,
        directory: Path,
        stem: str,
        suffix: str,
        zone: tzinfo = UTC,
        lost: LostLines | None = None,
    ) -> None:
        self._directory = directory
        self._stem = stem
        self._suffix = suffix
        self._zone = zone
        self._lost = lost
        self.trouble: OSError | None = None
        # Reentrant: a signal handler may write a line while this thread writes one.
        self._lock = threading.RLock()
        after_fork(self._take_over)
        self._files: dict[str, _OpenFile] = {}
        self._check_at = 0.0
        self._current: _OpenFile | None = None
        """The file of the times from ``_from`` to before ``_until``."""
        self._from = self._until = 0.0

    @property
    def link(self) -> Path:
        """The link to the newest file."""
        return self._directory / f"{self._stem}.{self._suffix}"

    @property
    def label(self) -> str:
        """The file as messages name it: its folder and its name without the hour."""
        return f"{self._directory.name}/{self._stem}.{self._suffix}"

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
                if monotonic() >= self._check_at:
                    self._check(ts)
                if self._from <= ts < self._until and self._current is not None:
                    return self._write(self._current, lines)
                return self._write(self._file_of(ts), lines)
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
            if monotonic() >= self._check_at:
                self._check(ts)
            file = self._file_of(ts)
            status = os.fstat(file.descriptor)
            return file.path.name, status.st_ino, status.st_size

    def redirect(self, ts: float, descriptors: Iterable[int]) -> Path:
        """Let other descriptors of this process, such as stdout's, write into the file of an hour.

        Raises:
            OSError: the file cannot be opened; the descriptors stay as they are.
        """
        with self._lock:
            if monotonic() >= self._check_at:
                self._check(ts)
            file = self._file_of(ts)
            for each in descriptors:
                if not _same_file(file.descriptor, each):
                    os.dup2(file.descriptor, each)
            return file.path

    def close(self) -> None:
        """Close the files; a later line opens them again."""
        with self._lock:
            for file in self._files.values():
                os.close(file.descriptor)
            self._files.clear()
            self._current = None

    def _take_over(self) -> None:
        """In a forked child: the lock may be held by a thread that is not here."""
        self._lock = threading.RLock()

    def _write(self, file: _OpenFile, lines: bytes) -> int:
        prefix = b"\n" if file.torn else b""
        written = os.write(file.descriptor, prefix + lines) - len(prefix)
        if written == len(lines):
            file.torn = False
            return written
        # A part of a line stands in the file. The next write ends it first, and the line is given
        # again in full: its reader meets one damaged line and loses none. Only a line that lacks
        # its end alone is whole then, and must not be given again.
        self.trouble = None
        whole = lines.rfind(b"\n", 0, max(written, 0)) + 1
        if written > whole:
            file.torn = True
            with contextlib.suppress(OSError):
                # Other processes write to this file too: end the half line now if one byte fits.
                if os.write(file.descriptor, b"\n"):
                    file.torn = False
            if lines[written : written + 1] == b"\n":
                whole = written + 1
        elif written >= 0:
            file.torn = False
        return whole

    def _file_of(self, ts: float) -> _OpenFile:
        hour = hour_of(ts, self._zone)
        file = self._files.get(hour) or self._open(hour)
        # Elsewhere an hour may begin at any minute of UTC's.
        span = 3600 if self._zone is UTC else 60
        self._from = ts // span * span
        self._until = self._from + span
        self._current = file
        return file

    def _check(self, ts: float) -> None:
        """Let go of files that were deleted, renamed or replaced."""
        self._check_at = monotonic() + _CHECK_SECONDS
        for hour, file in list(self._files.items()):
            if file.stands():
                continue
            del self._files[hour]
            self._current = None
            lines = file.orphaned_lines()
            os.close(file.descriptor)
            if self._lost is not None:
                reason = "the file was deleted, renamed or replaced while this process wrote to it"
                self._lost(self.label, lines, ts, reason)

    def _open(self, hour: str) -> _OpenFile:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = _OpenFile(self._path(hour))
        self._files[hour] = file
        if hour == max(self._files):
            self._link(file.path)
        if len(self._files) > _OPEN_HOURS:
            oldest = self._files.pop(min(each for each in self._files if each != hour))
            os.close(oldest.descriptor)
        return file

    def _path(self, hour: str) -> Path:
        return self._directory / f"{self._stem}.{hour}.{self._suffix}"

    def _link(self, path: Path) -> None:
        """Point the link at the newest file, for ``tail -F``; not worth a failure."""
        temporary = self._directory / f".{self._stem}.{self._suffix}.{os.getpid()}"
        with contextlib.suppress(OSError):
            temporary.symlink_to(path.name)
            temporary.replace(self.link)


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False  # The other descriptor is closed.


def _ends_in_a_half_line(descriptor: int) -> bool:
    """A writer before us may have met a full disk in the middle of a line.

    What another process is writing right now is seen growing page by page: look again after that.
    """
    for _ in range(_LOOKS):
        size = os.fstat(descriptor).st_size
        if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
            return False
        time.sleep(_WRITING_SECONDS)
    return True


def log_directory(log_root: Path, product: str, folder: str) -> Path:
    """``<log root>/{product}/log/<folder>``."""
    return log_root / product / "log" / folder
