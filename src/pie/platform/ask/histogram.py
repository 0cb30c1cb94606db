"""Durations out of the histograms of edges."""

from pie.observe.facts.rows import bucket_upper_us


def percentile_ms(histogram: dict[int, int], share: float) -> float:
    """The duration below which this share of the calls ended, 0 if there are none.

    Exact to the bucket, which is 5 % wide; inside it the calls are taken to be spread evenly.
    """
    wanted = sum(histogram.values()) * share
    counted = 0
    for bucket, count in sorted(histogram.items()):
        if counted + count >= wanted > 0:
            lower, upper = bucket_upper_us(bucket - 1), bucket_upper_us(bucket)
            return round((lower + (upper - lower) * (wanted - counted) / count) / 1000, 3)
        counted += count
    return 0.0
