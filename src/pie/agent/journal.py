"""The agent's memory: how far each file is acknowledged.

One appended line per acknowledgement, each with its checksum, fsynced; rewritten whole when it has
grown. A line that cannot be read is left out, so the file it spoke of starts from an older
position or from 0: rows go twice and the store drops the second.
"""

import logging
import os
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pie.agent.identity import Identity
from pie.agent.options import MIB

_log = logging.getLogger("pie.agent")
_MAX_RECORD = 64 * 1024
_MIN_REWRITE = 4 * MIB


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """File at ``path``: all before ``pos`` is acknowledged. No identity: the file is forgotten.

    ``tail_len`` bytes before ``pos`` have the hash ``tail``; 0 where an older agent did not say.
    """

    path: str
    identity: Identity | None
    pos: int
    tail: int = 0
    tail_len: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Journal:
    """Thread-safe. A full disk does not stop the agent: it goes on from memory and says so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._torn = False
        self._fd = -1
        self.damaged = 0
        """Lines that could not be read."""
        self._load()
        self._rewrite()
        if self.damaged:
            _log.warning(
                "%s: %d lines are damaged; the files they spoke of are read again from an earlier "
                "position or from their beginning, and the store drops what it already has",
                path,
                self.damaged,
            )

    def get(self, path: str) -> Entry | None:
        """The last entry of the file; None if there is none."""
        return self._entries.get(path)

    def record(self, entries: Iterable[Entry]) -> None:
        """Remember acknowledged positions; they are on disk when this returns."""
        self._append(list(entries), sync=True)

    def forget(self, path: str) -> None:
        """The file is gone."""
        if path in self._entries:
            self._append([Entry(path, None, 0)], sync=False)

    def retain(self, paths: Iterable[str]) -> None:
        """Forget every other file."""
        for path in self._entries.keys() - set(paths):
            self.forget(path)

    def close(self) -> None:
        """Later records are kept in memory only."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _load(self) -> None:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            while line := file.readline(_MAX_RECORD):
                if line == b"\n":
                    continue
                entry = _parse(line)
                if entry is None:
                    self.damaged += 1
                else:
                    self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.identity is None:
            self._entries.pop(entry.path, None)
        else:
            self._entries[entry.path] = entry

    def _append(self, entries: list[Entry], *, sync: bool) -> None:
        data = b"".join(map(_format, entries))
        with self._lock:
            for entry in entries:
                self._apply(entry)
            if self._fd < 0:
                return
            try:
                self._write(data)
                if sync:
                    os.fdatasync(self._fd)
                if self._size > self._rewrite_at:
                    self._rewrite()
            except OSError as error:
                self._torn = True
                _log.error(
                    "cannot write %s: %s. Shipping goes on; after a restart rows are sent again. "
                    "Free space on that disk",
                    self._path,
                    error,
                )

    def _write(self, data: bytes) -> None:
        if self._torn:
            data = b"\n" + data
        self._torn = True
        self._size += len(data)
        while data:
            data = data[os.write(self._fd, data) :]
        self._torn = False

    def _rewrite(self) -> None:
        """Write what is in force to a new file and put it in the old one's place."""
        data = b"".join(map(_format, self._entries.values()))
        new = self._path.with_name(self._path.name + ".new")
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            left = data
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
            new.replace(self._path)
            sync_directory(self._path.parent)
        except OSError:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._torn = False
        self._size = len(data)
        self._rewrite_at = max(_MIN_REWRITE, 4 * len(data))


def sync_directory(directory: Path) -> None:
    """Sync a directory, so that a rename in it survives a crash."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _format(entry: Entry) -> bytes:
    text = _encode(entry)
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _parse(line: bytes) -> Entry | None:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return None
