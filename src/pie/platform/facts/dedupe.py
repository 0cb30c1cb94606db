"""Exactly once: how far each source was committed, for each day of its rows.

The mark is kept by (source, day) since an insert is atomic for one day only: a batch that spans two
days may be committed for one and lost for the other. The day is that of the ts the sender gave,
not of the ts that was stored, so that a row has the same mark whenever it is sent again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter

from pie.platform.facts.rows import StoredRow

Position = tuple[int, int]
"""(src, day): what has one mark."""

LoadMarks = Callable[[Collection[int]], Iterable[tuple[int, int, int]]]
"""The store's (src, day, highest pos) for some sources."""

_by_pos = attrgetter("pos")


class HighWater:
    """The committed marks of the sources in use, read from the store when first needed.

    Args:
        load: reads the marks of sources from the store.
        max_sources: beyond this many in memory, all are forgotten (and read again).
    """

    def __init__(self, load: LoadMarks, max_sources: int = 100_000) -> None:
        self._load = load
        self._max_sources = max_sources
        self._known: dict[int, dict[int, int]] = {}

    def learn(self, sources: Collection[int]) -> None:
        """Make sure that the marks of these sources are known. Raises what ``load`` raises."""
        missing = [src for src in sources if src not in self._known]
        if not missing:
            return
        if len(self._known) + len(missing) > self._max_sources:
            self._known.clear()
            missing = list(sources)
        marks = list(self._load(missing))
        for src in missing:
            self._known[src] = {}
        for src, day, pos in marks:
            self._known[src][day] = pos

    def get(self, position: Position) -> int:
        """The highest committed pos, -1 if none."""
        src, day = position
        return self._known[src].get(day, -1)

    def raise_to(self, marks: dict[Position, int]) -> None:
        """These are committed."""
        for (src, day), pos in marks.items():
            if src in self._known:
                self._known[src][day] = pos

    def forget(self, sources: Iterable[int]) -> None:
        """What is stored of these sources is uncertain: read it again when needed."""
        for src in sources:
            self._known.pop(src, None)


def fresh_rows(
    rows: list[StoredRow], high: Callable[[Position], int], reached: dict[Position, int]
) -> list[StoredRow]:
    """The rows beyond their marks, each position once.

    Args:
        rows: of one post, in the order sent. Rows without a source are always fresh.
        high: the committed marks.
        reached: marks reached by earlier rows of the same insert; raised by this call.
    """
    groups: dict[Position, list[StoredRow]] = defaultdict(list)
    for row in rows:
        groups[(row.src, row.day)].append(row)
    fresh: list[StoredRow] = []
    for position, group in groups.items():
        if position[0] == 0:
            fresh += group
            continue
        group.sort(key=_by_pos)
        top = max(reached.get(position, -1), high(position))
        for row in group:
            if row.pos > top:
                top = row.pos
                fresh.append(row)
        reached[position] = top
    return fresh
