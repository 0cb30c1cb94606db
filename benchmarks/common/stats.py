"""Interleaved rounds, and what many measurements of one thing say together."""

import statistics
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from common.measure import Broken

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Series(NamedTuple):
    """The same figure of several rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def noise(self) -> float:
        """(largest - smallest) ÷ median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    def __truediv__(self, other: "Series") -> "Series":
        """Ratios round by round, so that what slows a whole round down cancels out."""
        pairs = zip(self.values, other.values, strict=False)
        return Series(tuple(mine / theirs for mine, theirs in pairs if theirs))


class Rounds(NamedTuple, Generic[Key, Value]):
    """What was measured: by key the results of all rounds, or why there are none."""

    results: dict[Key, list[Value]]
    broken: dict[Key, str]

    def series(self, key: Key, figure: Callable[[Value], float]) -> Series | None:
        """One figure of one key; None if it could not be measured."""
        results = self.results.get(key)
        return Series(tuple(map(figure, results))) if results else None

    def why_broken(self) -> list[str]:
        """A sentence for what was not measured, and why."""
        by_reason: dict[str, list[str]] = {}
        for key, reason in self.broken.items():
            parts = key if type(key) is tuple else (key,)
            by_reason.setdefault(reason, []).append(" ".join(map(str, parts)))
        return [f"{', '.join(names)}: not measured: {why}" for why, names in by_reason.items()]


def interleave(
    count: int,
    keys: Sequence[Key],
    measure: Callable[[Key], Value],
    say: Callable[[str], None],
) -> Rounds[Key, Value]:
    """Measure for every key once a round, in an order that moves on by one each round.

    What breaks is left out from then on, with what was measured of it.
    """
    rounds: Rounds[Key, Value] = Rounds({}, {})
    for number in range(count):
        for key in _rotated(keys, number):
            if key in rounds.broken:
                continue
            parts = key if type(key) is tuple else (key,)
            say(f"round {number + 1} of {count}: {', '.join(map(str, parts))}")
            try:
                rounds.results.setdefault(key, []).append(measure(key))
            except Broken as error:
                rounds.broken[key] = str(error)
                rounds.results.pop(key, None)
    return rounds


def _rotated(keys: Sequence[Key], by: int) -> list[Key]:
    by %= max(1, len(keys))
    return [*keys[by:], *keys[:by]]


def ratio(above: Series | None, below: Series | None) -> Series | None:
    """``above / below`` where there are both."""
    return above / below if above is not None and below is not None else None
