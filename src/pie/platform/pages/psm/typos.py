"""Names that may be typing errors: those one edit away from a known PSM, in one part. Pure.

`pie.state.registry.nearest` offers suggestions to somebody who asks for a missing name. Here names
are *accused*, so ``app.user.list`` beside ``app.user.feed`` must not be: two parts are equal, and
the third differs by one letter that is missing, added, replaced or swapped with its neighbour, not
by a digit (``api2``).

Names come from calls, so anybody can send thousands that are nearly alike, and comparing each with
each would take minutes. But two texts one edit apart share a text that lacks one letter of either:
known parts are found under those (the deletion index of SymSpell, W. Garbe 2012).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

MAX_LIKE = 3
MIN_LETTERS = 4
"""Shorter parts are too often one edit apart by intention."""

_DIGITS = re.compile(r"\d+")

_Around = tuple[int, str, str]
"""Which part of a PSM is left out, and the other two."""


class KnownNames:
    """PSMs that exist, to be compared with others."""

    def __init__(self, psms: Iterable[str]) -> None:
        self._parts: dict[_Around, list[str]] = defaultdict(list)
        for psm in psms:
            for around, part in _splits(psm):
                self._parts[around].append(part)
        self._indexes: dict[_Around, dict[str, list[str]]] = {}

    def like(self, psm: str) -> list[str]:
        """Known names that this one may be meant to be, in order of the alphabet."""
        found = set()
        for around, part in _splits(psm):
            if len(part) < MIN_LETTERS or around not in self._parts:
                continue
            index = self._index(around)
            for known in {known for each in _shortened(part) for known in index.get(each, ())}:
                if _lettered(known) != _lettered(part) and is_one_edit(part, known):
                    found.add(_joined(around, known))
        return sorted(found)[:MAX_LIKE]

    def _index(self, around: _Around) -> dict[str, list[str]]:
        """The known parts of one place by each text that lacks one of their letters."""
        index = self._indexes.get(around)
        if index is None:
            index = self._indexes[around] = defaultdict(list)
            for part in self._parts[around]:
                for each in _shortened(part):
                    index[each].append(part)
        return index


def is_one_edit(one: str, other: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours leads to the other."""
    if len(one) > len(other):
        one, other = other, one
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return one != other
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def _splits(psm: str) -> Iterator[tuple[_Around, str]]:
    product, subsystem, module = psm.split(".")
    yield (0, subsystem, module), product
    yield (1, product, module), subsystem
    yield (2, product, subsystem), module


def _joined(around: _Around, part: str) -> str:
    index, *parts = around
    parts.insert(index, part)
    return ".".join(parts)


def _shortened(part: str) -> set[str]:
    return {part, *(part[:i] + part[i + 1 :] for i in range(len(part)))}


def _lettered(part: str) -> str:
    return _DIGITS.sub("", part)
