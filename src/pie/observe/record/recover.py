"""What processes that were killed had counted and recorded, out of the files that they left behind.

The rows go where those of living processes go, in files of their own name, which the reader makes
with its own rights. A file may be recovered again and again, by one reader at a time and by one
that is killed too: each row is written once.
"""

import contextlib
import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pie.observe.log.line import hour_of
from pie.observe.record.counts import (
    HEADER_SIZE,
    SUFFIX,
    Header,
    OtherVersionError,
    TableHeader,
    mark_of,
    marked,
    read_header,
)
from pie.observe.record.recover_lines import write_lines
from pie.observe.record.road_files import NO_LINK, append_noted, read_noted
from pie.observe.record.slots import (
    RELEASE,
    Contents,
    DamagedError,
    Note,
    note_stores,
    read_slot,
    slot_size,
    unpack_keys,
)

_log = logging.getLogger(__name__)
_DAMAGED = ".damaged"
_MOST_DAMAGED = 10
"""Files that are kept for somebody to look at."""
_LONGEST_MARK = 100
_HALF_MADE_SECONDS = 3600.0


class Recovered(NamedTuple):
    """What was done: rows of aggregates and lines (also records) written, files gone, files set
    aside."""

    rows: int = 0
    lines: int = 0
    files: int = 0
    damaged: int = 0


class _Written(NamedTuple):
    rows: int
    lines: int


class _Left(NamedTuple):
    """A slot in use, where it begins in its file, and the row that it makes."""

    at: int
    ts: int
    table: str
    mark: str
    row: bytes
    note: Note | None


def recover(folder: Path, facts: Path, zone: tzinfo = UTC) -> Recovered:
    """Write the rows of all files in a folder whose processes are gone, and delete them.

    Args:
        folder: where processes leave their files.
        facts: where rows are written.
        zone: of the hours of files.

    Raises:
        OSError: the rows of a file could not be written, e.g. because the disk is full, after all
            others were looked at. What is left is recovered next time.
    """
    total = Recovered()
    trouble: OSError | None = None
    try:
        names = sorted(each.name for each in folder.iterdir())
    except FileNotFoundError:
        return Recovered()
    for name in [each for each in names if each.endswith(SUFFIX)]:
        try:
            done = _recover_file(folder / name, facts, zone)
        except FileNotFoundError:
            continue  # Its process has ended in order.
        except OSError as error:
            trouble = error
            continue
        if done is not None:
            total = Recovered(*map(sum, zip(total, done, strict=True)))
    _tidy(folder, names)
    if trouble is not None:
        raise trouble
    return total


def _recover_file(path: Path, facts: Path, zone: tzinfo) -> Recovered | None:
    """None for a file whose process lives, or which another version of Pie is to read."""
    with contextlib.ExitStack() as stack:
        done, trouble = _Written(0, 0), "it is no file"
        if stat.S_ISREG(path.stat(follow_symlinks=False).st_mode):
            descriptor = os.open(path, os.O_RDWR | NO_LINK)
            stack.callback(os.close, descriptor)
            if not _lock(path, descriptor):
                return None
            try:
                done, trouble = _write_all(descriptor, facts, zone)
            except OtherVersionError as error:
                _log.debug("%s is left alone: %s", path, error)
                return None
            except DamagedError as error:
                trouble = str(error)
        if not trouble:
            path.unlink()
            return Recovered(done.rows, done.lines, files=1)
        aside = path.with_name(path.name + _DAMAGED)
        path.rename(aside)
        _log.error(
            "%s holds counts of calls and is damaged: %s. What could be read of it is written, and "
            "it is set aside as %s",
            path, trouble, aside.name,
        )  # fmt: skip
        return Recovered(done.rows, done.lines, damaged=1)


