"""The questions about one service."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pie.observe.facts.rows import EDGE_SECONDS, CallRow
from pie.platform.ask.account import COMMON, EDGE_SPAN, EDGES, Account, account_of
from pie.platform.ask.asking import DAY, Ask, decode
from pie.platform.ask.coverage import Coverage, Slots, coverage
from pie.platform.ask.look_back import LOOK_BACK, newest
from pie.platform.ask.outcomes import IS, narrowed
from pie.platform.ask.series import SlotRow
from pie.platform.ask.span import Span
from pie.platform.ask.sums import SUMS, Sums
from pie.platform.facts.columns import select

MAX_METHODS = 300
MAX_CALLERS = 200
MAX_CALLEES = 200
_MAX_GROUPS = 500
_MAX_CLUSTERS = 200
SPARK_MINUTES = 60

# One pass over the rows for everything that the page counts; `kind` separates the sets by the
# columns that a set does not group by.
_KINDS = {3: "method", 5: "caller", 6: "instance", 7: "total"}
_RECEIVED = f"""
SELECT grouping(method, caller, on_instance) AS kind, method, caller, caller_cluster,
  on_instance AS instance, any(protocol) AS protocol, {SUMS},
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
SELECT callee AS psm, method, any(protocol) AS protocol, {SUMS}
FROM (
  SELECT {COMMON}, callee FROM edge_10s
  WHERE side = 'client' AND psm = {{psm:String}} AND {EDGE_SPAN} AND callee != ''
    AND ({{cluster:String}} = '' OR cluster = {{cluster:String}})
)
GROUP BY callee, method ORDER BY calls DESC LIMIT {{limit:UInt32}}
"""

_SERIES = f"""
SELECT toUInt32(intDiv(toUnixTimestamp(ts) - {{{{since:Int64}}}}, {{{{step:UInt32}}}})) AS slot,
  {SUMS}
FROM ({{edges}}) WHERE ({{{{every:UInt8}}}} OR method = {{{{method:String}}}})
GROUP BY slot HAVING slot < {{{{slots:UInt32}}}} ORDER BY slot
"""

_LAST_SEEN = f"""
SELECT toUnixTimestamp(maxIf(ts, side = 'server' OR callee = {{psm:String}})) AS received,
  toUnixTimestamp(max(ts)) AS seen
FROM edge_10s WHERE (psm = {{psm:String}} OR callee = {{psm:String}}) AND {EDGE_SPAN}
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
  AND calls.ts >= fromUnixTimestamp64Milli({{since:Int64}})
  AND calls.ts < fromUnixTimestamp64Milli({{until:Int64}}) AND {outcome}
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


class MinutesRow(msgspec.Struct):
    """Calls of one method by minute."""

    method: str
    minutes: dict[int, int]
    failed_minutes: dict[int, int]


class ClusterRow(msgspec.Struct):
    """Calls that one cluster received."""

    name: str
    calls: int


class CallLine(CallRow, kw_only=True):
    """One recorded call, from either side, with the fields of the table that the list shows.

    ``by`` and ``by_cluster`` are its caller, ``on_cluster`` and ``on_instance`` what served it.
    """

    by: str
    by_cluster: str
    on_cluster: str
    on_instance: str


class _LastSeen(msgspec.Struct):
    received: int
    seen: int


