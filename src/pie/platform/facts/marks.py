"""The marks of positions: how far each source was committed to a table, for each day of its rows.

Order of writing: the rows first, their marks after them, the answer to the sender last. A mark that
stood before its rows would make a process killed in between take the resent rows for duplicates,
and lose them. A process killed after the rows and before their marks leaves rows without marks; so
whoever reads marks reads the rows as well and takes the higher of the two. An insert of marks that
fails is repeated with the next one; the post is answered, for its rows are stored.

The marks outlast the rows: before anything removes rows by itself (thinning does, later), it writes
their marks. Rows that age out of a table do so days after their marks were written.
"""

from collections.abc import Collection

import msgspec

from pie.platform.facts.dedupe import Position
from pie.platform.facts.engine import Engine
from pie.platform.facts.errors import StoreError
from pie.platform.facts.schema import MARKS, Mark

_SOURCES_A_QUERY = 1000
_MOST_WAITING = 100_000

_encoder = msgspec.json.Encoder()


class Marks:
    """The marks of one table in the store. For one thread."""

    def __init__(self, engine: Engine, table: str) -> None:
        self._engine = engine
        self._table = table
        self._waiting: dict[Position, int] = {}

    def load(self, sources: Collection[int]) -> list[tuple[int, int, int]]:
        """(src, day, highest committed pos) of some sources, by their marks and their rows.

        Raises:
            StoreError: the store cannot be asked.
        """
        wanted = list(sources)
        found: list[tuple[int, int, int]] = []
        for start in range(0, len(wanted), _SOURCES_A_QUERY):
            params = {"sources": wanted[start : start + _SOURCES_A_QUERY], "name": self._table}
            rows = self._engine.query(_highest(self._table), params)
            found += [(row["src"], row["day"], row["pos"]) for row in rows]
        return found

    def note(self, reached: dict[Position, int]) -> None:
        """These are committed: write it down, now or with the next ones."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting |= reached
        if not self._waiting:
            return
        marks = [Mark(self._table, src, day, pos) for (src, day), pos in self._waiting.items()]
        try:
            self._engine.insert(MARKS.name, _encoder.encode_lines(marks))
        except StoreError:
            return  # Until they are written, their rows stand for them.
        self._waiting.clear()


def _highest(table: str) -> str:
    return f"""
    SELECT src, day, max(pos) AS pos FROM (
      SELECT src, day, pos FROM {MARKS.name}
      WHERE table_name = {{name:String}} AND src IN {{sources:Array(UInt64)}}
      UNION ALL
      SELECT src, day, max(pos) AS pos FROM {table}
      WHERE src IN {{sources:Array(UInt64)}} GROUP BY src, day
    )
    GROUP BY src, day
    """
