"""A directory as a power cut leaves it, made of a record of what a process did to its files.

Kept is what was synced. Of what was not, each write of a file is kept whole, in part (in sectors of
512 bytes), or lost; a name that was made, replaced or removed since its directory was synced stands
as before or as after, the changes of a directory in their order. What this does not simulate: a
disk that lies about having synced, sectors that hold neither the old nor the new, and file systems
that make a file's data durable before those of an earlier file's synced ones.
"""

import random
import struct
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<cIIq")
_SECTOR = 512


class Operation(NamedTuple):
    """``kind``: c(reate) w(rite) t(runcate) s(ync) r(ename) u(nlink)."""

    kind: str
    path: str
    offset: int
    data: bytes


class _File:
    """The bytes of one file: those on the disk, and the changes that may not be there yet."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.pending: list[Operation] = []

    def sync(self) -> None:
        for each in self.pending:
            _apply(self.synced, each)
        self.pending = []

    def after_cut(self, chance: random.Random, keep: float) -> bytes:
        left = bytearray(self.synced)
        for each in self.pending:
            if chance.random() < keep:
                _apply(left, each)
            elif each.kind == "w" and chance.random() < 0.5:
                _apply_torn(left, each, chance)
        return bytes(left)


class Directory:
    """Follows the operations on one directory without folders in it."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._durable: dict[str, _File] = {}
        self._names: dict[str, _File] = {}
        self._steps: list[dict[str, _File]] = []
        """The names after each change since the directory was synced."""

    def follow(self, operation: Operation) -> None:
        """Take the next operation of the record."""
        kind, path = operation.kind, operation.path
        if kind == "s" and path == self._root:
            self._durable, self._steps = dict(self._names), []
        elif kind == "s":
            if path in self._names:
                self._names[path].sync()
        elif kind == "c":
            if path not in self._names:
                self._change({**self._names, path: _File()})
        elif kind == "r":
            names = dict(self._names)
            names[operation.data.decode()] = names.pop(path)
            self._change(names)
        elif kind == "u":
            self._change({name: file for name, file in self._names.items() if name != path})
        elif path in self._names:
            self._names[path].pending.append(operation)

    def _change(self, names: dict[str, _File]) -> None:
        self._names = names
        self._steps.append(names)

    def cut_power(self, into: Path, chance: random.Random) -> None:
        """Write what may be left into another directory."""
        names = chance.choice([self._durable, *self._steps])
        keep = chance.choice([0.0, 0.5, 1.0])
        into.mkdir()
        for path, file in names.items():
            (into / Path(path).name).write_bytes(file.after_cut(chance, keep))


def read_record(log: Path, start: int, end: int) -> list[Operation]:
    """The operations between two sizes of the record."""
    with log.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    found, at = [], 0
    while at < len(data):
        kind, of_path, of_data, offset = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        path = data[at : at + of_path].decode()
        at += of_path
        found.append(Operation(kind.decode(), path, offset, data[at : at + of_data]))
        at += of_data
    return found


def _apply(content: bytearray, change: Operation) -> None:
    if change.kind == "t":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
    else:
        _put(content, change.offset, change.data)


def _apply_torn(content: bytearray, change: Operation, chance: random.Random) -> None:
    """Some of the sectors of a write."""
    for start in range(0, len(change.data), _SECTOR):
        if chance.random() < 0.5:
            _put(content, change.offset + start, change.data[start : start + _SECTOR])


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
