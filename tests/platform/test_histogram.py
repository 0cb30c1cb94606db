"""Percentiles out of histograms: how far they may be from the true ones."""

import random

from pie.observe.facts.rows import histogram_bucket
from pie.platform.ask.histogram import PERCENTILE_ERROR, percentile_ms


def asked(durations, share):
    histogram = {}
    for duration in durations:
        bucket = histogram_bucket(duration)
        histogram[bucket] = histogram.get(bucket, 0) + 1
    return percentile_ms(histogram, share, sum(durations))


def test_calls_that_all_take_the_same_have_that_as_every_percentile():
    for duration in (5_000, 1, 0, 123_456_789):
        for share in (0.01, 0.5, 0.99, 1.0):
            assert asked([duration] * 1000, share) == round(duration / 1000, 3)


def test_a_percentile_is_within_the_bound():
    source = random.Random(3)
    for shape in (lambda: source.lognormvariate(9, 1), lambda: source.choice([5000, 5100, 90_000])):
        durations = sorted(int(shape()) for _ in range(5_001))
        for share in (0.5, 0.9, 0.99):
            true = durations[int(share * 5_000)] / 1000
            assert abs(asked(durations, share) - true) <= PERCENTILE_ERROR * true + 0.001
