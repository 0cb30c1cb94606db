"""The file of a process in which what it has not written yet stands, as a shared mapping.

These are the aggregates of open buckets and, where C makes them, lines and records of calls.

A process that is killed leaves it behind, and what is in it (``recover`` reads it). Its owner holds
a lock on it as long as it lives; the kernel frees it, however the process ends. All space is
allocated first, because a store into a hole of a file kills the process when the disk is full.
"""

import contextlib
import fcntl
import mmap
import os
import re
import secrets
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pie.model import PSM
from pie.observe.facts.fields import cuts_of
from pie.observe.facts.rows import AggregateRow
from pie.observe.identity import Identity
from pie.observe.record.aggregate import PROCESS, Shape
from pie.observe.record.halves import Halves
from pie.observe.record.slots import SUMS, DamagedError, Slots, slot_size

COUNTS = "state/counts"
"""The folder of a product in which its processes leave their files."""
SUFFIX = ".counts"
SLOTS = 512
"""Of each aggregate. Totals beyond are counted in private memory and die with the process."""
MOST_LEFT = 128
"""Files of dead processes in a folder beyond which no more are made: nobody recovers them."""
HEADER_SIZE = 8192
_LONG = struct.calcsize("l")
_GET_FLAGS = 0x80006601 | _LONG << 16
_SET_FLAGS = 0x40006602 | _LONG << 16
_NO_COPY_ON_WRITE = 0x00800000
"""Of <linux/fs.h>: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_NOCOW_FL."""
_MAGIC = b"PIECOUNT"
_VERSION = 2
_LONG = struct.calcsize("l")
_GET_FLAGS = 0x80006601 | _LONG << 16
_SET_FLAGS = 0x40006602 | _LONG << 16
_NO_COPY_ON_WRITE = 0x00800000
"""Of <linux/fs.h>: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_NOCOW_FL."""
_MAGIC = b"PIECOUNT"
_VERSION = 2
HALF_SIZES = {"calls": 384 << 10, "served": 192 << 10, "asked": 192 << 10}
"""Bytes of a half for lines of a kind. What comes beyond waits in private memory."""
_START = struct.Struct("<8sIII")
_TOKEN = re.compile("[0-9a-f]{16}")

_Name = Annotated[str, Meta(min_length=1, max_length=100)]


class OtherVersionError(Exception):
    """A file that another version of Pie wrote, and may read."""


class KeyColumn(msgspec.Struct, frozen=True):
    """A key: a text, written up to ``cut`` code points (0 = all), or a number."""

    name: _Name
    text: bool
    cut: Annotated[int, Meta(ge=0, le=1 << 20)]


class TableHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What the slots of an aggregate hold, and what else stands in each of its rows."""

    name: Annotated[str, Meta(pattern="^[a-z]{1,20}$")]
    slots: Annotated[int, Meta(ge=1, le=1 << 14)]
    keys: Annotated[list[KeyColumn], Meta(max_length=24)]
    sums: Annotated[list[_Name], Meta(max_length=SUMS)]
    histogram: Annotated[str, Meta(max_length=100)]
    fixed: Annotated[dict[_Name, str], Meta(max_length=24)]

    @property
    def bytes(self) -> int:
        """Of all its slots."""
        return self.slots * slot_size(histogram=bool(self.histogram))


class LinesHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a kind: they are for ``<file>.<hour>.…`` in a folder of the log road.

    ``half`` is the bytes of each of the two halves that they wait in.
    """

    name: Literal["calls", "served", "asked"]
    folder: Literal["facts", "app", "rpc"]
    file: Annotated[str, Meta(pattern=r"^[^/\x00-\x1f]{1,300}$")]
    half: Annotated[int, Meta(ge=1 << 10, le=1 << 24)]

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return "ndjson" if self.folder == "facts" else "log"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Whose file it is. ``token`` is of this file and no other."""

    token: str
    psm: str
    tables: Annotated[list[TableHeader], Meta(min_length=1, max_length=4)]
    lines: Annotated[list[LinesHeader], Meta(max_length=3)]

    @property
    def bytes(self) -> int:
        """Of the whole file."""
        tables = sum(table.bytes for table in self.tables)
        return HEADER_SIZE + tables + sum(2 * lines.half for lines in self.lines)


def pack_header(header: Header) -> bytes:
    """The first ``HEADER_SIZE`` bytes of a file. Raises ValueError when they do not do."""
    text = msgspec.json.encode(header)
    start = _START.pack(_MAGIC, _VERSION, len(text), zlib.crc32(text))
    if len(start) + len(text) > HEADER_SIZE:
        raise ValueError("the description of the aggregates is too long for their file")
    return (start + text).ljust(HEADER_SIZE, b"\0")


def read_header(beginning: bytes) -> Header:
    """What a file begins with.

    Raises:
        DamagedError: these are no such bytes.
        OtherVersionError: another version of Pie wrote them.
    """
    if len(beginning) != HEADER_SIZE:
        raise DamagedError("it is too short")
    magic, version, size, checksum = _START.unpack_from(beginning)
    if magic != _MAGIC:
        raise DamagedError("it does not begin as a file of counts does")
    if version != _VERSION:
        raise OtherVersionError(f"it is of version {version}, and {_VERSION} is what is read here")
    text = beginning[_START.size : _START.size + size]
    if zlib.crc32(text) != checksum:
        raise DamagedError("its header does not have its checksum")
    try:
        header = msgspec.json.decode(text, type=Header)
        PSM.parse(header.psm)
    except (msgspec.DecodeError, ValueError) as error:
        raise DamagedError(f"its header cannot be read: {error}") from None
    if not _TOKEN.fullmatch(header.token):
        raise DamagedError("its token is none")
    return header


def mark_of(token: str, table: str, sequence: int) -> str:
    """What tells the row of a slot from all others."""
    return f"{token}.{table}.{sequence}"


def marked(row: bytes, mark: str) -> bytes:
    """The line of a row with its mark at the end: a line that has it is whole."""
    return b'%b,"mark":"%b"}\n' % (row.removesuffix(b"}\n"), mark.encode())


class CountFile:
    """The file of this process, locked and mapped.

    Attributes:
        token: of the marks of its rows.
        slots: by the name of their aggregate.
        halves: by what lines they hold.

    Raises:
        OSError: it cannot be made, e.g. because there is no room for it.
        ValueError: its description is too long.
    """

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        row_types: Mapping[Any, type[AggregateRow]],
        lines: Sequence[LinesHeader] = (),
    ) -> None:
        self._lock = -1
        self.token = secrets.token_hex(8)
        tables = [_table(name, each, identity) for name, each in row_types.items()]
        self._header = Header(token=self.token, psm=identity.psm, tables=tables, lines=[*lines])
        self._path = folder / f"{identity.psm}.{self.token}{SUFFIX}"
        folder.mkdir(parents=True, exist_ok=True)
        if left_behind(folder) > MOST_LEFT:
            raise OSError(f"it holds {MOST_LEFT} files of dead processes; start the agent")
        new = folder / f".{self.token}.new"
        try:
            self._mapping = self._make(new)
            new.rename(self._path)
        except BaseException:
            self._unlock()
            new.unlink(missing_ok=True)
            raise
        self.slots: dict[Any, Slots] = {}
        self.halves: dict[Any, Halves] = {}
        self._share_out()

    def close(self) -> None:
        """All is written: delete it. What is not stays, for whoever recovers it."""
        slots, halves = self.slots.values(), self.halves.values()
        if all(each.empty for each in slots) and all(each.empty for each in halves):
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._unlock()

    def leave(self) -> None:
        """In a forked child: the file is its parent's, who alone is to hold the lock."""
        self._unlock()

    def __del__(self) -> None:
        self._unlock()

    def _make(self, path: Path) -> mmap.mmap:
        size = self._header.bytes
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        # Locked by a descriptor that nothing else holds: the mapping keeps a copy of its own.
        self._lock = os.open(path, flags, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _write_in_place(self._lock)
        os.posix_fallocate(self._lock, 0, size)
        os.pwrite(self._lock, pack_header(self._header), 0)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            mapping = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        if hasattr(mmap, "MADV_RANDOM"):
            # Without it the first store reads ahead, all of the file: milliseconds inside a call.
            mapping.madvise(mmap.MADV_RANDOM)
        return mapping

    def _share_out(self) -> None:
        memory = memoryview(self._mapping)
        at = HEADER_SIZE
        for table in self._header.tables:
            part = memory[at : at + table.bytes]
            self.slots[table.name] = Slots(part, histogram=bool(table.histogram))
            at += table.bytes
        for lines in self._header.lines:
            self.halves[lines.name] = Halves(memory[at : at + 2 * lines.half])
            at += 2 * lines.half

    def _unlock(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _write_in_place(descriptor: int) -> None:
    """Where a file system copies blocks on write (Btrfs), it would need room for each store."""
    with contextlib.suppress(OSError):
        (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(_LONG)))
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", flags | _NO_COPY_ON_WRITE))


def left_behind(folder: Path) -> int:
    """Files of dead processes in a folder; not counted exactly where there are few files."""
    files = [each for each in folder.iterdir() if each.suffix == SUFFIX]
    if len(files) <= MOST_LEFT:
        return 0
    return sum(not _lives(each) for each in files)


def _lives(path: Path) -> bool:
    """Whether the process of a file lives, as far as one can tell."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _table(name: Any, row_type: type[AggregateRow], identity: Identity) -> TableHeader:
    shape = Shape(row_type)
    cuts = cuts_of(row_type)
    fixed = {
        field: str(getattr(identity, each.source.removeprefix(PROCESS)))
        for field, each in shape.fields.items()
        if each.source.startswith(PROCESS)
    }
    return TableHeader(
        name=name,
        slots=SLOTS,
        keys=[
            KeyColumn(key, isinstance(shape.other(key), str), cuts.get(key, 0))
            for key in shape.keys
        ],
        sums=list(shape.sums),
        histogram="".join(shape.histograms),
        fixed={field: text[: cuts.get(field)] for field, text in fixed.items()},
    )
