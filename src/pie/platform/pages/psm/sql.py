"""The questions about names that calls carry, answered by the edges of the last days."""

import asyncio

import msgspec

from pie.platform.ask.asking import Ask, decode

SEEN_DAYS = 7
MAX_NAMES = 20_000
_MAX_PEERS = 20

_SINCE = "edge_10s.ts >= fromUnixTimestamp({since:Int64})"

# A call is counted once: by the server that keeps edges of its own, else by its callers.
_NAMES = f"""
SELECT name, max(latest) AS last_seen, greatest(sum(served), sum(called)) + sum(made) AS calls
FROM (
  SELECT psm AS name, toUnixTimestamp(max(ts)) AS latest, sumIf(count, side = 'server') AS served,
    toUInt64(0) AS called, sumIf(count, side = 'client') AS made
  FROM edge_10s WHERE {_SINCE} GROUP BY name
  UNION ALL
  SELECT callee, toUnixTimestamp(max(ts)), 0, sum(count), 0
  FROM edge_10s WHERE side = 'client' AND {_SINCE} GROUP BY callee
  UNION ALL
  SELECT caller, toUnixTimestamp(max(ts)), 0, 0, 0
  FROM edge_10s WHERE side = 'server' AND {_SINCE} GROUP BY caller
)
GROUP BY name HAVING name != '' ORDER BY last_seen DESC, name LIMIT {{limit:UInt32}}
"""

_ONE = f"""
SELECT toUnixTimestamp(max(ts)) AS last_seen,
  greatest(
    sumIf(count, side = 'server' AND psm = {{name:String}}),
    sumIf(count, side = 'client' AND callee = {{name:String}})
  ) AS received,
  sumIf(count, side = 'client' AND psm = {{name:String}}) AS made, count() AS edges
FROM edge_10s
WHERE {_SINCE} AND {{name:String}} IN (psm, callee, caller)
"""

_TOP = """
SELECT {column} AS name, sum(count) AS calls FROM edge_10s
WHERE {where} AND {since} GROUP BY name HAVING name != ''
ORDER BY calls DESC, name LIMIT {limit}
"""


class SeenName(msgspec.Struct):
    """A name that calls carried; ``last_seen`` is when the newest bucket with it began."""

    name: str
    last_seen: int
    calls: int


class SeenOne(msgspec.Struct):
    """Calls of one name in the last days, and the most frequent peers and hosts."""

    last_seen: int
    received: int
    made: int
    edges: int
    callers: list[str] = []
    callees: list[str] = []
    hosts: list[str] = []


class _Top(msgspec.Struct):
    name: str
    calls: int


class SeenReader:
    """Asks the store; every method raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def names(self, now: float) -> list[SeenName]:
        """The names that were seen last, at most ``MAX_NAMES``."""
        params = {"since": _since(now), "limit": MAX_NAMES}
        return decode(await self._ask(_NAMES, params), SeenName)

    async def one(self, now: float, name: str) -> SeenOne:
        """What calls show of one name; ``edges`` is 0 when none carried it."""
        params = {"since": _since(now), "name": name}
        rows = decode(await self._ask(_ONE, params), SeenOne)
        seen = rows[0] if rows else SeenOne(0, 0, 0, 0)
        if not seen.edges:
            return seen
        own, callee = "psm = {name:String}", "callee = {name:String}"
        seen.callers, callers_edges, seen.callees, seen.hosts = await asyncio.gather(
            self._top("caller", f"side = 'server' AND {own}", now, name),
            self._top("psm", f"side = 'client' AND {callee}", now, name),
            self._top("callee", f"side = 'client' AND {own}", now, name),
            self._top("host", own, now, name),
        )
        seen.callers = list(dict.fromkeys(seen.callers + callers_edges))[:_MAX_PEERS]
        return seen

    async def _top(self, column: str, where: str, now: float, name: str) -> list[str]:
        sql = _TOP.format(column=column, where=where, since=_SINCE, limit=_MAX_PEERS)
        rows = await self._ask(sql, {"since": _since(now), "name": name})
        return [row.name for row in decode(rows, _Top)]


def _since(now: float) -> int:
    return int(now) - SEEN_DAYS * 86_400
