"""The times that a table takes: a row outside of them is moved to their edge and marked."""

from dataclasses import dataclass

from pie.platform.facts.rows import StoredRow

DAY = 86_400
_FAR = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Days a table takes rows of, as seen from ``now`` (Unix seconds).

    The bounds are whole days, so that at any moment the rows of one day are all moved or none is:
    what one day's rows become is then one insert (see ``dedupe``).
    """

    now: float
    keep_days: int

    def fit(self, rows: list[StoredRow]) -> None:
        """Set ``day`` and, for rows out of the window, ``ts`` and ``clamped``."""
        now = self.now
        today = int(now // DAY)
        oldest, newest = today - self.keep_days, today + 1
        for row in rows:
            day = int(row.ts // DAY)
            row.clamped = 0
            if oldest <= day <= newest:
                row.day = day
                continue
            row.day = max(-_FAR, min(_FAR, day))
            row.clamped = 1
            # The past keeps its order as far as it can; the future is taken to be now.
            moved = now if day > newest else float((oldest + 1) * DAY)
            row.ts = int(moved) if isinstance(row.ts, int) else moved


def partition(row: StoredRow) -> int:
    """The day that a fitted row is stored under."""
    return int(row.ts // DAY)
