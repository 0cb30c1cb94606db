"""The number of lines: of whole days straight from the index, of the days at both ends by time.

A condition on ``ts`` makes the store read the time of every line. A whole day is a partition, and
how many of its lines have a word is known without reading any of them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.pages.logs.filters import MICROS, LogFilter, Window, within

_DAY = DAY * MICROS


class _Total(msgspec.Struct):
    total: int


async def total_of(ask: Ask, wanted: LogFilter, window: Window) -> int:
    """How many lines there are."""
    params = Params()
    union = " UNION ALL ".join(
        f"(SELECT count() AS total FROM logs WHERE {where})"
        for where in _parts(wanted, window, params)
    )
    return sum(row.total for row in decode(await ask(union, params.values), _Total))


def _parts(wanted: LogFilter, window: Window, params: Params) -> Iterator[str]:
    """The conditions of the whole days of a window, and of what is left at its ends."""
    begin, end = -(-window.since // _DAY), window.until // _DAY
    if begin >= end:
        yield wanted.where(params, window)
        return
    days = [datetime.fromtimestamp(day * DAY, UTC).strftime("%Y%m%d") for day in range(begin, end)]
    yield (f"_partition_id IN {params.add(days, 'Array(String)')} AND {wanted.where(params, None)}")
    for edge in Window(window.since, begin * _DAY), Window(end * _DAY, window.until):
        if edge.since < edge.until:
            yield f"{within(edge, params)} AND {wanted.where(params, None)}"
