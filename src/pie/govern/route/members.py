"""The endpoints of a service by cluster and lane, indexed once for each list of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pie.model import Endpoint

BASE = ""
"""The lane that has instances of every service."""
UNKNOWN = "?"
"""Stands for every lane that no endpoint belongs to: such names come from the wire. No lane can
have this name."""


class Members(NamedTuple):
    """What a cluster has for calls of a lane.

    Attributes:
        endpoints: none where the cluster has none for the lane.
        fallen: the lane has none, and these are of the base lane.
    """

    endpoints: tuple[Endpoint, ...]
    fallen: bool = False


class Index:
    """A list of endpoints.

    Args:
        endpoints: of all clusters and lanes.
        weighed_by: the name of the rule whose weights they have; empty = those they registered.
    """

    def __init__(self, endpoints: Sequence[Endpoint], weighed_by: str = "") -> None:
        self.endpoints = endpoints
        self.weighed_by = weighed_by
        found: dict[str, dict[str, list[Endpoint]]] = {}
        for each in endpoints:
            found.setdefault(each.cluster, {}).setdefault(each.env, []).append(each)
        self._clusters: Mapping[str, Mapping[str, tuple[Endpoint, ...]]] = {
            cluster: {lane: tuple(its) for lane, its in lanes.items()}
            for cluster, lanes in found.items()
        }
        self._lanes = frozenset(lane for lanes in found.values() for lane in lanes)

    def lane_of(self, lane: str) -> str:
        """A lane as the index knows it."""
        return lane if lane == BASE or lane in self._lanes else UNKNOWN

    def of(self, cluster: str, lane: str) -> Members:
        """The endpoints of a cluster for calls of a lane: those of the lane, else of the base."""
        lanes = self._clusters.get(cluster, {})
        if lane in lanes:
            return Members(lanes[lane])
        return Members(lanes.get(BASE, ()), fallen=lane != BASE)

    def lanes_of(self, cluster: str) -> list[str]:
        """The lanes, other than the base, that a cluster has endpoints of."""
        return sorted(lane for lane in self._clusters.get(cluster, {}) if lane != BASE)
