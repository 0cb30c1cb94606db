"""The questions about all services: their traffic, and the calls that entered the fleet."""

from dataclasses import dataclass, field

import msgspec

from pie.observe.facts.rows import EDGE_SECONDS, CallRow
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.look_back import newest
from pie.platform.ask.outcomes import COUNTS, narrowed
from pie.platform.facts.columns import select

_CLOCKS_DIFFER = 3_600
"""Seconds by which a call may seem to come before the one it is made for."""

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

    async def traffic(self, now: float, window: int) -> dict[str, Traffic]:
        """What every service received in the last ``window`` seconds, and who was seen in a day."""
        since = int(now) // EDGE_SECONDS * EDGE_SECONDS - window
        sums = decode(await self._ask(_TRAFFIC, {"since": since}), _EdgeSum)
        seen = decode(await self._ask(_LAST_SEEN, {"since": int(now) - DAY}), _Seen)
        # The newest buckets have not arrived yet: rates count the time that the edges cover.
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
    ) -> list[Entered]:
        """Entry calls, newest first; ``outcome`` is a class of outcomes, or empty for all."""
        sql = _ENTRIES.format(columns=select(CallRow, "chains"), outcome=narrowed(outcome))
        params = {"psm": psm, "min_us": min_ms * 1000, "limit": limit}
        found = await newest(self._ask, sql, params, now, limit, CallRow)
        calls: dict[str, int] = {}
        if found:
            since = int((min(entry.ts for entry in found) - _CLOCKS_DIFFER) * 1000)
            wanted = {"logids": [entry.logid for entry in found], "since": since}
            counts = decode(await self._ask(_CALL_COUNTS, wanted), _Count)
            calls = {row.logid: row.calls for row in counts}
        return [Entered(entry, calls.get(entry.logid, 0)) for entry in found]
