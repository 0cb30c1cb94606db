"""The process slot: 8 bits of a logid that no other living process of this host uses.

A slot is a locked file; the lock goes with the process, however it dies.
"""

import fcntl
import os
import tempfile
from pathlib import Path

SLOTS = 256


class Slot:
    """One of 256 slots of this host. ``number`` is 0–255; ``exclusive`` is False if all were taken
    and this one is shared."""

    def __init__(self, number: int, descriptor: int | None) -> None:
        self.number = number
        self.exclusive = descriptor is not None
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the slot back before the process ends."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def claim_slot(directory: Path | None = None) -> Slot:
    """Claim a slot in ``directory`` (one per host; by default in the system's temporary folder)."""
    if directory is None:
        directory = Path(tempfile.gettempdir()) / "pie-slots"
    first = os.getpid() % SLOTS
    try:
        _shared_directory(directory)
        for step in range(SLOTS):
            number = (first + step) % SLOTS
            descriptor = _lock(directory / f"{number:02x}")
            if descriptor is not None:
                return Slot(number, descriptor)
    except OSError:
        pass  # No folder to lock in: share a slot rather than not start.
    return Slot(first, None)


def _shared_directory(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o1777)


def _lock(path: Path) -> int | None:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o600)
    except PermissionError:
        return None  # Another user's slot.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
