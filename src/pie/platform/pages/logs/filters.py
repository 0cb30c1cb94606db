"""Which lines a question is about: query, tab, chosen values and time, put into one condition."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Literal, get_args

import msgspec

from pie.model import Failure, Kind, logid_time
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.logs import CLIENT_FOLDER
from pie.platform.ask.query.condition import Params, condition, level_names
from pie.platform.ask.query.fallback import FieldCondition, doubtful, with_texts
from pie.platform.ask.query.literal import literal_of
from pie.platform.ask.query.parse import parse
from pie.platform.ask.query.tree import Everything, Node, logid_of

Tab = Literal["keyword", "stack", "client"]
Facet = Literal["psm", "cluster", "host", "level", "folder"]
FACETS: tuple[Facet, ...] = get_args(Facet)

MAX_WINDOW = 10.0 * DAY
DEFAULT_WINDOW = 3600.0
MICROS = 1_000_000

_EARLIEST_ZONE = 15 * 3600.0
_LONGEST_CHAIN = float(DAY)
_LAST_TIME = 4e9


@dataclass(frozen=True, slots=True)
class Window:
    """``since <= ts < until`` in microseconds since 1970."""

    since: int
    until: int

    @property
    def seconds(self) -> tuple[float, float]:
        return self.since / MICROS, self.until / MICROS


@dataclass(frozen=True, slots=True)
class LogFilter:
    """``chosen`` holds the wanted values of a facet, any of them; none is no restriction.

    ``as_text`` holds the conditions of the query that ``node`` has as texts, see ``settle``;
    ``literal`` is the query for its text as it stands.
    """

    node: Node
    tab: Tab = "keyword"
    chosen: dict[Facet, tuple[str, ...]] = field(default_factory=dict)
    as_text: tuple[FieldCondition, ...] = ()
    literal: str = ""

    @property
    def logid(self) -> str | None:
        """The logid that the query asks for."""
        return logid_of(self.node)

    def where(self, params: Params, window: Window | None, without: Facet | None = None) -> str:
        """The condition of it all.

        Args:
            params: where its values go.
            window: the time; None leaves it to the caller.
            without: the facet whose chosen values do not count.
        """
        parts = [] if window is None else [within(window, params)]
        for facet in FACETS:
            values = self.chosen.get(facet, ())
            if values and facet != without:
                parts.append(_one_of(facet, values, params))
        if self.tab == "stack":
            parts.append("stack_hash != 0")
        elif self.tab == "client":
            parts.append(f"folder = '{CLIENT_FOLDER}'")
        columns = ("stack",) if self.tab == "stack" else ("message", "stack")
        parts.append(condition(self.node, params, columns))
        return " AND ".join(parts)


def log_filter(q: str, tab: Tab, chosen: dict[Facet, Sequence[str]]) -> LogFilter:
    """The filter of a request.

    Raises:
        QueryError: the query cannot be understood.
    """
    values: dict[Facet, tuple[str, ...]] = {facet: tuple(chosen.get(facet, ())) for facet in FACETS}
    return LogFilter(parse(q), tab, values, literal=literal_of(q))


class _Name(msgspec.Struct):
    name: str


async def settle(ask: Ask, wanted: LogFilter, window: Window) -> LogFilter:
    """The filter with texts in the place of fields that no line has: of those chosen, in the time.

    ``localhost:8080`` is pasted text as long as no line has a field ``localhost``.
    """
    maybe = tuple(doubtful(wanted.node))
    if not maybe:
        return wanted
    every = replace(wanted, node=Everything())
    params = Params()
    where = every.where(params, window)
    names = sorted({each.name for each in maybe})
    union = " UNION ALL ".join(
        f"(SELECT {key} AS name FROM logs WHERE {where} AND mapContains(fields, {key}) LIMIT 1)"
        for key in map(params.text, names)
    )
    there = {row.name for row in decode(await ask(union, params.values), _Name)}
    absent = frozenset(names) - there
    return replace(
        wanted,
        node=with_texts(wanted.node, absent),
        as_text=tuple(each for each in maybe if each.name in absent),
    )


def within(window: Window, params: Params) -> str:
    """The condition of a time; partitions and the primary key are narrowed by it."""
    since = params.add(window.since, "Int64")
    until = params.add(window.until, "Int64")
    return (
        f"logs.ts >= fromUnixTimestamp64Micro({since}, 'UTC') "
        f"AND logs.ts < fromUnixTimestamp64Micro({until}, 'UTC')"
    )


def window_of(
    now: float, since: float | None, until: float | None, logid: str | None = None
) -> Window:
    """The time a question is about: what is asked, the time in a logid, or the last hour.

    Never more than ten days. A logid may carry the second in which its chain began, in an unknown
    time zone: a window of a day and a half covers them all. It narrows nothing that was asked for.

    Raises:
        Failure: ``since`` is not before ``until``.
    """
    for name, value in (("since", since), ("until", until)):
        if value is not None and not (math.isfinite(value) and 0 <= value <= _LAST_TIME):
            raise Failure(Kind.INVALID, f"{name}={value} is no time: send Unix seconds")
    end = now if until is None else until
    if since is None:
        begin = end - (MAX_WINDOW if logid else DEFAULT_WINDOW)
    else:
        begin = max(since, end - MAX_WINDOW)
    if begin >= end:
        raise Failure(
            Kind.INVALID,
            f"since ({begin:.3f}) is not before until ({end:.3f}): nothing lies between",
        )
    asked = since is not None or until is not None
    made = logid_time(logid, UTC) if logid and not asked else None
    if made is not None:
        narrow = max(begin, made.timestamp() - _EARLIEST_ZONE)
        narrow_end = min(end, made.timestamp() + _LONGEST_CHAIN)
        if narrow < narrow_end:
            begin, end = narrow, narrow_end
    return Window(int(begin * MICROS), int(end * MICROS))


def _one_of(facet: Facet, values: Sequence[str], params: Params) -> str:
    if facet == "level":
        names = [name for value in values for name in level_names(value)]
        return f"upper(level) IN {params.add(names, 'Array(String)')}"
    return f"{facet} IN {params.add(list(values), 'Array(String)')}"
