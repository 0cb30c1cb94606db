"""A file that holds one text and says whether it still is that text."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from pie.state.store.snapshot import sync_directory

MAX_BYTES = 64 << 20
_HEAD = b"pie kept 1 "


class DamagedFile(Exception):
    """The file is not what was written; the message says how that was seen."""


class KeptFile:
    """What a process knew last, for a start without the store. Several processes may share it.

    Args:
        path: of the file; its directory is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """What was written last; None if nothing was.

        Raises:
            DamagedFile: it is cut short, or something else.
            OSError: it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                head, body = file.readline(1000), file.read(MAX_BYTES)
        except FileNotFoundError:
            return None
        if head != _head(body):
            raise DamagedFile("its checksum is not that of its contents")
        return body

    def write(self, body: bytes) -> None:
        """Replace it, whole or not at all; on the disk when this returns. What stands there already
        is not written again.

        Raises:
            OSError: it could not be written; the former one is as it was.
        """
        with suppress(OSError, DamagedFile):
            if self.read() == body:
                return
        directory = self.path.parent
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f".{self.path.name}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_head(body) + body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        sync_directory(directory)


def _head(body: bytes) -> bytes:
    return _HEAD + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b"\n"
