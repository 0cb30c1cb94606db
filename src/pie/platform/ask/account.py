"""Whose edges count for the calls of a service: its own, or its callers' if it keeps none.

The edges of a service stand together (they are ordered by PSM), so its own are read without
touching others'. Only for a service that keeps none are all callers' rows searched.
"""

from typing import Literal

from pie.platform.ask.asking import Ask

Account = Literal["server", "callers", "none"]
"""Who counted: the service itself, its callers because it keeps no account, or nobody."""

EDGE_SPAN = (
    "edge_10s.ts >= fromUnixTimestamp({since:Int64}) "
    "AND edge_10s.ts < fromUnixTimestamp({until:Int64})"
)
COMMON = "ts, method, outcome, count, duration_us, histogram, protocol"
_OWN_EDGES = f"""
  SELECT {COMMON}, caller, caller_cluster, cluster AS on_cluster, instance AS on_instance
  FROM edge_10s WHERE side = 'server' AND psm = {{psm:String}} AND {EDGE_SPAN}
    AND ({{cluster:String}} = '' OR cluster = {{cluster:String}})"""
_CALLERS_EDGES = f"""
  SELECT {COMMON}, psm AS caller, cluster AS caller_cluster, callee_cluster AS on_cluster,
    '' AS on_instance
  FROM edge_10s WHERE side = 'client' AND callee = {{psm:String}} AND {EDGE_SPAN}
    AND ({{cluster:String}} = '' OR callee_cluster = {{cluster:String}})"""
EDGES: dict[Account, str] = {"server": _OWN_EDGES, "callers": _CALLERS_EDGES}
"""Edges of calls that ``{psm:String}`` received from ``{since:Int64}`` to ``{until:Int64}``, by
account.

``{cluster:String}`` narrows them unless it is empty. To be formatted into a question.
"""

_KEEPS_EDGES = f"""
SELECT 1 AS found FROM edge_10s
WHERE side = 'server' AND psm = {{psm:String}} AND {EDGE_SPAN} LIMIT 1
"""


async def account_of(ask: Ask, psm: str, since: int, until: int) -> Account:
    """Whose account of a service counts between two Unix seconds."""
    params = {"psm": psm, "since": since, "until": until}
    return "server" if await ask(_KEEPS_EDGES, params) else "callers"
