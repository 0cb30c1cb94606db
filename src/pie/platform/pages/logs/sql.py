"""The questions about log lines: counts, facets, stacks, neighbours, known values."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pie.model import Failure, Kind
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.ask.query.fallback import FieldCondition, text_instead
from pie.platform.pages.logs.build import (
    Count,
    Stack,
    Value,
    facets_of,
    histogram_of,
    stacks_of,
    step_of,
)
from pie.platform.pages.logs.counting import total_of
from pie.platform.pages.logs.filters import (
    FACETS,
    MICROS,
    Facet,
    LogFilter,
    Window,
    settle,
    within,
)
from pie.platform.pages.logs.lines import (
    COLUMNS,
    WHOLE_COLUMNS,
    LineId,
    Order,
    find_lines,
    order_by,
)
from pie.platform.pages.logs.tokens import with_tokens
from pie.platform.pages.logs.views import (
    Context,
    Facets,
    Histogram,
    Line,
    SearchAnswer,
    StackGroups,
    TakenAsText,
    Total,
)

MAX_BUCKETS = 1000

_FACET_VALUES = 20
_STACK_GROUPS = 50
_MOST_VALUES = 5000
_VALUES_KEPT_S = 30.0
_STACK_PSMS = 10
_FILE_SPAN = int(DAY * MICROS)
"""How far from a line the others of its file are looked for: files are hourly."""


@dataclass(frozen=True, slots=True)
class LogSearch:
    """Asks the store; every method raises what ``ask`` raises."""

    ask: Ask
    _values: dict[Facet, tuple[float, list[str]]] = field(default_factory=dict)
    """The values of facets, most frequent first, and when they were asked for."""

    async def lines(
        self,
        wanted: LogFilter,
        window: Window,
        order: Order,
        limit: int,
        cursor: LineId | None = None,
    ) -> SearchAnswer:
        """Lines in their order, from the cursor on if there is one."""
        began = time.monotonic()
        wanted = await self._settled(wanted, window)
        found = await find_lines(self.ask, wanted, window, order, limit, cursor)
        since, until = window.seconds
        return SearchAnswer(
            lines=found.lines,
            next=found.lines[-1].id if found.more else None,
            since=since,
            until=until,
            took_ms=_since(began),
            logid=wanted.logid,
            taken_as_text=list(map(_taken_as_text, wanted.as_text)),
            literal=wanted.literal,
        )

    async def histogram(self, wanted: LogFilter, window: Window, buckets: int) -> Histogram:
        """How many lines of each level in each step of time."""
        began = time.monotonic()
        step = step_of(window, buckets)
        wanted = await settle(self.ask, wanted, window)
        rows = await self.counts(wanted, window, step)
        return histogram_of(window, step, rows, _since(began))

    async def counts(self, wanted: LogFilter, window: Window, step: int) -> list[Count]:
        """How many lines of each level lie in each step; steps are microseconds from 1970 on."""
        wanted = await with_tokens(self.ask, wanted)
        params = Params()
        where = wanted.where(params, window)
        width = params.add(step, "Int64")
        sql = (
            f"SELECT intDiv(toUnixTimestamp64Micro(logs.ts), {width}) AS bucket, level, "
            f"count() AS count FROM logs WHERE {where} GROUP BY bucket, level"
        )
        return decode(await self.ask(sql, params.values), Count)

    async def total(self, wanted: LogFilter, window: Window) -> Total:
        """How many lines there are: the bare number, which takes least."""
        began = time.monotonic()
        wanted = await self._settled(wanted, window)
        total = await total_of(self.ask, wanted, window)
        since, until = window.seconds
        return Total(since, until, total, _since(began))

    async def facets(self, wanted: LogFilter, window: Window) -> Facets:
        """The most frequent values of each facet."""
        began = time.monotonic()
        wanted = await self._settled(wanted, window)
        params = Params()
        # Facets in which nothing is chosen are of the same lines: read once, counted together.
        free = [facet for facet in FACETS if not wanted.chosen.get(facet)]
        alike = [free] * bool(free) + [[facet] for facet in FACETS if facet not in free]
        union = " UNION ALL ".join(
            f"({_counted(facets, wanted.where(params, window, without=facets[0]))})"
            for facets in alike
        )
        rows = decode(await self.ask(f"SELECT * FROM ({union})", params.values), Value)
        return facets_of(rows, _since(began))

    async def stacks(self, wanted: LogFilter, window: Window) -> StackGroups:
        """Lines with a stack, by stack."""
        began = time.monotonic()
        wanted = await self._settled(wanted, window)
        params = Params()
        where = wanted.where(params, window)
        groups = decode(
            await self.ask(
                f"""
SELECT toString(stack_hash) AS hash, count() AS count,
  toUnixTimestamp64Micro(min(logs.ts)) / 1e6 AS first,
  toUnixTimestamp64Micro(max(logs.ts)) / 1e6 AS last,
  groupUniqArray({_STACK_PSMS})(psm) AS psms,
  max((toUnixTimestamp64Micro(logs.ts), src, pos)) AS top,
  concat(toString(top.1), '-', toString(top.2), '-', toString(top.3)) AS newest
