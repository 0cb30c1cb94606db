"""Which part of a limit of a whole service is this instance's.

Each of n live instances has an equal part, 1/n: clients spread calls evenly, as *balance* does. An
instance counts its peers in the registry, and goes on with the last list while that is away, so a
part is never 0. An instance that knows no list has the whole: for a moment too much is admitted
rather than nothing. Where the demand is known, ``Level.part`` is used instead (``demand``).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pie._core import native
from pie.govern.scope import Pattern, Scope


class PythonShare:
    """A part of a limit, above 0 to 1. Twin: ``native.Share``."""

    __slots__ = ("part",)

    def __init__(self) -> None:
        self.part = 1.0


Share = PythonShare
if not TYPE_CHECKING and native is not None:
    Share = native.Share


class Shares:
    """The parts of this instance, by the clusters that a rule is for."""

    def __init__(self) -> None:
        self._clusters: list[str] = []
        self._shares: dict[Pattern, Share] = {}

    def of(self, clusters: Pattern) -> Share:
        """The part in limits for these clusters; always the same object."""
        found = self._shares.get(clusters)
        if found is None:
            found = self._shares[clusters] = Share()
            self._set(clusters, found)
        return found

    def count(self, clusters: Iterable[str]) -> None:
        """The clusters of all live instances of the service, once for each instance."""
        self._clusters = list(clusters)
        for pattern, share in list(self._shares.items()):
            self._set(pattern, share)

    def _set(self, pattern: Pattern, share: Share) -> None:
        scope = Scope(cluster=pattern)
        share.part = 1 / max(1, sum(map(scope.is_for_cluster, self._clusters)))
