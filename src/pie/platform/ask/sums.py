"""What is added up of edges: counts by class of outcome, durations, their histogram."""

import msgspec

from pie.platform.ask.outcomes import COUNTS

SUMS = f"""{COUNTS}, sum(duration_us) AS duration_us, sumMap(histogram) AS histogram,
  toUnixTimestamp(max(ts)) AS latest"""
"""Columns of an aggregate over edges: the fields of ``Sums``."""


class Sums(msgspec.Struct):
    """What is added up of some edges; ``latest`` is when the newest of their buckets began."""

    calls: int = 0
    failures: int = 0
    rejected: int = 0
    business: int = 0
    duration_us: int = 0
    histogram: dict[int, int] = {}
    latest: int = 0

    @property
    def average_ms(self) -> float:
        """The average duration in milliseconds, 0 without calls."""
        return round(self.duration_us / self.calls / 1000, 3) if self.calls else 0.0
