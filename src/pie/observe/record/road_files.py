"""Files of the log road as whoever recovers rows and lines of a killed process uses them."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from pie.observe.record.slots import Note

NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Flags: what a service's user put there may be anything."""
_CHUNK = 1 << 20


def read_noted(folder: Path, note: Note) -> Iterator[bytes]:
    """What stands in a file from a noted offset on, in pieces; nothing if there is no such file.

    If another file stands there now, all of it.
    """
    try:
        descriptor = os.open(folder / note.name, os.O_RDONLY | NO_LINK)
    except FileNotFoundError:
        return
    try:
        status = os.fstat(descriptor)
        at = note.offset if status.st_ino == note.inode else 0
        while stat.S_ISREG(status.st_mode) and (data := os.pread(descriptor, _CHUNK, at)):
            at += len(data)
            yield data
    finally:
        os.close(descriptor)


def append_noted(folder: Path, name: str, lines: bytes, note: Callable[[Note], None]) -> None:
    """Write whole lines to a file, after it is noted where.

    Raises:
        OSError: not all of them were written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = os.open(folder / name, os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_LINK, 0o640)
    try:
        status = os.fstat(out)
        note(Note(name, status.st_ino, status.st_size))
        torn = status.st_size > 0 and os.pread(out, 1, status.st_size - 1) != b"\n"
        data = b"\n" * torn + lines
        if os.write(out, data) < len(data):
            raise OSError(f"{name} took a part only: the disk is full")
    finally:
        os.close(out)
