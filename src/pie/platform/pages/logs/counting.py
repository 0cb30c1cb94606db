"""The number of lines: of whole days from the index, of days at the ends of a range by time.

A condition on ``ts`` makes the store read the time of every line. A day is a partition, and how
many lines of the whole store have a word is known without reading any of them. So most of the store
is counted whole, less what of it lies outside of the range, and little of it day by day.
"""

from typing import NamedTuple

import msgspec

from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.pages.logs.filters import MICROS, LogFilter, Window, within

_DAY = DAY * MICROS


class _Total(msgspec.Struct):
    total: int


class _Day(msgspec.Struct):
    """A partition: the times of its first and its last line, in microseconds."""

    day: str
    first: int
    last: int


class _Days(NamedTuple):
    """The days of a store by how they lie to a range: in it, over one of its ends, outside."""

    inside: list[str]
    over: list[_Day]
    outside: list[str]


async def total_of(ask: Ask, wanted: LogFilter, window: Window) -> int:
    """How many lines there are."""
    days = _sorted(decode(await ask(_DAYS, {}), _Day), window)
    params = Params()
    selects = []

    def count(sign: str, *conditions: str) -> None:
        where = " AND ".join((*conditions, wanted.where(params, None)))
        selects.append(f"(SELECT {sign}toInt64(count()) AS total FROM logs WHERE {where})")

    if len(days.outside) <= len(days.inside):
        count("")
        if days.outside:
            count("-", _among(days.outside, params))
        for day in days.over:
            # A day more on either side: for lines that come between the two questions.
            before, after = day.first - _DAY, day.last + _DAY
            for part in Window(before, window.since), Window(window.until, after):
                if day.first < part.until and part.since <= day.last:
                    count("-", _among([day.day], params), within(part, params))
    else:
        if days.inside:
            count("", _among(days.inside, params))
        for day in days.over:
            count("", _among([day.day], params), within(window, params))
    if not selects:
        return 0
    rows = decode(await ask(" UNION ALL ".join(selects), params.values), _Total)
    return sum(row.total for row in rows)


_DAYS = """
SELECT _partition_id AS day, toUnixTimestamp64Micro(min(logs.ts)) AS first,
  toUnixTimestamp64Micro(max(logs.ts)) AS last
FROM logs GROUP BY _partition_id
"""
"""Answered from the metadata of the store's parts."""


def _sorted(days: list[_Day], window: Window) -> _Days:
    found = _Days([], [], [])
    for day in days:
        if day.last < window.since or day.first >= window.until:
            found.outside.append(day.day)
        elif window.since <= day.first and day.last < window.until:
            found.inside.append(day.day)
        else:
            found.over.append(day)
    return found


def _among(days: list[str], params: Params) -> str:
    return f"_partition_id IN {params.add(days, 'Array(String)')}"
