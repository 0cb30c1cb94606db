"""Durations out of the histograms of edges."""

from pie.observe.facts.rows import HISTOGRAM_BASE, bucket_upper_us

PERCENTILE_ERROR = round(HISTOGRAM_BASE - 1, 6)
"""A percentile is at most this share of itself away from the true one: the width of a bucket."""


def percentile_ms(histogram: dict[int, int], share: float, duration_us: int = 0) -> float:
    """The duration below which this share of the calls ended, 0 if there are none.

    Exact to the bucket, see ``PERCENTILE_ERROR``. Inside it the calls are taken to be spread
    evenly; where all of them lie in one bucket, to be as long as they are on average, so that calls
    that take the same time have that time as every percentile.

    Args:
        duration_us: the sum of all durations, 0 where it is not known.
    """
    calls = sum(histogram.values())
    wanted = calls * share
    counted = 0
    for bucket, count in sorted(histogram.items()):
        if counted + count >= wanted > 0:
            lower, upper = bucket_upper_us(bucket - 1), bucket_upper_us(bucket)
            if count == calls and duration_us:
                return round(min(upper, max(lower, duration_us / calls)) / 1000, 3)
            return round((lower + (upper - lower) * (wanted - counted) / count) / 1000, 3)
        counted += count
    return 0.0
