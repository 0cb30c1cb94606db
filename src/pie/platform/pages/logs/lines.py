"""Lines out of the store: their columns, their order, and search from the newest on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pie.model import Failure, Kind
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.pages.logs.filters import MICROS, LogFilter, Window
from pie.platform.pages.logs.views import Line

Order = Literal["desc", "asc"]

MESSAGE_SHOWN = 16_384
STACK_SHOWN = 32_768
FIELD_SHOWN = 2_048

_WHOLE = 4 << 20
_ID = re.compile(r"(-?\d{1,17})-(\d{1,20})-(\d{1,20})", re.ASCII)
_SLICES = (900.0, DAY)
"""Seconds: how much time is searched at first, then, and then, until enough lines are found."""


def columns_sql(message: int = MESSAGE_SHOWN, stack: int = STACK_SHOWN) -> str:
    """The columns of a ``Line``, its texts cut to so many characters."""
    whole = message >= _WHOLE
    fields = "fields" if whole else f"mapApply((k, v) -> (k, leftUTF8(v, {FIELD_SHOWN})), fields)"
    cut = (
        "false"
        if whole
        else f"CAST(lengthUTF8(message) > {message} OR lengthUTF8(stack) > {stack} "
        f"OR arrayExists(v -> lengthUTF8(v) > {FIELD_SHOWN}, mapValues(fields)), 'Bool')"
    )
    return f"""
concat(toString(toUnixTimestamp64Micro(ts)), '-', toString(src), '-', toString(pos)) AS id,
toUnixTimestamp64Micro(ts) / 1e6 AS ts, level, psm, cluster, host, folder, file, line, process,
thread, logid, span_id, leftUTF8(message, {message}) AS message, leftUTF8(stack, {stack}) AS stack,
if(stack_hash = 0, '', toString(stack_hash)) AS stack_hash, {fields} AS fields, {cut} AS cut"""


COLUMNS = columns_sql()
WHOLE_COLUMNS = columns_sql(_WHOLE, _WHOLE)


@dataclass(frozen=True, slots=True, order=True)
class LineId:
    """A line in the order of all lines: time in microseconds, source, position."""

    micros: int
    src: int
    pos: int

    @classmethod
    def parse(cls, text: str) -> "LineId":
        """Raises ``Failure`` unless it is one."""
        match = _ID.fullmatch(text)
        if match is None or max(int(match[2]), int(match[3])) >= 2**64:
            raise Failure(
                Kind.INVALID,
                f"{text[:80]!r} is no id of a line: it is the `id` or `next` of an answer",
            )
        return cls(int(match[1]), int(match[2]), int(match[3]))


@dataclass(frozen=True, slots=True)
class Found:
    """Lines, and whether there are more behind them."""

    lines: list[Line]
    more: bool


async def find_lines(
    ask: Ask,
    wanted: LogFilter,
    window: Window,
    order: Order,
    limit: int,
    cursor: LineId | None = None,
) -> Found:
    """The first lines of an order, looked for in slices of time that grow.

    Args:
        cursor: the line after which to go on.
    """
    lines: list[Line] = []
    for part in time_slices(_after(window, cursor, order), order):
        params = Params()
        where = wanted.where(params, part)
        if cursor is not None:
            where += f" AND {_beyond(cursor, order, params)}"
        sql = (
            f"SELECT {COLUMNS} FROM logs WHERE {where} "
            f"ORDER BY {order_by(order)} LIMIT {limit + 1 - len(lines)}"
        )
        lines += decode(await ask(sql, params.values), Line)
        if len(lines) > limit:
            break
    return Found(lines[:limit], more=len(lines) > limit)


def order_by(order: Order) -> str:
    """The order of lines; it is total, so that paging meets each once."""
    return ", ".join(f"{column} {order.upper()}" for column in ("logs.ts", "src", "pos"))


def time_slices(window: Window, order: Order) -> Iterator[Window]:
    """The window cut into parts that grow, from the end where the order begins."""
    since, until = window.since, window.until
    for seconds in _SLICES:
        size = int(seconds * MICROS)
        if until - since <= size + size // 2:
            break
        if order == "desc":
            yield Window(until - size, until)
            until -= size
        else:
            yield Window(since, since + size)
            since += size
    if since < until:
        yield Window(since, until)


def _after(window: Window, cursor: LineId | None, order: Order) -> Window:
    if cursor is None:
        return window
    if order == "desc":
        return Window(window.since, min(window.until, cursor.micros + 1))
    return Window(max(window.since, cursor.micros), window.until)


def _beyond(cursor: LineId, order: Order, params: Params) -> str:
    comparison = "<" if order == "desc" else ">"
    micros = params.add(cursor.micros, "Int64")
    src, pos = params.add(cursor.src, "UInt64"), params.add(cursor.pos, "UInt64")
    return f"(toUnixTimestamp64Micro(logs.ts), src, pos) {comparison} ({micros}, {src}, {pos})"
