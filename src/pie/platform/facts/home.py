"""The directory of the facts: one process at a time owns it."""

import fcntl
import os
import time
from pathlib import Path

from pie.platform.facts.errors import StoreError
from pie.platform.facts.files import sync_directory

ROOM = 64 << 20
"""Bytes that must be free before anything changes the tables of a store."""


class Home:
    """The directory of the facts, locked until this process ends.

    Args:
        directory: made if it is missing.
        patience: seconds to wait for a process that still has it.

    Raises:
        StoreError: another process keeps the directory, or it cannot be used.
    """

    def __init__(self, directory: Path, patience: float) -> None:
        self.directory = directory
        try:
            if not directory.is_dir():
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_directory(directory.parent)
            self._lock = _lock(directory / "lock", patience)
        except OSError as error:
            raise StoreError(
                f"the directory {directory} cannot be used ({error.strerror}): the user of the "
                "platform must be able to write there, and its disk must have room"
            ) from error

    @property
    def store(self) -> Path:
        """Where the column store keeps its files."""
        return self.directory / "store"

    def check(self) -> None:
        """Notice a directory that was removed or replaced under the running store.

        Raises:
            StoreError: it was; what is written from now on would be lost.
        """
        ours = os.fstat(self._lock)
        try:
            there = (self.directory / "lock").stat()
            same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
            same &= self.store.is_dir()
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.directory} was removed or replaced while the store was open")

    def free(self) -> int:
        """Bytes of disk that are left; 0 when no further file can be made.

        Raises:
            StoreError: it cannot be found out.
        """
        try:
            disk = os.statvfs(self.directory)
        except OSError as error:
            raise StoreError(f"the disk of {self.directory} cannot be asked: {error}") from error
        # Some file systems count no files and say 0 of 0.
        return 0 if disk.f_files and disk.f_favail < 1000 else disk.f_bavail * disk.f_frsize


def _lock(path: Path, patience: float) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > give_up:
                os.close(descriptor)
                raise StoreError(
                    f"{path.parent} is in use by another process: stop the other platform "
                    "of this directory, or start this one with another directory"
                ) from None
            time.sleep(0.05)
