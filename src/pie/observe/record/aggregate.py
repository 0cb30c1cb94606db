"""Exact 10-second aggregates of calls by edge: who called whom, which method, how it ended.

The twin of ``edges.c``.
"""

from typing import NamedTuple

from pie.observe.identity import Identity
from pie.observe.record.facts import EDGE_SECONDS, CallRow, EdgeRow, histogram_bucket

MAX_EDGES = 10_000
OTHER = "(other)"
"""Stands for the names of all edges beyond MAX_EDGES in one bucket: counts stay exact."""


class EdgeKey(NamedTuple):
    """What is counted apart."""

    ts: int
    side: str
    protocol: str
    caller: str
    caller_cluster: str
    callee: str
    callee_cluster: str
    method: str
    outcome: str
    code: int


class Sum:
    """Count, time and histogram of one edge in one bucket."""

    __slots__ = ("count", "duration_us", "histogram")

    def __init__(self) -> None:
        self.count = 0
        self.duration_us = 0
        self.histogram: dict[int, int] = {}


class Aggregator:
    """Adds calls up until their bucket is over. Not thread-safe: its owner holds a lock.

    A call counts in the bucket of its end. Calls of a bucket that was taken already make a further
    row, which adds up with the first.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._sums: dict[EdgeKey, Sum] = {}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, row: CallRow) -> None:
        """Count one whole call; attempts are not counted, their call is."""
        ended = row.ts + row.duration_us / 1e6
        key = EdgeKey(
            int(ended) // EDGE_SECONDS * EDGE_SECONDS,
            row.side,
            row.protocol,
            row.caller,
            row.caller_cluster,
            row.callee,
            row.callee_cluster,
            row.method,
            row.outcome,
            row.code,
        )
        found = self._sums.get(key)
        if found is None and len(self._sums) >= MAX_EDGES:
            # Names come from the wire; whoever invents ever new ones must not fill the memory.
            key = key._replace(caller=OTHER, callee=OTHER, method=OTHER)
            found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = Sum()
        found.count += 1
        found.duration_us += row.duration_us
        bucket = histogram_bucket(row.duration_us)
        found.histogram[bucket] = found.histogram.get(bucket, 0) + 1

    def take(self, before: float) -> list[EdgeRow]:
        """Take the rows of all buckets that ended at ``before`` (Unix seconds) or earlier."""
        over = [key for key in self._sums if key.ts + EDGE_SECONDS <= before]
        return [self._row(key, self._sums.pop(key)) for key in over]

    def _row(self, key: EdgeKey, total: Sum) -> EdgeRow:
        return edge_row(self._identity, *key, total.count, total.duration_us, total.histogram)


def edge_row(
    who: Identity,
    ts: int,
    side: str,
    protocol: str,
    caller: str,
    caller_cluster: str,
    callee: str,
    callee_cluster: str,
    method: str,
    outcome: str,
    code: int,
    count: int,
    duration_us: int,
    histogram: dict[int, int],
) -> EdgeRow:
    """What a process counted of one edge in one bucket."""
    return EdgeRow(
        ts=ts,
        side=side,
        protocol=protocol,
        psm=who.psm,
        cluster=who.cluster,
        env=who.env,
        host=who.host,
        instance=who.instance,
        caller=caller,
        caller_cluster=caller_cluster,
        callee=callee,
        callee_cluster=callee_cluster,
        method=method,
        outcome=outcome,
        code=code,
        count=count,
        duration_us=duration_us,
        histogram=histogram,
    )