FROM logs WHERE {where} AND stack_hash != 0
GROUP BY stack_hash ORDER BY count DESC, last DESC, hash LIMIT {_STACK_GROUPS}""",
                params.values,
            ),
            Stack,
        )
        samples = await self._lines_with([LineId.parse(group.newest) for group in groups])
        return stacks_of(groups, samples, _since(began))

    async def around(self, target: LineId, before: int, after: int) -> Context:
        """The lines before and after one in its file.

        A sender that gave no positions has no file: then it is the lines of its PSM and host, of
        its device for a client, by time.
        """
        line = await self.line(target)
        lines = [line]
        for order, count in (("desc", before), ("asc", after)):
            if count:
                found = await self._neighbours(line, target, count, backwards=order == "desc")
                lines = found[::-1] + lines if order == "desc" else lines + found
        return Context(lines, line.id)

    async def near(self, target: LineId, seconds: float, limit: int) -> Context:
        """The lines of the same PSM and host within some seconds of one, the nearest ones."""
        line = await self.line(target)
        span = int(seconds * MICROS)
        params = Params()
        window = within(Window(target.micros - span, target.micros + span + 1), params)
        same = _same_source(line, params)
        micros = params.add(target.micros, "Int64")
        rows = await self.ask(
            f"SELECT {COLUMNS} FROM logs WHERE {window} AND {same} "
            f"ORDER BY abs(toUnixTimestamp64Micro(logs.ts) - {micros}), {order_by('asc')} "
            f"LIMIT {limit}",
            params.values,
        )
        lines = decode(rows, Line)
        if all(each.id != line.id for each in lines):
            lines.append(line)
        return Context(sorted(lines, key=lambda each: LineId.parse(each.id)), line.id)

    async def line(self, wanted: LineId) -> Line:
        """One line, whole.

        Raises:
            Failure: ``not_found`` when there is none of this id.
        """
        found = await self._lines_with([wanted], WHOLE_COLUMNS)
        if not found:
            raise Failure(Kind.NOT_FOUND, "this line is not stored: lines are kept for ten days")
        return next(iter(found.values()))

    async def completions(self, facet: Facet, prefix: str, now: float) -> list[str]:
        """Values of a facet seen in ten days that begin like this, the most frequent first."""
        asked, values = self._values.get(facet, (0.0, []))
        if not 0 <= now - asked < _VALUES_KEPT_S:
            rows = await self.ask(
                f"SELECT toString({facet}) AS value, count() AS count, '{facet}' AS facet "
                f"FROM logs WHERE {facet} != '' GROUP BY value "
                f"ORDER BY count DESC, value LIMIT {_MOST_VALUES}",
                {},
            )
            values = [row.value for row in decode(rows, Value)]
            self._values[facet] = now, values
        wanted = prefix.lower()
        return [value for value in values if value.lower().startswith(wanted)][:_FACET_VALUES]

    async def _settled(self, wanted: LogFilter, window: Window) -> LogFilter:
        return await with_tokens(self.ask, await settle(self.ask, wanted, window))

    async def _neighbours(
        self, line: Line, target: LineId, count: int, *, backwards: bool
    ) -> list[Line]:
        params = Params()
        window = within(Window(target.micros - _FILE_SPAN, target.micros + _FILE_SPAN), params)
        comparison, order = ("<", "DESC") if backwards else (">", "ASC")
        if target.src:
            src, pos = params.add(target.src, "UInt64"), params.add(target.pos, "UInt64")
            where = f"src = {src} AND pos {comparison} {pos}"
            by = f"pos {order}"
        else:
            micros, pos = params.add(target.micros, "Int64"), params.add(target.pos, "UInt64")
            position = "(toUnixTimestamp64Micro(logs.ts), pos)"
            beyond = f"{position} {comparison} ({micros}, {pos})"
            where = f"src = 0 AND {_same_source(line, params)} AND {beyond}"
            by = f"logs.ts {order}, pos {order}"
        rows = await self.ask(
            f"SELECT {COLUMNS} FROM logs WHERE {window} AND {where} ORDER BY {by} LIMIT {count}",
            params.values,
        )
        return decode(rows, Line)

    async def _lines_with(self, ids: list[LineId], columns: str = COLUMNS) -> dict[str, Line]:
        if not ids:
            return {}
        params = Params()
        window = within(
            Window(min(each.micros for each in ids), max(each.micros for each in ids) + 1), params
        )
        micros = params.add([each.micros for each in ids], "Array(Int64)")
        sources = params.add([each.src for each in ids], "Array(UInt64)")
        positions = params.add([each.pos for each in ids], "Array(UInt64)")
        rows = await self.ask(
            f"SELECT {columns} FROM logs WHERE {window} "
            f"AND src IN {sources} AND pos IN {positions} "
            f"AND toUnixTimestamp64Micro(logs.ts) IN {micros}",
            params.values,
        )
        wanted = set(ids)
        return {line.id: line for line in decode(rows, Line) if LineId.parse(line.id) in wanted}


def _counted(facets: Sequence[Facet], where: str) -> str:
    """The most frequent values of each of these, in one pass over the lines."""
    columns = ", ".join(facets)
    every = (1 << len(facets)) - 1
    # grouping() has a bit for each column, the first one's the highest, 0 for that of the set;
    # and in a set all other columns are empty.
    sets = [every ^ (1 << bit) for bit in reversed(range(len(facets)))]
    return (
        f"SELECT transform(grouping({columns}), {sets}, {list(facets)}, '') AS facet, "
        f"concat({columns}, '') AS value, count() AS count FROM logs WHERE {where} "
        f"GROUP BY GROUPING SETS ({', '.join(f'({facet})' for facet in facets)}) "
        f"ORDER BY count DESC, value LIMIT {_FACET_VALUES} BY facet"
    )


def _taken_as_text(condition: FieldCondition) -> TakenAsText:
    words = text_instead(condition)
    assert words is not None, "it was replaced by a text"
    shown = f"{words.text}*" if words.prefix else words.text
    return TakenAsText(condition.name, shown, condition.at.offset, condition.at.length)


def _same_source(line: Line, params: Params) -> str:
    same = f"psm = {params.text(line.psm)} AND host = {params.text(line.host)}"
    device = line.fields.get("device", "")
    if line.folder == "client" and device:
        same += f" AND fields['device'] = {params.text(device)}"
    return same


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
