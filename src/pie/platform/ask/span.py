"""The stretch of time that a question is about: the last seconds, or from a moment to a moment."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from pie.model import Kind
from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.asking import DAY
from pie.platform.ask.named_failure import NamedFailure

LONGEST = 400 * DAY
_LATE_S = 60
"""So much later the aggregates of a moment have come, on a road that is well."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` up to and without ``until``, in Unix seconds, whole buckets of edges.

    ``moving`` spans end now: their newest buckets have not come yet. Neither have those of a fixed
    one that is not ``settled``.
    """

    since: int
    until: int
    moving: bool
    settled: bool

    @property
    def window(self) -> int:
        """Its length in seconds; a moving one's as it was asked for."""
        return self.until - self.since - (EDGE_SECONDS if self.moving else 0)

    @property
    def params(self) -> dict[str, int]:
        """As parameters of a question."""
        return {"since": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class AskedSpan:
    """A span as a request names it."""

    window: int | None
    since: int | None
    until: int | None

    def at(self, now: float, window: int) -> Span:
        """The span, seen from ``now``; ``window`` seconds if the request names none.

        Raises:
            Failure: it ends before it begins, or is too long.
        """
        if self.since is None and self.until is None:
            return last(now, self.window or window)
        until = self.until if self.until is not None else int(now)
        since = self.since if self.since is not None else until - (self.window or window)
        if until <= since:
            raise NamedFailure(
                Kind.INVALID,
                f"until {until} is not after since {since}: swap them",
                "span_reversed",
            )
        if until - since > LONGEST:
            days = (until - since) // DAY
            raise NamedFailure(
                Kind.INVALID, f"a range of {days} days is too long: 400 at most", "span_long",
                days=days,
            )  # fmt: skip
        end = -(-until // EDGE_SECONDS) * EDGE_SECONDS
        return Span(_floor(since), end, moving=False, settled=end <= now - _LATE_S)

    def rows_until(self, now: float) -> tuple[float, float | None]:
        """Before when, and since when, rows of a list are looked for: the newest of a fixed range,
        the newest of all in a moving one."""
        if self.since is None and self.until is None:
            return now, None
        span = self.at(now, DAY)
        return span.until, span.since


def last(now: float, window: int) -> Span:
    """The last seconds."""
    end = _floor(now)
    return Span(end - window, end + EDGE_SECONDS, moving=True, settled=False)


def _floor(moment: float) -> int:
    return int(moment) // EDGE_SECONDS * EDGE_SECONDS


def _asked(
    window: Annotated[int | None, Query(ge=10, le=LONGEST)] = None,
    since: Annotated[int | None, Query(ge=0, le=4_000_000_000)] = None,
    until: Annotated[int | None, Query(ge=0, le=4_000_000_000)] = None,
) -> AskedSpan:
    asked = AskedSpan(window, since, until)
    asked.at(time.time(), DAY)
    return asked


SpanQuery = Annotated[AskedSpan, Depends(_asked)]
"""``window``: the last so many seconds; or ``since`` and ``until``, in Unix seconds."""
