"""A copy of what a store holds, as text: to keep, and to move it to another store.

One JSON object a line: first how many entries there are and of which revision, then each with key
and value. Keys under a lease are left out: who registered them registers again.
"""

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

import msgspec

from pie.state.store.interface import (
    MAX_COMMIT,
    MAX_VALUE,
    MAX_WRITES,
    Conflict,
    Entry,
    LimitExceeded,
    Store,
    Write,
    check_key,
    check_value,
)

ROOT = "/pie/"
_FORMAT = 1
_NEXT = [chr(code) for code in range(0x20, 0x7F)]
_MOST_SPLITS = 200
_MAX_LINE = 16 * MAX_VALUE


class CopyError(Exception):
    """The copy is damaged, or it cannot be put into this store; the message says why."""


class Head(msgspec.Struct):
    """The first line."""

    pie_state: int
    revision: int
    entries: int


class Line(msgspec.Struct):
    """An entry."""

    key: str
    value: str


class Copied(NamedTuple):
    """What came of an import; ``kept`` are keys whose other values were left as they were."""

    written: int
    same: int
    kept: list[str]


def write_copy(store: Store, file: IO[bytes]) -> tuple[int, bool]:
    """Write down every lasting entry; how many, and whether they are of one revision.

    Raises:
        StoreError: the store cannot be read.
    """
    entries: list[Entry] = []
    revisions: set[int] = set()
    for found, revision in _everything(store, ROOT, [_MOST_SPLITS]):
        entries += [entry for entry in found if not entry.lease]
        revisions.add(revision)
    file.write(msgspec.json.encode(Head(_FORMAT, min(revisions), len(entries))) + b"\n")
    for entry in entries:
        file.write(msgspec.json.encode(Line(entry.key, entry.value)) + b"\n")
    return len(entries), len(revisions) == 1


def _everything(
    store: Store, prefix: str, left: list[int]
) -> Iterator[tuple[Iterable[Entry], int]]:
    """By one range, or where that is too much by one for each next character."""
    try:
        found = store.range(prefix)
    except LimitExceeded:
        left[0] -= 1
        if not left[0]:
            raise
        own = store.get(prefix)
        if own is not None:
            yield [own], own.mod_revision
        for each in _NEXT:
            yield from _everything(store, prefix + each, left)
    else:
        yield found.entries, found.revision


def read_copy(file: IO[bytes]) -> list[Line]:
    """The entries of a copy.

    Raises:
        CopyError: it is damaged, cut off, or from a newer Pie.
    """
    try:
        head = msgspec.json.decode(file.readline(_MAX_LINE), type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CopyError(f"this is no copy of a state store: {error}") from None
    if head.pie_state != _FORMAT:
        raise CopyError(f"it has format {head.pie_state}, this Pie reads {_FORMAT}")
    lines: list[Line] = []
    for number, text in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 2):
        try:
            lines.append(msgspec.json.decode(text, type=Line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CopyError(f"line {number} is damaged: {error}") from None
    if len(lines) != head.entries:
        raise CopyError(f"it has {len(lines)} of {head.entries} entries: it was cut off")
    return lines


def put_copy(store: Store, lines: list[Line], *, replace: bool) -> Copied:
    """Write the entries of a copy that the store does not hold; what it holds otherwise only with
    ``replace``. Entries that the copy lacks stay. To do it again does no harm.

    Raises:
        CopyError: a key changed meanwhile.
        StoreError: the store cannot be written.
    """
    for line in lines:
        check_key(line.key)
        check_value(line.key, line.value)
    there = {
        entry.key: entry for found, _ in _everything(store, ROOT, [_MOST_SPLITS]) for entry in found
    }
    same = [each for each in lines if each.key in there and there[each.key].value == each.value]
    differ = [each for each in lines if each.key in there and there[each.key].value != each.value]
    absent = [each for each in lines if each.key not in there]
    wanted = absent + (differ if replace else [])
    for group in _groups(wanted):
        expect = {e.key: there[e.key].mod_revision if e.key in there else 0 for e in group}
        try:
            if len(group) == 1:  # A value of the largest size leaves a commit no room for its key.
                store.put(group[0].key, group[0].value, expect=expect[group[0].key])
            else:
                store.commit([Write(each.key, each.value) for each in group], expect=expect)
        except Conflict as error:
            raise CopyError(f"{error.key} changed meanwhile: run it again") from error
    return Copied(len(wanted), len(same), [] if replace else [each.key for each in differ])


def _groups(lines: list[Line]) -> Iterator[list[Line]]:
    group: list[Line] = []
    size = 0
    for line in lines:
        length = len(line.key) + len(line.value.encode())
        if group and (len(group) >= MAX_WRITES or size + length > MAX_COMMIT):
            yield group
            group, size = [], 0
        group.append(line)
        size += length
    if group:
        yield group
