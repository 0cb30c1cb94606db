"""Notices rows that are no longer there: damaged parts set aside, parts and tables removed.

The column store opens with what it finds. It sets a damaged part aside and says so only to who
asks; of a part that is gone it knows nothing. So the number of rows of each day of each table is
written down beside the store from time to time, and compared when the store is opened. What is
missing is reported at each start until the day is too old to be kept.

Rows only grow in number until their whole day is dropped, so that an older list raises no false
alarm; rows that came after the last list and are lost are not noticed.
"""

import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import msgspec

from pie.platform.facts.engine import Engine
from pie.platform.facts.files import write_atomically
from pie.platform.facts.schema import TABLES

_DAY_S = 86_400
_KEPT_DAYS = {table.name: table.days for table in TABLES}
_SHOWN_DAYS = 5

_Counts = dict[str, dict[str, int]]
"""Rows by table and day (``20261130``)."""

_ROWS = """
    SELECT table, partition_id AS day, toUInt64(sum(rows)) AS rows FROM system.parts
    WHERE active AND database = currentDatabase() GROUP BY table, day
"""
_SET_ASIDE = """
    SELECT table, toUInt64(count()) AS parts, any(path) AS path FROM system.detached_parts
    WHERE database = currentDatabase() AND (reason LIKE 'broken%' OR reason LIKE 'covered%')
    GROUP BY table ORDER BY table
"""


class _Content(msgspec.Struct):
    rows: _Counts
    missing: _Counts


class Inventory:
    """The list of one store.

    Args:
        path: the file with the list, outside of the store: it is to outlast it.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._content = _read(path)

    def compare(self) -> list[str]:
        """Sentences about what is damaged or missing; empty when all is there.

        Raises:
            StoreError: the store cannot be asked.
        """
        found, today = self._count(), int(time.time() // _DAY_S)
        known = self._content
        missing: _Counts = defaultdict(dict)
        for table in found:
            rows, before = known.rows.get(table, {}), known.missing.get(table, {})
            for day in rows.keys() | before.keys():
                lost = before.get(day, 0) + max(0, rows.get(day, 0) - found[table].get(day, 0))
                if lost and not _is_over(table, day, today):
                    missing[table][day] = lost
        self._content = _Content(found, dict(missing))
        return self._set_aside() + [self._sentence(*each) for each in missing.items()]

    def write(self) -> None:
        """Write down what is there now.

        Raises:
            StoreError: the store cannot be asked.
            OSError: the list cannot be written; the older one is still there.
        """
        self._content.rows = self._count()
        content = msgspec.json.encode(self._content)
        if not self._path.exists() or self._path.read_bytes() != content:
            write_atomically(self._path, content)

    def _count(self) -> _Counts:
        counts: _Counts = {name: {} for name in _KEPT_DAYS}
        for row in self._engine.query(_ROWS):
            if row["table"] in counts:
                counts[row["table"]][row["day"]] = row["rows"]
        return counts

    def _set_aside(self) -> list[str]:
        return [
            f"{row['parts']} parts of the table {row['table']} are damaged and were set aside, and "
            f"their rows are not found: put their files back from a backup, or delete "
            f"{Path(row['path']).parent} to end this message"
            for row in self._engine.query(_SET_ASIDE)
        ]

    def _sentence(self, table: str, days: dict[str, int]) -> str:
        shown = [f"{day} ({rows} rows)" for day, rows in sorted(days.items())[-_SHOWN_DAYS:]]
        if len(days) > _SHOWN_DAYS:
            shown.insert(0, f"{len(days) - _SHOWN_DAYS} more days")
        return (
            f"rows of the table {table} are missing: {', '.join(shown)}. Files of the store were "
            f"damaged or removed; put them back from a backup, or delete {self._path} before the "
            "next start to end this message"
        )


def _is_over(table: str, day: str, today: int) -> bool:
    """Whether the rows of a day may have been dropped for their age."""
    try:
        number = date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal()
    except ValueError:
        return True
    return number - date(1970, 1, 1).toordinal() <= today - _KEPT_DAYS.get(table, 0)


def _read(path: Path) -> _Content:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Content)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return _Content({}, {})
