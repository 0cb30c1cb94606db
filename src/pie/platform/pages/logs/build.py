"""From rows of counts to histograms, facets and groups of stacks. Pure."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from pie.observe.log.stack import error_line
from pie.platform.pages.logs.filters import FACETS, MICROS, Facet, Window
from pie.platform.pages.logs.views import (
    Bucket,
    Facets,
    FacetValue,
    Histogram,
    Line,
    StackGroup,
    StackGroups,
)

_STEPS = [
    *(1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000),
    *(seconds * MICROS for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(hours * 3600 * MICROS for hours in (1, 2, 3, 6, 12, 24)),
]
"""Widths of buckets, in microseconds."""


class Count(msgspec.Struct):
    """Lines of a level in the ``bucket``-th step since 1970."""

    bucket: int
    level: str
    count: int


class Value(msgspec.Struct):
    """Lines that have one value of a facet."""

    facet: Facet
    value: str
    count: int


class Stack(msgspec.Struct):
    """Lines with one stack; ``newest`` is the id of the last one."""

    hash: str
    count: int
    first: float
    last: float
    psms: list[str]
    newest: str


def histogram_of(window: Window, step: int, rows: Sequence[Count], took_ms: float) -> Histogram:
    """Every bucket of the window, with zeros where no line lies."""
    first, last = window.since // step, (window.until - 1) // step
    by_bucket = {number: Bucket(number * step / MICROS, 0, {}) for number in range(first, last + 1)}
    for row in rows:
        bucket = by_bucket[row.bucket]
        bucket.total += row.count
        bucket.levels[row.level] = bucket.levels.get(row.level, 0) + row.count
    since, until = window.seconds
    return Histogram(
        since=since,
        until=until,
        step_s=step / MICROS,
        buckets=list(by_bucket.values()),
        total=sum(row.count for row in rows),
        took_ms=took_ms,
    )


def facets_of(rows: Sequence[Value], took_ms: float) -> Facets:
    """The values of each facet, the most frequent first."""
    found: dict[str, list[FacetValue]] = {facet: [] for facet in FACETS}
    for row in sorted(rows, key=lambda row: (-row.count, row.value)):
        found[row.facet].append(FacetValue(row.value, row.count))
    return Facets(found, took_ms)


def stacks_of(groups: Sequence[Stack], samples: Mapping[str, Line], took_ms: float) -> StackGroups:
    """Groups with their newest line; a group whose line is gone meanwhile is left out."""
    return StackGroups(
        [
            StackGroup(
                stack_hash=group.hash,
                error=error_of(samples[group.newest]),
                count=group.count,
                first=group.first,
                last=group.last,
                psms=sorted(group.psms),
                sample=samples[group.newest],
            )
            for group in groups
            if group.newest in samples
        ],
        took_ms,
    )


def step_of(window: Window, buckets: int) -> int:
    """The width of a bucket in microseconds: a round one that gives at most ``buckets``."""
    least = math.ceil((window.until - window.since) / buckets)
    return next((step for step in _STEPS if step >= least), least)


def error_of(line: Line) -> str:
    """What went wrong: the last line of a Python stack, else the message."""
    if "Traceback (most recent call last)" not in line.stack:
        return (line.message.strip() or line.stack.strip()).partition("\n")[0][:500]
    return error_line(line.stack)[:500]
