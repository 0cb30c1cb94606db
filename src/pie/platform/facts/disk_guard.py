"""Keeps the column store away from a full disk, where it does not notice writes that fail.

chDB asks for room before it writes a part, by an estimate. When the disk fills up meanwhile, files
of the part are cut off and the insert or merge succeeds all the same, and there may be room again
before anybody looks. So inserts are refused, and merges stopped, while there is little room; and of
each new part the sizes of its files are compared with what chDB means to have written; while there
is no room it is read back, too. If it is damaged, this process ends before anybody is told that the
rows are stored: the next start sets the part aside, takes up the parts it was merged from
(``old_parts_lifetime`` in ``chdb.xml``), and the senders send the rest again.

What chDB counts as the bytes of a part is its own affair: where the parts of a store that was just
opened do not have their size, only reading back tells.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pie.platform.facts.errors import StoreError
from pie.platform.facts.home import ROOM

_TIGHT = 32 << 20
"""Bytes of free disk below which a write may have failed that was begun with ``ROOM``."""
_LATE_S = 120

_Query = Callable[[str], list[dict[str, Any]]]

_ALL_PARTS = """
    SELECT table, name, path, bytes_on_disk AS bytes FROM system.parts
    WHERE active AND database = currentDatabase()
"""
_NEW_PARTS = f"{_ALL_PARTS} AND modification_time > now() - {_LATE_S}"

_UNCOUNTED = frozenset(
    {
        "checksums.txt",
        "columns.txt",
        "columns_substreams.txt",
        "default_compression_codec.txt",
        "metadata_version.txt",
    }
)
"""Files of a part that are not in its ``bytes_on_disk``."""


class DiskGuard:
    """Watches the disk of one store.

    Args:
        free: bytes of disk that are left.
        fail: ends this process after it said why.
    """

    def __init__(
        self,
        query: _Query,
        execute: Callable[[str], None],
        free: Callable[[], int],
        fail: Callable[[str], None],
    ) -> None:
        self._query = query
        self._execute = execute
        self._free = free
        self._fail = fail
        self._merges_stopped = False
        self._sound: set[tuple[str, str]] = set()
        """Parts that were looked at already."""
        self._sizes_tell: bool | None = None
        """Whether the size of a part tells that it is whole; None before the first look."""

    def before_insert(self, size: int) -> None:
        """Make sure that there is room for rows of ``size`` bytes.

        Raises:
            StoreError: there is not.
        """
        free = self._free()
        if free < ROOM + 4 * size:
            self._stop_merges()
            raise StoreError(
                f"the disk of the facts has {free >> 20} MB left, too little to add rows: make "
                f"room, {(ROOM >> 20) + 1} MB at least"
            )

    def look(self) -> None:
        """After an insert, and from time to time: act when room runs out, and when it is back."""
        free = self._free()
        if free < _TIGHT:
            self._stop_merges()
        elif self._merges_stopped and free > 2 * ROOM:
            self._execute("SYSTEM START MERGES")
            self._merges_stopped = False
        self._look_at_new_parts(read_back=free < _TIGHT)

    def _stop_merges(self) -> None:
        if not self._merges_stopped:
            self._execute("SYSTEM STOP MERGES")
            self._merges_stopped = True

    def _look_at_new_parts(self, *, read_back: bool) -> None:
        if self._sizes_tell is None:
            self._sizes_tell = all(map(_has_its_size, self._query(_ALL_PARTS)))
        new = {(part["table"], part["name"]): part for part in self._query(_NEW_PARTS)}
        for (table, name), part in new.items():
            if (table, name) in self._sound:
                continue
            cut_off = self._sizes_tell and not _has_its_size(part)
            if cut_off or (read_back and not self._is_sound(table, name)):
                self._fail(
                    f"the disk ran out of room, and the part {name} of {table} is cut off: "
                    "the store is opened anew without it"
                )
            self._sound.add((table, name))
        self._sound &= new.keys()

    def _is_sound(self, table: str, name: str) -> bool:
        """Whether the part can be read back."""
        checked = self._query(f"CHECK TABLE {table} PART '{name}'")
        return all(each["is_passed"] for each in checked)


def _has_its_size(part: dict[str, Any]) -> bool:
    folder = Path(part["path"])
    try:
        sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
        counted = sum(size for name, size in sizes.items() if name not in _UNCOUNTED)
        return (
            counted == int(part["bytes"])
            and sizes.get("columns.txt", 0) > 0
            and _is_complete((folder / "checksums.txt").read_bytes())
        )
    except FileNotFoundError:
        return not folder.exists()  # It was merged: the part made of it is looked at.


def _is_complete(checksums: bytes) -> bool:
    """Whether the list of a part's files ends where its last block does: a line, then blocks of a
    hash (16 bytes), a method (1), the block's size without the hash (4), and what else is in it."""
    at = checksums.find(b"\n") + 1
    while 0 < at < len(checksums):
        at += 16 + max(9, int.from_bytes(checksums[at + 17 : at + 21], "little"))
    return 0 < at == len(checksums)


def end_process(reason: str) -> None:
    """Leave at once: nothing may be answered any more."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"pie platform: {reason}\n")
        sys.stderr.flush()
    os._exit(1)
