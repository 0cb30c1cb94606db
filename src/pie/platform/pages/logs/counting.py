"""The number of lines: of whole days straight from the index, of the days at both ends by time.

A condition on ``ts`` makes the store read the time of every line. A whole day is a partition, and
how many of its lines have a word is known without reading any of them.
"""

from datetime import UTC, datetime

import msgspec

from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.pages.logs.filters import MICROS, LogFilter, Window, within

_DAY = DAY * MICROS


class _Total(msgspec.Struct):
    total: int


class _Ends(msgspec.Struct):
    day: str
    first: int
    last: int


async def total_of(ask: Ask, wanted: LogFilter, window: Window) -> int:
    """How many lines there are."""
    days, edges = _split(window)
    if edges:
        ends = await _ends(ask, [_day(edge.since) for edge in edges])
        whole = [edge for edge in edges if _holds(window, ends.get(_day(edge.since)))]
        days += [_day(edge.since) for edge in whole]
        edges = [edge for edge in edges if edge not in whole]
    params = Params()
    where = [f"{within(edge, params)} AND {wanted.where(params, None)}" for edge in edges]
    if days:
        among = f"_partition_id IN {params.add(days, 'Array(String)')}"
        where.append(f"{among} AND {wanted.where(params, None)}")
    union = " UNION ALL ".join(
        f"(SELECT count() AS total FROM logs WHERE {each})" for each in where
    )
    return sum(row.total for row in decode(await ask(union, params.values), _Total))


def _split(window: Window) -> tuple[list[str], list[Window]]:
    """The whole days of a window, and what of it lies in the other one or two."""
    begin, end = -(-window.since // _DAY), window.until // _DAY
    if begin > end:
        return [], [window]
    edges = Window(window.since, begin * _DAY), Window(end * _DAY, window.until)
    days = [_day(number * _DAY) for number in range(begin, end)]
    return days, [edge for edge in edges if edge.since < edge.until]


async def _ends(ask: Ask, days: list[str]) -> dict[str, _Ends]:
    """The times of the first and the last line of days, which are known without a look at them."""
    rows = await ask(
        "SELECT _partition_id AS day, toUnixTimestamp64Micro(min(logs.ts)) AS first, "
        "toUnixTimestamp64Micro(max(logs.ts)) AS last FROM logs "
        "WHERE _partition_id IN {days:Array(String)} GROUP BY _partition_id",
        {"days": days},
    )
    return {row.day: row for row in decode(rows, _Ends)}


def _holds(window: Window, ends: _Ends | None) -> bool:
    return ends is None or (window.since <= ends.first and ends.last < window.until)


def _day(micros: int) -> str:
    """The partition of a time."""
    return datetime.fromtimestamp(micros // MICROS, UTC).strftime("%Y%m%d")
