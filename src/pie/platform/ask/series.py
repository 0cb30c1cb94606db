"""Calls over time: sums by slot, as the buckets that charts are drawn of, beside those of a day or
a week before."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from fastapi import Query

from pie.platform.ask.asking import DAY, Ask
from pie.platform.ask.coverage import Slots, covered
from pie.platform.ask.histogram import PERCENTILE_ERROR, percentile_ms
from pie.platform.ask.sums import Sums

Against = Literal["", "day", "week"]
"""What a series is compared with: nothing, the same time of the day before, or of the week
before."""
AgainstQuery = Annotated[Against, Query()]
_BACK: Final = {"day": DAY, "week": 7 * DAY}


class SlotRow(Sums, kw_only=True):
    """Calls that ended in one slot of a series."""

    slot: int


@dataclass(slots=True)
class SeriesBucket:
    """Calls that ended in ``step_s`` seconds from ``ts`` on.

    Counts are null where nothing is known: no service of the fleet reported a call then. Times are
    null without calls.
    """

    ts: int
    count: int | None
    failures: int | None
    rejected: int | None
    business: int | None
    avg_ms: float | None
    p50_ms: float | None
    p99_ms: float | None


@dataclass(slots=True, kw_only=True)
class Series:
    """Calls over time.

    The edges reach to ``until``, which may be before the end of the last bucket. ``past`` has a
    bucket for each of ``buckets``, of the day or the week before; nothing unless that was asked.
    """

    since: int
    until: int
    step_s: int
    buckets: list[SeriesBucket]
    against: Against = ""
    past: list[SeriesBucket] = field(default_factory=list)
    percentile_error: float = PERCENTILE_ERROR


Rows = Callable[[Slots], Awaitable[Iterable[SlotRow]]]
"""Asks for the sums of slots."""


async def buckets(ask: Ask, slots: Slots, rows: Iterable[SlotRow]) -> list[SeriesBucket]:
    """A bucket for every slot."""
    return fill(slots, rows, await covered(ask, slots))


async def past_buckets(ask: Ask, slots: Slots, against: Against, rows: Rows) -> list[SeriesBucket]:
    """The buckets of the slots a day or a week before; none if there is nothing to compare with."""
    if not against:
        return []
    # Every step divides a day, so that slots stand where they stood then.
    before = Slots(slots.since - _BACK[against], slots.step, slots.count)
    return await buckets(ask, before, await rows(before))


def fill(slots: Slots, rows: Iterable[SlotRow], known: Collection[int]) -> list[SeriesBucket]:
    """Every slot: zeros where no call ended, null where nothing is known. Pure."""
    found = {row.slot: row for row in rows}
    none = Sums()
    made = []
    for slot in range(slots.count):
        at = slots.since + slot * slots.step
        sums = found.get(slot, none)
        if slot not in known and sums is none:
            made.append(SeriesBucket(at, None, None, None, None, None, None, None))
            continue
        times = sums.histogram, sums.duration_us
        made.append(
            SeriesBucket(
                ts=at,
                count=sums.calls,
                failures=sums.failures,
                rejected=sums.rejected,
                business=sums.business,
                avg_ms=sums.average_ms if sums.calls else None,
                p50_ms=percentile_ms(times[0], 0.5, times[1]) if sums.calls else None,
                p99_ms=percentile_ms(times[0], 0.99, times[1]) if sums.calls else None,
            )
        )
    return made