@dataclass(slots=True)
class Received:
    """What a service received, grouped in the ways its page shows."""

    account: Account = "none"
    total: Sums = field(default_factory=Sums)
    method: list[ReceivedRow] = field(default_factory=list)
    caller: list[ReceivedRow] = field(default_factory=list)
    instance: list[ReceivedRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """What calls show of a service on its page; ``known`` is False when none names it in a day."""

    coverage: Coverage
    received: Received
    clusters: list[ClusterRow]
    minutes: list[MinutesRow]
    called: list[CalledRow]
    last_seen: int
    known: bool


class ServiceReader:
    """Asks the store about one service and gives typed answers; raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def seen(self, now: float, psm: str, span: Span, cluster: str) -> Seen:
        """Everything that the page shows of the calls of a span."""
        covered = await coverage(self._ask, span)
        received, clusters, minutes, called = await asyncio.gather(
            self.received(psm, cluster, span),
            self.clusters(psm, span),
            self.minutes(psm, cluster, covered.until),
            self.called(psm, cluster, span),
        )
        last_seen, known = received.total.latest, True
        if not received.total.calls:
            last_seen, any_sign = await self.last_seen(now, psm)
            known = any_sign > 0
        return Seen(covered, received, clusters, minutes, called, last_seen, known)

    async def received(self, psm: str, cluster: str, span: Span) -> Received:
        """Calls of a span, grouped in the ways of ``Received``."""
        account = await account_of(self._ask, psm, span.since, span.until)
        params: dict[str, Any] = {"psm": psm, "cluster": cluster, **span.params}
        params["limit"] = _MAX_GROUPS
        found = Received(account)
        sql = _RECEIVED.format(edges=EDGES[account])
        for row in decode(await self._ask(sql, params), ReceivedRow):
            kind = _KINDS[row.kind]
            if kind == "total":
                found.total = row
            else:
                getattr(found, kind).append(row)
        if not found.total.calls:
            return Received("server" if account == "server" else "none")
        return found

    async def clusters(self, psm: str, span: Span) -> list[ClusterRow]:
        """The clusters that received calls in a span."""
        params = {"psm": psm, "cluster": "", "limit": _MAX_CLUSTERS, **span.params}
        account = await account_of(self._ask, psm, span.since, span.until)
        sql = _CLUSTERS.format(edges=EDGES[account])
        return decode(await self._ask(sql, params), ClusterRow)

    async def minutes(self, psm: str, cluster: str, until: int) -> list[MinutesRow]:
        """Calls by method and minute in the hour before ``until``."""
        since = until - 60 * SPARK_MINUTES
        params = {"psm": psm, "cluster": cluster, "limit": MAX_METHODS}
        account = await account_of(self._ask, psm, since, until)
        sql = _MINUTES.format(edges=EDGES[account])
        params |= {"since": since, "until": until}
        return decode(await self._ask(sql, params), MinutesRow)

    async def called(self, psm: str, cluster: str, span: Span) -> list[CalledRow]:
        """Calls that the service made, at most one more row than ``MAX_CALLEES``."""
        params = {"psm": psm, "cluster": cluster, "limit": MAX_CALLEES + 1, **span.params}
        return decode(await self._ask(_CALLED, params), CalledRow)

    async def last_seen(self, now: float, psm: str) -> tuple[int, int]:
        """When the newest bucket of a day began in which it was called, and in which it was called
        or made calls; 0 for none."""
        params = {"psm": psm, "since": int(now) - DAY, "until": int(now) + EDGE_SECONDS}
        rows = decode(await self._ask(_LAST_SEEN, params), _LastSeen)
        return (rows[0].received, rows[0].seen) if rows else (0, 0)

    async def series(
        self, psm: str, cluster: str, method: str | None, slots: Slots
    ) -> tuple[Account, list[SlotRow]]:
        """The slots with calls of one method (None: of all), and whose account they are."""
        params = {
            "psm": psm,
            "cluster": cluster,
            "since": slots.since,
            "until": slots.until,
            "step": slots.step,
            "slots": slots.count,
            "every": int(method is None),
            "method": method or "",
        }
        account = await account_of(self._ask, psm, slots.since, slots.until)
        rows = decode(await self._ask(_SERIES.format(edges=EDGES[account]), params), SlotRow)
        return account if rows or account == "server" else "none", rows

    async def calls(
        self,
        now: float,
        psm: str,
        cluster: str,
        outcome: str,
        limit: int,
        oldest: float | None = None,
    ) -> tuple[Account, list[CallLine]]:
        """The newest recorded calls of a class of outcomes (empty: all), and whose records.

        Args:
            oldest: only those from this Unix second on and before ``now``.
        """
        params: dict[str, Any] = {"psm": psm, "cluster": cluster, "limit": limit}
        params["since"] = int((now - LOOK_BACK[-1]) * 1000)
        account: Account = "server" if await self._ask(_KEEPS_CALLS, params) else "callers"
        sql = _CALLS.format(
            columns=select(CallRow, "calls"),
            outcome=narrowed(outcome),
            **_CALLS_COLUMNS[account],
        )
        found = await newest(self._ask, sql, params, now, limit, CallLine, oldest)
        return account if found or account == "server" else "none", found
