"""The questions asked of the facts, as SQL."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from pie.observe.record.facts import EDGE_SECONDS, CallRow
from pie.platform.ask.outcomes import COUNTS, narrowed
from pie.platform.facts.columns import select
from pie.platform.pages.services.build import Traffic
from pie.platform.views import ChainSummary, LogLine, LogLines

MAX_CHAIN_ROWS = 20_000

_TS = "toUnixTimestamp64Micro(ts) / 1e6 AS ts"
_DAY = 86_400
_CLOCKS_DIFFER = 3_600
"""Seconds by which a call may seem to come before the one it is made for."""
_LOOK_BACK = (600, 7_200, _DAY, 11 * _DAY)
"""Seconds: how far back the newest entries are looked for, until there are enough."""

_CALLS_OF = f"""
SELECT {select(CallRow, "chain")}
FROM calls WHERE logid = {{logid:String}} ORDER BY calls.ts LIMIT {{limit:UInt32}}
"""

_ENTRIES = """
SELECT {columns} FROM calls
WHERE parent_id = '' AND attempt = 0 AND logid != ''
  AND calls.ts >= fromUnixTimestamp64Milli({{since:Int64}})
  AND ({{psm:String}} = '' OR psm = {{psm:String}})
  AND {outcome}
  AND duration_us >= {{min_us:Float64}}
ORDER BY calls.ts DESC LIMIT {{limit:UInt32}}
"""

_CALL_COUNTS = """
SELECT logid, count() AS calls FROM calls
WHERE has({logids:Array(String)}, logid) AND side = 'client' AND attempt = 0
  AND calls.ts >= fromUnixTimestamp64Milli({since:Int64})
GROUP BY logid
"""

_LINES_OF = f"""
SELECT {_TS}, level, psm, host, file, line, message, span_id, folder, stack
FROM logs
WHERE logid = {{logid:String}}
  AND ({{span_id:String}} = '' OR span_id = {{span_id:String}})
  AND ({{psm:String}} = '' OR psm = {{psm:String}})
ORDER BY logs.ts, src, pos LIMIT {{limit:UInt32}}
"""

# A callee is counted by its own account; only who keeps none is counted by its callers'.
_TRAFFIC = f"""
SELECT if(side = 'server', psm, callee) AS name, side, any(protocol) AS protocol,
  {COUNTS}, sum(duration_us) AS duration_us,
  uniqExact(method) AS methods, sumMap(histogram) AS histogram,
  toUnixTimestamp(max(edge_10s.ts)) AS latest
FROM edge_10s
WHERE edge_10s.ts >= fromUnixTimestamp({{since:Int64}}) GROUP BY name, side HAVING name != ''
"""

_LAST_SEEN = """
SELECT if(side = 'server', psm, callee) AS name, any(protocol) AS protocol,
  toUnixTimestamp(max(edge_10s.ts)) AS latest
FROM edge_10s
WHERE edge_10s.ts >= fromUnixTimestamp({since:Int64}) GROUP BY name HAVING name != ''
"""

_Row = TypeVar("_Row")

Ask = Callable[[str, dict[str, Any]], Awaitable[bytes]]
"""Answers SQL with parameters by one JSON object per line."""


class _Entry(msgspec.Struct):
    logid: str
    ts: float
    psm: str
    caller: str
    callee: str
    side: str
    method: str
    protocol: str
    duration_us: int
    outcome: str
    code: int


class _Count(msgspec.Struct):
    logid: str
    calls: int


class _EdgeSum(msgspec.Struct):
    name: str
    side: str
    protocol: str
    calls: int
    failures: int
    rejected: int
    business: int
    duration_us: int
    methods: int
    histogram: dict[int, int]
    latest: int


class _Seen(msgspec.Struct):
    name: str
    protocol: str
    latest: int


@dataclass(frozen=True, slots=True)
class ChainRows:
    """All rows of a logid, by time; ``truncated`` at ``MAX_CHAIN_ROWS``."""

    rows: list[CallRow]
    truncated: bool


class Reader:
    """Asks the store and gives typed answers; raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def traffic(self, now: float, window: int) -> dict[str, Traffic]:
        """What every service received in the last ``window`` seconds, and who was seen in a day."""
        since = int(now) // EDGE_SECONDS * EDGE_SECONDS - window
        sums = _rows(await self._ask(_TRAFFIC, {"since": since}), _EdgeSum)
        seen = _rows(await self._ask(_LAST_SEEN, {"since": int(now) - _DAY}), _Seen)
        # The newest buckets are still on their way: rates count the time the facts cover.
        latest = max((row.latest + EDGE_SECONDS for row in sums), default=0)
        seconds = min(max(latest - since, window / 2), window + EDGE_SECONDS)
        result = {row.name: Traffic(row.name, row.protocol, seconds, row.latest) for row in seen}
        for row in sorted(sums, key=lambda row: row.side):  # "client" first, "server" replaces it
            result[row.name] = Traffic(
                psm=row.name,
                protocol=row.protocol,
                calls=row.calls,
                failures=row.failures,
                rejected=row.rejected,
                business=row.business,
                duration_us=row.duration_us,
                methods=row.methods,
                histogram=row.histogram,
                seconds=seconds,
                last_seen=row.latest,
            )
        return result

    async def entries(
        self, now: float, psm: str, outcome: str, min_ms: float, limit: int
    ) -> list[ChainSummary]:
        """Entry calls, newest first; ``outcome`` is a class of outcomes, or empty for all."""
        sql = _ENTRIES.format(columns=select(CallRow, "chains"), outcome=narrowed(outcome))
        found: list[_Entry] = []
        for back in _LOOK_BACK:
            params = {
                "since": int((now - back) * 1000),
                "psm": psm,
                "min_us": min_ms * 1000,
                "limit": limit,
            }
            found = _rows(await self._ask(sql, params), _Entry)
            if len(found) >= limit:
                break
        logids = [entry.logid for entry in found]
        counts = []
        if found:
            since = int((min(entry.ts for entry in found) - _CLOCKS_DIFFER) * 1000)
            params = {"logids": logids, "since": since}
            counts = _rows(await self._ask(_CALL_COUNTS, params), _Count)
        calls = {row.logid: row.calls for row in counts}
        return [
            ChainSummary(
                logid=entry.logid,
                start=entry.ts,
                psm=entry.psm,
                method=entry.method,
                protocol=entry.protocol,
                duration_ms=entry.duration_us / 1000,
                outcome=entry.outcome,
                code=entry.code,
                calls=calls.get(entry.logid, 0),
            )
            for entry in found
        ]

    async def calls_of(self, logid: str) -> ChainRows:
        """All rows of one chain."""
        params = {"logid": logid, "limit": MAX_CHAIN_ROWS + 1}
        rows = _rows(await self._ask(_CALLS_OF, params), CallRow)
        return ChainRows(rows[:MAX_CHAIN_ROWS], truncated=len(rows) > MAX_CHAIN_ROWS)

    async def lines_of(self, logid: str, span_id: str, psm: str, limit: int) -> LogLines:
        """The log lines of one chain by time, narrowed to a span or a service if given."""
        params = {"logid": logid, "span_id": span_id, "psm": psm, "limit": limit + 1}
        lines = _rows(await self._ask(_LINES_OF, params), LogLine)
        return LogLines(lines[:limit], truncated=len(lines) > limit)


def _rows(ndjson: bytes, row_type: type[_Row]) -> list[_Row]:
    return msgspec.json.Decoder(row_type).decode_lines(ndjson)
