"""The questions asked of the facts about one service, as SQL.

The edges and calls of a service stand together (they are ordered by PSM), so its own account is
read without touching others'. Only for who keeps none are all callers' rows searched.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from pie.observe.record.facts import EDGE_SECONDS, CallRow
from pie.platform.ask.outcomes import COUNTS, IS, narrowed
from pie.platform.ask.reader import Ask
from pie.platform.facts.columns import select
from pie.platform.facts.window import DAY
from pie.platform.pages.service.views import Account

MAX_METHODS = 300
MAX_CALLERS = 200
MAX_CALLEES = 200
_MAX_GROUPS = 500
_MAX_CLUSTERS = 200
SPARK_MINUTES = 60
_CALLS_BACK = (600, 7_200, DAY, 11 * DAY)
"""Seconds: how far back the newest calls are looked for, until there are enough."""

_EDGE_SINCE = "edge_10s.ts >= fromUnixTimestamp({since:Int64})"
_COMMON = "ts, method, outcome, count, duration_us, histogram, protocol"
_OWN_EDGES = f"""
  SELECT {_COMMON}, caller, caller_cluster, cluster AS on_cluster, instance AS on_instance
  FROM edge_10s WHERE side = 'server' AND psm = {{psm:String}} AND {_EDGE_SINCE}
    AND ({{cluster:String}} = '' OR cluster = {{cluster:String}})"""
_CALLERS_EDGES = f"""
  SELECT {_COMMON}, psm AS caller, cluster AS caller_cluster, callee_cluster AS on_cluster,
    '' AS on_instance
  FROM edge_10s WHERE side = 'client' AND callee = {{psm:String}} AND {_EDGE_SINCE}
    AND ({{cluster:String}} = '' OR callee_cluster = {{cluster:String}})"""
_EDGES: dict[str, str] = {"server": _OWN_EDGES, "callers": _CALLERS_EDGES}

_SUMS = f"""{COUNTS}, sum(duration_us) AS duration_us, sumMap(histogram) AS histogram,
  toUnixTimestamp(max(ts)) AS latest"""

# One pass over the rows for everything that the page counts; `kind` tells the sets apart by the
# columns that a set does not group by.
_KINDS = {3: "method", 5: "caller", 6: "instance", 7: "total"}
_RECEIVED = f"""
SELECT grouping(method, caller, on_instance) AS kind, method, caller, caller_cluster,
  on_instance AS instance, any(protocol) AS protocol, {_SUMS},
  groupUniqArray(5)(method) AS methods, uniqExact(method) AS method_count
FROM ({{edges}})
GROUP BY GROUPING SETS ((method), (caller, caller_cluster), (on_instance), ())
ORDER BY calls DESC LIMIT {{{{limit:UInt32}}}} BY kind
"""

_CLUSTERS = """
SELECT on_cluster AS name, sum(count) AS calls FROM ({edges})
GROUP BY name HAVING name != '' ORDER BY calls DESC LIMIT {{limit:UInt32}}
"""

_MINUTES = f"""
SELECT method, sumMap(map(minute, counted)) AS minutes,
  sumMap(map(minute, failed)) AS failed_minutes
FROM (
  SELECT method, toUInt16(intDiv(toUnixTimestamp(ts) - {{{{since:Int64}}}}, 60)) AS minute,
    sum(count) AS counted, sumIf(count, {IS["failed"]}) AS failed
  FROM ({{edges}}) GROUP BY method, minute HAVING minute < {SPARK_MINUTES}
)
GROUP BY method ORDER BY sum(counted) DESC LIMIT {{{{limit:UInt32}}}}
"""

_CALLED = f"""
SELECT callee AS psm, method, any(protocol) AS protocol, {_SUMS}
FROM (
  SELECT {_COMMON}, callee FROM edge_10s
  WHERE side = 'client' AND psm = {{psm:String}} AND {_EDGE_SINCE} AND callee != ''
    AND ({{cluster:String}} = '' OR cluster = {{cluster:String}})
)
GROUP BY callee, method ORDER BY calls DESC LIMIT {{limit:UInt32}}
"""

_SERIES = f"""
SELECT toUInt32(intDiv(toUnixTimestamp(ts) - {{{{since:Int64}}}}, {{{{step:UInt32}}}})) AS slot,
  {_SUMS}
