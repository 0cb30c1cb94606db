"""The questions about all services: their traffic, and the calls that entered the fleet."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from pie.observe.facts.rows import CallRow
from pie.platform.ask.account import EDGE_SPAN
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.coverage import Slots, coverage
from pie.platform.ask.look_back import newest
from pie.platform.ask.outcomes import COUNTS, narrowed
from pie.platform.ask.series import SlotRow
from pie.platform.ask.span import Span
from pie.platform.ask.sums import SUMS
from pie.platform.facts.columns import select

_CLOCKS_DIFFER = 3_600
"""Seconds by which a call may seem to come before the one it is made for."""

_ENTRIES = """
SELECT {columns} FROM calls
WHERE parent_id = '' AND attempt = 0 AND logid != ''
  AND calls.ts >= fromUnixTimestamp64Milli({{since:Int64}})
  AND calls.ts < fromUnixTimestamp64Milli({{until:Int64}})
  AND ({{cluster:String}} = '' OR cluster = {{cluster:String}})
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

_OF_CLUSTER = (
    "({cluster:String} = '' OR if(side = 'server', cluster, callee_cluster) = {cluster:String})"
)

# A callee is counted by its own account; only who keeps none is counted by its callers'.
_TRAFFIC = f"""
SELECT if(side = 'server', psm, callee) AS name, side, any(protocol) AS protocol,
  {COUNTS}, sum(duration_us) AS duration_us,
  uniqExact(method) AS methods, sumMap(histogram) AS histogram,
  toUnixTimestamp(max(edge_10s.ts)) AS latest
FROM edge_10s
WHERE {EDGE_SPAN} AND {_OF_CLUSTER} GROUP BY name, side HAVING name != ''
"""

_SERIES = f"""
SELECT toUInt32(intDiv(toUnixTimestamp(ts) - {{since:Int64}}, {{step:UInt32}})) AS slot, {SUMS}
FROM edge_10s
WHERE {EDGE_SPAN} AND {_OF_CLUSTER} AND (side = 'server' OR (callee != '' AND callee NOT IN (
  SELECT DISTINCT psm FROM edge_10s WHERE side = 'server' AND {EDGE_SPAN}
)))
GROUP BY slot HAVING slot < {{slots:UInt32}} ORDER BY slot
"""

_LAST_SEEN = """
SELECT if(side = 'server', psm, callee) AS name, any(protocol) AS protocol,
  toUnixTimestamp(max(edge_10s.ts)) AS latest
FROM edge_10s
WHERE edge_10s.ts >= fromUnixTimestamp({since:Int64}) GROUP BY name HAVING name != ''
"""

_METHODS = """
SELECT if(side = 'server', psm, callee) AS name, method, sum(count) AS calls FROM edge_10s
WHERE edge_10s.ts >= fromUnixTimestamp({since:Int64}) AND name != ''
  AND positionCaseInsensitiveUTF8(method, {q:String}) > 0
GROUP BY name, method ORDER BY calls DESC LIMIT {limit:UInt32}
"""


class CalledMethod(msgspec.Struct):
    """A method that was called in a day, and how often."""

    name: str
    method: str
    calls: int


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
class Traffic:
    """Calls received by one service. ``histogram`` as in ``EdgeRow``; ``last_seen`` Unix seconds.

    ``seconds`` is the time that the counts cover. ``failures``, ``rejected`` and ``business`` are
    the calls of these classes of outcomes.
    """

    psm: str
    protocol: str
    seconds: float
    last_seen: float
    calls: int = 0
    failures: int = 0
    rejected: int = 0
    business: int = 0
    duration_us: int = 0
    methods: int = 0
    histogram: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entered:
    """A call that entered the fleet, and how many calls of its chain are recorded."""

    call: CallRow
    calls: int


class ServicesReader:
    """Asks the store about all services; every method raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def traffic(self, now: float, span: Span, cluster: str = "") -> dict[str, Traffic]:
        """What every service, or one cluster of each, received in a span; and who was seen in a
        day."""
        lately = {"since": int(now) - DAY}
        covered, sums_of, seen_of = await asyncio.gather(
            coverage(self._ask, span),
            self._ask(_TRAFFIC, {"cluster": cluster, **span.params}),
            self._ask(_LAST_SEEN, lately),
        )
        sums, seen = decode(sums_of, _EdgeSum), decode(seen_of, _Seen)
        seconds = covered.seconds
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

    async def methods(self, now: float, q: str, limit: int) -> list[CalledMethod]:
        """The most called methods of a day whose names hold ``q``."""
        params = {"since": int(now) - DAY, "q": q, "limit": limit}
        return decode(await self._ask(_METHODS, params), CalledMethod)

    async def series(self, slots: Slots, cluster: str) -> list[SlotRow]:
        """The calls that all services received, or one cluster of each, by slot.

        Each by its own account, by its callers' if it keeps none.
        """
        params = {
            "cluster": cluster,
            "since": slots.since,
            "until": slots.until,
            "step": slots.step,
            "slots": slots.count,
        }
        return decode(await self._ask(_SERIES, params), SlotRow)

    async def entries(
        self,
        now: float,
        psm: str,
        cluster: str,
        outcome: str,
        min_ms: float,
        limit: int,
        oldest: float | None = None,
    ) -> list[Entered]:
        """Entry calls, newest first; ``outcome`` is a class of outcomes, or empty for all.

        Args:
            oldest: only those from this Unix second on and before ``now``.
        """
        sql = _ENTRIES.format(columns=select(CallRow, "chains"), outcome=narrowed(outcome))
        params = {"psm": psm, "cluster": cluster, "min_us": min_ms * 1000, "limit": limit}
        found = await newest(self._ask, sql, params, now, limit, CallRow, oldest)
        calls: dict[str, int] = {}
        if found:
            since = int((min(entry.ts for entry in found) - _CLOCKS_DIFFER) * 1000)
            wanted = {"logids": [entry.logid for entry in found], "since": since}
            counts = decode(await self._ask(_CALL_COUNTS, wanted), _Count)
            calls = {row.logid: row.calls for row in counts}
        return [Entered(entry, calls.get(entry.logid, 0)) for entry in found]
