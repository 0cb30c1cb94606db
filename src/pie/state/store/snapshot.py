"""A second copy of everything a store holds, for the day its file is damaged."""

import hashlib
import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from pie.model import SYSTEM_CLOCK, Clock, Resident
from pie.state.store.interface import Entry
from pie.state.store.memory import MemoryStore

_log = logging.getLogger("pie.state")
PERIOD_S = 60.0
MAX_BYTES = 2 << 30
_HEAD = b"pie state snapshot 1 "


class DamagedSnapshotError(Exception):
    """The snapshot is not what was written; the message says how that was seen."""


class Contents(NamedTuple):
    """What a store held at a moment; leases are pairs of number and TTL."""

    revision: int
    entries: list[Entry]
    leases: list[tuple[int, float]]


class Snapshot(msgspec.Struct, frozen=True):
    """Contents, and when they were written down (Unix seconds)."""

    saved: float
    revision: int
    entries: list[Entry]
    leases: list[tuple[int, float]]


def write_snapshot(path: Path, contents: Contents, now: float) -> None:
    """Replace the snapshot, whole or not at all, and on the disk when this returns.

    Raises:
        OSError: it could not be written; the former one is as it was.
    """
    body = msgspec.json.encode(Snapshot(now, *contents))
    head = _HEAD + hashlib.blake2b(body).hexdigest().encode() + b"\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(head)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_directory(path.parent)


def read_snapshot(path: Path) -> Snapshot | None:
    """The snapshot, None if there is none.

    Raises:
        DamagedSnapshotError: it is damaged.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.readline(1000)
            body = file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    if head != _HEAD + hashlib.blake2b(body).hexdigest().encode() + b"\n":
        raise DamagedSnapshotError("its checksum is not that of its contents")
    try:
        return msgspec.json.decode(body, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise DamagedSnapshotError(str(error)) from None


def sync_directory(directory: Path) -> None:
    """Make names made, replaced and removed in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SnapshotThread:
    """Writes a snapshot every minute in which something changed, and a last one at its end.

    Args:
        store: whose contents it writes.
        path: of the snapshot.
        period: seconds.
    """

    def __init__(
        self,
        store: MemoryStore,
        path: Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        period: float = PERIOD_S,
    ) -> None:
        self._store = store
        self._path = path
        self._clock = clock
        self._period = period
        self._written = 0
        self._thread = Resident("pie-state-snapshot", self._step, _log, finish=self.write)

    def start(self) -> None:
        """Start the thread; once. The first snapshot is written at once."""
        self._thread.start()

    def stop(self) -> None:
        """Write what changed since, and end."""
        self._thread.stop(None)

    def write(self) -> None:
        """Write a snapshot, unless the last one says the same. Raises OSError."""
        contents = Contents(*self._store.contents())
        if contents.revision != self._written:
            write_snapshot(self._path, contents, self._clock.wall())
            self._written = contents.revision

    def _step(self) -> float:
        self.write()
        return self._period