FROM ({{edges}}) WHERE ({{{{every:UInt8}}}} OR method = {{{{method:String}}}})
GROUP BY slot HAVING slot < {{{{slots:UInt32}}}} ORDER BY slot
"""

_LATEST = f"""
SELECT toUnixTimestamp(max(ts)) AS latest FROM edge_10s
WHERE {_EDGE_SINCE} AND edge_10s.ts <= fromUnixTimestamp({{now:Int64}})
"""

_LAST_SEEN = f"""
SELECT toUnixTimestamp(maxIf(ts, side = 'server' OR callee = {{psm:String}})) AS received,
  toUnixTimestamp(max(ts)) AS seen
FROM edge_10s WHERE (psm = {{psm:String}} OR callee = {{psm:String}}) AND {_EDGE_SINCE}
"""

_KEEPS_EDGES = f"""
SELECT 1 AS found FROM edge_10s
WHERE side = 'server' AND psm = {{psm:String}} AND {_EDGE_SINCE} LIMIT 1
"""

_KEEPS_CALLS = """
SELECT 1 AS found FROM calls
WHERE side = 'server' AND psm = {psm:String}
  AND calls.ts >= fromUnixTimestamp64Milli({since:Int64}) LIMIT 1
"""

_CALLS = """
SELECT {columns}, {caller} AS by, {caller_cluster} AS by_cluster, {cluster} AS on_cluster,
  {instance} AS on_instance
FROM calls
WHERE side = '{side}' AND {whose} = {{psm:String}} AND attempt = 0
  AND calls.ts >= fromUnixTimestamp64Milli({{since:Int64}}) AND {outcome}
  AND ({{cluster:String}} = '' OR {cluster} = {{cluster:String}})
ORDER BY calls.ts DESC LIMIT {{limit:UInt32}}
"""
_CALLS_COLUMNS: dict[str, dict[str, str]] = {
    "server": {
        "side": "server",
        "whose": "psm",
        "caller": "caller",
        "caller_cluster": "caller_cluster",
        "cluster": "cluster",
        "instance": "instance",
    },
    "callers": {
        "side": "client",
        "whose": "callee",
        "caller": "psm",
        "caller_cluster": "cluster",
        "cluster": "callee_cluster",
        "instance": "peer",
    },
}

_Row = TypeVar("_Row")


class Sums(msgspec.Struct):
    """What is added up of some edges; ``latest`` is when the newest of their buckets began."""

    calls: int = 0
    failures: int = 0
    rejected: int = 0
    business: int = 0
    duration_us: int = 0
    histogram: dict[int, int] = {}
    latest: int = 0


class ReceivedRow(Sums, kw_only=True):
    """A group of calls received; which of the names say something depends on its kind."""

    kind: int
    method: str
    caller: str
    caller_cluster: str
    instance: str
    protocol: str
    methods: list[str]
    method_count: int


class CalledRow(Sums, kw_only=True):
    """Calls made to one method of another service."""

    psm: str
    method: str
    protocol: str


class SlotRow(Sums, kw_only=True):
    """Calls that ended in one slot of a series."""

    slot: int


class MinutesRow(msgspec.Struct):
    """Calls of one method by minute."""

    method: str
    minutes: dict[int, int]
    failed_minutes: dict[int, int]


class ClusterRow(msgspec.Struct):
    """Calls that one cluster received."""

    name: str
    calls: int


class CallLine(msgspec.Struct):
    """One recorded call, from either side."""

    ts: float
    logid: str
    span_id: str
    method: str
    verb: str
    route: str
    by: str
    by_cluster: str
    on_cluster: str
    on_instance: str
    duration_us: int
    outcome: str
    code: int
    status: int
    message: str


class _Latest(msgspec.Struct):
    latest: int


class _LastSeen(msgspec.Struct):
    received: int
    seen: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The window a question is about: it begins at ``since``, the facts reach to ``until``."""

    since: int
    until: int
    window: int

    @property
    def seconds(self) -> float:
        """The time that counts cover: the newest buckets are still on their way."""
        return min(max(self.until - self.since, self.window / 2), self.window + EDGE_SECONDS)


@dataclass(slots=True)
class Received:
    """What a service received, grouped in the ways its page shows."""

    account: Account = "none"
    total: Sums = field(default_factory=Sums)
    method: list[ReceivedRow] = field(default_factory=list)
    caller: list[ReceivedRow] = field(default_factory=list)
    instance: list[ReceivedRow] = field(default_factory=list)


