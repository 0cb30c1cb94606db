"""Makes sure that no process writes a file any more, so that deleting it loses no line.

A read lease of the kernel is granted only while nobody has the file open for writing, and tells
when somebody wants to.
"""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from pie.agent.options import DAY_S
from pie.agent.tail import TailFile

QUIET_WITHOUT_LEASE_S = DAY_S
"""Where the file system or another owner denies leases, so long a silence must do."""
_HAS_LEASES = hasattr(fcntl, "F_SETLEASE")


class Settled(NamedTuple):
    """A file that is acknowledged whole and that nobody has open to write."""

    source: IO[bytes]
    leased: bool

    def still(self) -> bool:
        """Whether nobody came to write since."""
        fd = self.source.fileno()
        return not self.leased or fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_RDLCK


@contextmanager
def settled_file(file: TailFile, now: float) -> Iterator[Settled | None]:
    """Open the file; None when a line of it is not acknowledged or somebody may write another.

    A writer that comes while this is held waits for its end. Raises OSError.
    """
    fd = os.open(file.full, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as source:  # noqa: PTH123
        leased = _lease(fd)
        try:
            status = os.fstat(fd)
            acknowledged = not status.st_size or file.is_settled(status.st_ino, status.st_size)
            quiet = now - status.st_mtime > QUIET_WITHOUT_LEASE_S
            unwritten = quiet if leased is None else leased
            yield Settled(source, bool(leased)) if acknowledged and unwritten else None
        finally:
            if leased:
                fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def _lease(fd: int) -> bool | None:
    """Whether it is granted; None where leases cannot be had."""
    if not _HAS_LEASES:
        return None
    try:
        # The signal that somebody wants to write: SIGIO would end the process, this is ignored.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
