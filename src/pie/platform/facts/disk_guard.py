"""Keeps the column store away from a full disk, where it does not notice writes that fail.

chDB asks for room before it writes a part, by an estimate. When the disk fills up meanwhile, files
of the part are cut off and the insert or merge succeeds all the same. So inserts are refused, and
merges stopped, while there is little room; and a part written while it ran out is read back. If it
is damaged, this process ends before anybody is told that the rows are stored: the next start sets
the part aside, takes up the parts it was merged from, and the senders send the rest again.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from pie.platform.facts.errors import StoreError
from pie.platform.facts.home import ROOM

_TIGHT = 32 << 20
"""Bytes of free disk below which a write may have failed that was begun with ``ROOM``."""
_LATE_S = 120

_Query = Callable[[str], list[dict[str, Any]]]

_NEW_PARTS = f"""
    SELECT table, name FROM system.parts
    WHERE active AND database = currentDatabase() AND modification_time > now() - {_LATE_S}
"""


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
        """Parts that were read back already."""

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
            self._read_back()
        elif self._merges_stopped and free > 2 * ROOM:
            self._execute("SYSTEM START MERGES")
            self._merges_stopped = False

    def _stop_merges(self) -> None:
        if not self._merges_stopped:
            self._execute("SYSTEM STOP MERGES")
            self._merges_stopped = True

    def _read_back(self) -> None:
        new = {(part["table"], part["name"]) for part in self._query(_NEW_PARTS)}
        for table, name in new - self._sound:
            checked = self._query(f"CHECK TABLE {table} PART '{name}'")
            if not all(each["is_passed"] for each in checked):
                self._fail(
                    f"the disk ran out of room, and the part {name} of {table} is cut off: "
                    "the store is opened anew without it"
                )
            self._sound.add((table, name))
        self._sound &= new


def end_process(reason: str) -> None:
    """Leave at once: nothing may be answered any more."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"pie platform: {reason}\n")
        sys.stderr.flush()
    os._exit(1)