class ServiceReader:
    """Asks the store about one service and gives typed answers; raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def coverage(self, now: float, window: int) -> Coverage:
        """How much of the last ``window`` seconds the facts of the whole fleet cover."""
        since = int(now) // EDGE_SECONDS * EDGE_SECONDS - window
        rows = _rows(await self._ask(_LATEST, {"since": since, "now": int(now)}), _Latest)
        latest = rows[0].latest if rows else 0
        until = latest + EDGE_SECONDS if latest else int(now) // EDGE_SECONDS * EDGE_SECONDS
        return Coverage(since, until, window)

    async def account(self, psm: str, since: int) -> Account:
        """Whose account of it counts: its callers' only if it kept none of its own."""
        return (
            "server" if await self._ask(_KEEPS_EDGES, {"psm": psm, "since": since}) else "callers"
        )

    async def received(self, psm: str, cluster: str, since: int) -> Received:
        """Calls since then, grouped in the ways of ``Received``."""
        account = await self.account(psm, since)
        params: dict[str, Any] = {"psm": psm, "cluster": cluster, "since": since}
        params["limit"] = _MAX_GROUPS
        found = Received(account)
        sql = _RECEIVED.format(edges=_EDGES[account])
        for row in _rows(await self._ask(sql, params), ReceivedRow):
            kind = _KINDS[row.kind]
            if kind == "total":
                found.total = row
            else:
                getattr(found, kind).append(row)
        if not found.total.calls:
            return Received("server" if account == "server" else "none")
        return found

    async def clusters(self, psm: str, since: int) -> list[ClusterRow]:
        """The clusters that received calls since then."""
        params = {"psm": psm, "cluster": "", "since": since, "limit": _MAX_CLUSTERS}
        sql = _CLUSTERS.format(edges=_EDGES[await self.account(psm, since)])
        return _rows(await self._ask(sql, params), ClusterRow)

    async def minutes(self, psm: str, cluster: str, until: int) -> list[MinutesRow]:
        """Calls by method and minute in the hour before ``until``."""
        since = until - 60 * SPARK_MINUTES
        params = {"psm": psm, "cluster": cluster, "since": since, "limit": MAX_METHODS}
        sql = _MINUTES.format(edges=_EDGES[await self.account(psm, since)])
        return _rows(await self._ask(sql, params), MinutesRow)

    async def called(self, psm: str, cluster: str, since: int) -> list[CalledRow]:
        """Calls that the service made, at most one more row than ``MAX_CALLEES``."""
        params = {"psm": psm, "cluster": cluster, "since": since, "limit": MAX_CALLEES + 1}
        return _rows(await self._ask(_CALLED, params), CalledRow)

    async def last_seen(self, now: float, psm: str) -> tuple[int, int]:
        """When the newest bucket of a day began in which it was called, and in which it was called
        or made calls; 0 for none."""
        params = {"psm": psm, "since": int(now) - DAY}
        rows = _rows(await self._ask(_LAST_SEEN, params), _LastSeen)
        return (rows[0].received, rows[0].seen) if rows else (0, 0)

    async def series(
        self, psm: str, cluster: str, method: str | None, since: int, step: int, slots: int
    ) -> tuple[Account, list[SlotRow]]:
        """Slots with calls of ``step`` seconds from ``since`` on, and whose account they are."""
        params = {
            "psm": psm,
            "cluster": cluster,
            "since": since,
            "step": step,
            "slots": slots,
            "every": int(method is None),
            "method": method or "",
        }
        account = await self.account(psm, since)
        rows = _rows(await self._ask(_SERIES.format(edges=_EDGES[account]), params), SlotRow)
        return account if rows or account == "server" else "none", rows

    async def calls(
        self, now: float, psm: str, cluster: str, outcome: str, limit: int
    ) -> tuple[Account, list[CallLine]]:
        """The newest recorded calls of a class of outcomes (empty: all), and whose records."""
        params: dict[str, Any] = {"psm": psm, "cluster": cluster, "limit": limit}
        params["since"] = int((now - _CALLS_BACK[-1]) * 1000)
        account: Account = "server" if await self._ask(_KEEPS_CALLS, params) else "callers"
        sql = _CALLS.format(
            columns=select(CallRow, "calls"),
            outcome=narrowed(outcome),
            **_CALLS_COLUMNS[account],
        )
        found: list[CallLine] = []
        for back in _CALLS_BACK:
            params["since"] = int((now - back) * 1000)
            found = _rows(await self._ask(sql, params), CallLine)
            if len(found) >= limit:
                break
        return account if found or account == "server" else "none", found


def _rows(ndjson: bytes, row_type: type[_Row]) -> list[_Row]:
    return msgspec.json.Decoder(row_type).decode_lines(ndjson)