def _lock(path: Path, descriptor: int) -> bool:
    """Whether the file is there and its process is not."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Whoever had the lock until now may have deleted it.
    return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))


def _write_all(descriptor: int, facts: Path, zone: tzinfo) -> tuple[_Written, str]:
    """What was written, and what is damaged."""
    header = read_header(os.pread(descriptor, HEADER_SIZE, 0))
    size = os.fstat(descriptor).st_size
    if size != header.bytes:
        raise DamagedError(f"it has {size} bytes, and {header.bytes} are described")
    trouble: list[str] = []
    left = list(_left_in(descriptor, header, trouble))
    written = _written(header, facts, left)
    rows = 0
    for each in left:
        if each.mark not in written:
            _append(descriptor, header, facts, zone, each)
            rows += 1
        os.pwrite(descriptor, RELEASE, each.at)
    halves = HEADER_SIZE + sum(table.bytes for table in header.tables)
    lines = write_lines(descriptor, header, halves, facts.parent, zone, trouble)
    return _Written(rows, lines), "; ".join(sorted(set(trouble)))


def _left_in(descriptor: int, header: Header, trouble: list[str]) -> Iterator[_Left]:
    begin = HEADER_SIZE
    for table in header.tables:
        size = slot_size(histogram=bool(table.histogram))
        for at in range(begin, begin + table.bytes, size):
            try:
                slot = os.pread(descriptor, size, at)
                contents = read_slot(slot, histogram=bool(table.histogram))
                if contents is not None and any(contents.sums):
                    mark = mark_of(header.token, table.name, contents.sequence)
                    row = marked(_row(table, contents), mark)
                    yield _Left(at, contents.ts, table.name, mark, row, contents.note)
            except DamagedError as error:
                trouble.append(str(error))
        begin += table.bytes


def _row(table: TableHeader, contents: Contents) -> bytes:
    values = unpack_keys(contents.keys, [key.text for key in table.keys])
    keys = {
        key.name: value[: key.cut or None] if isinstance(value, str) else value
        for key, value in zip(table.keys, values, strict=True)
    }
    sums = dict(zip(table.sums, contents.sums, strict=False))
    row: dict[str, Any] = {"src": 0, "pos": 0, "ts": contents.ts, **table.fixed, **keys, **sums}
    if min(sums.values(), default=0) < 0:
        raise DamagedError("a slot with a sum below 0")
    if table.histogram:
        row[table.histogram] = contents.histogram
        if "count" in sums and sum(contents.histogram.values()) != sums["count"]:
            raise DamagedError("a slot whose histogram does not hold as many calls as its sum")
    return msgspec.json.encode(row) + b"\n"


def _written(header: Header, facts: Path, left: list[_Left]) -> set[str]:
    """The marks of rows that stand in a file."""
    first: dict[tuple[str, int], int] = {}
    for each in left:
        if each.note is not None:
            file = each.note.name, each.note.inode
            first[file] = min(each.note.offset, first.get(file, each.note.offset))
    found: set[str] = set()
    for (name, inode), offset in first.items():
        if not re.fullmatch(rf"{re.escape(header.psm)}\.[a-z0-9_.]+\.ndjson", name):
            raise DamagedError(f"a slot whose note names the file {name!r}")
        found |= _marks_in(facts, Note(name, inode, offset), header.token)
    return found


def _marks_in(folder: Path, note: Note, token: str) -> set[str]:
    mark = re.compile(rb'"mark":"(%b\.[a-z]{1,20}\.[0-9]{1,20})"}' % token.encode())
    found: set[str] = set()
    rest = b""
    for piece in read_noted(folder, note):
        data = rest + piece
        found |= {each[1].decode() for each in mark.finditer(data)}
        rest = data[-_LONGEST_MARK:]
    return found


def _append(descriptor: int, header: Header, facts: Path, zone: tzinfo, each: _Left) -> None:
    """Write a row, after it is noted where; raises OSError when it is not written as a whole."""
    try:
        hour = hour_of(each.ts, zone)
    except (OverflowError, ValueError, OSError):
        raise DamagedError(f"a slot of the time {each.ts}") from None

    def note(new: Note) -> None:
        for at, stored in note_stores(new):
            os.pwrite(descriptor, stored, each.at + at)

    name = f"{header.psm}.recovered.{each.table}.{hour}.ndjson"
    append_noted(facts, name, each.row, note)


def _tidy(folder: Path, names: list[str]) -> None:
    """Delete damaged files beyond the newest few, and half-made ones of dead processes."""
    damaged = [folder / name for name in names if name.endswith(_DAMAGED)]
    half_made = [folder / name for name in names if name.endswith(".new")]
    with contextlib.suppress(OSError):
        damaged.sort(key=lambda each: each.stat().st_mtime)
        for each in damaged[:-_MOST_DAMAGED]:
            each.unlink()
    for each in half_made:
        with contextlib.suppress(OSError):
            _delete_unlocked(each)


def _delete_unlocked(path: Path) -> None:
    """Raises OSError: its process lives, or it is gone."""
    descriptor = os.open(path, os.O_RDONLY | NO_LINK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - os.fstat(descriptor).st_mtime > _HALF_MADE_SECONDS:
            path.unlink()
    finally:
        os.close(descriptor)
