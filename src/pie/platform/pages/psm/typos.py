"""Names that may be typing errors: those that differ from a known PSM in one part, slightly. Pure.

`pie.state.registry.nearest` offers suggestions to somebody who asks for a missing name. Here names
are *accused*, so ``app.user.list`` beside ``app.user.feed`` must not be: two parts are equal, the
third is a few edits away in relation to its length, and not in digits alone (``api2``).
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from pie.model import PSM

MAX_LIKE = 3
_DIGITS = re.compile(r"\d+")
_LETTERS_PER_EDIT = 4
_MOST_EDITS = 2
_MOST_COMPARED = 2_000
"""Known names that one name is compared with, so that a large product costs no seconds."""


class KnownNames:
    """PSMs that exist, grouped by each two of their parts."""

    def __init__(self, psms: Iterable[str]) -> None:
        self._by_parts: dict[tuple[int, str, str], list[str]] = defaultdict(list)
        for name in psms:
            parts = PSM.parse(name)
            for place in range(3):
                self._by_parts[_others(parts, place)].append(parts[place])

    def like(self, psm: str) -> list[str]:
        """Known names that this one may be meant to be, the nearest first."""
        parts = PSM.parse(psm)
        found: list[tuple[int, str]] = []
        for place in range(3):
            part = parts[place]
            most = min(_MOST_EDITS, len(part) // _LETTERS_PER_EDIT)
            for known in self._by_parts.get(_others(parts, place), ())[:_MOST_COMPARED]:
                if abs(len(known) - len(part)) > most or _lettered(known) == _lettered(part):
                    continue
                edits = distance(part, known)
                if edits <= most:
                    name = ".".join((*parts[:place], known, *parts[place + 1 :]))
                    found.append((edits, name))
        return [name for _, name in sorted(found)[:MAX_LIKE]]


def distance(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two texts.

    Optimal string alignment distance (Damerau 1964, restricted: no letter is edited twice).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _lettered(part: str) -> str:
    return _DIGITS.sub("", part)


def _others(parts: PSM, place: int) -> tuple[int, str, str]:
    first, second = (part for at, part in enumerate(parts) if at != place)
    return place, first, second
