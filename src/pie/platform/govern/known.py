"""What is known of the calls that rules are for: by the registry, and by eight days of edges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pie.govern import Key, Side, Subject
from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.asking import DAY, Ask, decode
from pie.state import Service

DAYS: Final = 8
"""A job that runs once a week is a caller, too."""
MAX_GROUPS: Final = 50_000

# Each rejects before the policies whose rules are previewed look at a call.
_BEFORE = "gate NOT IN ('deadline', 'drain')"
_SERVER = "side = 'server' AND psm = {psm:String}"
_CLIENT = "side = 'client' AND psm = {psm:String}"
_CALLERS = "side = 'client' AND callee = {psm:String}"


@dataclass(frozen=True, slots=True)
class Source:
    """Whose edges count the calls that the rules of one side are for: SQL, to be formatted.

    ``where`` chooses the rows, ``subject`` has an expression for each field of a ``Subject``, and
    ``who`` is the column of the process that the rules run in.
    """

    where: str
    subject: Mapping[str, str]
    who: str

    @property
    def columns(self) -> str:
        """The fields of the subject, each under a name that no column of the table has."""
        return ", ".join(f"{text} AS of_{name}" for name, text in self.subject.items())

    @property
    def names(self) -> str:
        """The names of ``columns``."""
        return ", ".join(f"of_{name}" for name in self.subject)


def source_of(side: Side, *, keeps_edges: bool = True) -> Source:
    """Where the calls are counted that the rules of a side are for.

    Args:
        side: of the rules.
        keeps_edges: whether the service counts the calls that it serves; else its callers do.
    """
    if side == "server" and keeps_edges:
        return Source(f"{_SERVER} AND {_BEFORE}", _subject("caller", "caller_cluster"), "instance")
    if side == "client":
        subject = _subject("''", "cluster") | {"callee": "callee"}
        return Source(f"{_CLIENT} AND {_BEFORE}", subject, "instance")
    return Source(f"{_CALLERS} AND {_BEFORE}", _subject("psm", "cluster"), "''")


def _subject(caller: str, caller_cluster: str) -> dict[str, str]:
    given = {
        "caller": caller,
        "caller_cluster": caller_cluster,
        "cluster": "if(callee_cluster = '', 'default', callee_cluster)",
        "callee": "''",
    }
    return {name: given.get(name, name) for name in Subject._fields}


_GROUPS = """
SELECT {columns}, sum(count) AS calls, count() AS rows
FROM edge_10s WHERE {where} AND edge_10s.ts >= fromUnixTimestamp({{since:Int64}})
GROUP BY {names} ORDER BY calls DESC LIMIT {{limit:UInt32}}
"""
_KEEPS = """
SELECT 1 AS found FROM edge_10s WHERE side = 'server' AND psm = {psm:String}
  AND edge_10s.ts >= fromUnixTimestamp({since:Int64}) LIMIT 1
"""


class SubjectRow(msgspec.Struct, kw_only=True):
    """The columns of a subject."""

    of_callee: str
    of_method: str
    of_caller: str
    of_caller_cluster: str
    of_cluster: str
    of_lane: str

    @property
    def subject(self) -> Subject:
        """What rules look at."""
        return Subject(*(getattr(self, f"of_{name}") for name in Subject._fields))


class GroupRow(SubjectRow, kw_only=True):
    """Calls of one subject, and the rows that they are in."""

    calls: int
    rows: int


@dataclass(frozen=True, slots=True)
class CallGroup:
    """All calls of one subject, and how many rows of the store they are in."""

    subject: Subject
    calls: int
    rows: int


@dataclass(frozen=True, slots=True)
class PastCalls:
    """The calls of some days that the rules of one side are for, by subject, the most first.

    ``complete`` is false when there are more subjects than are looked at.
    """

    psm: str
    source: Source
    since: int
    until: int
    groups: list[CallGroup]
    complete: bool

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(each.calls for each in self.groups)


async def past_calls(ask: Ask, key: Key, now: float, days: int = DAYS) -> PastCalls:
    """The calls of the last days that the rules of a set are for; raises what ``ask`` raises."""
    until = int(now) // EDGE_SECONDS * EDGE_SECONDS
    since = until - days * DAY
    keeps = key.side != "server" or bool(await ask(_KEEPS, {"psm": key.psm, "since": since}))
    source = source_of(key.side, keeps_edges=keeps)
    sql = _GROUPS.format(columns=source.columns, where=source.where, names=source.names)
    rows = decode(
        await ask(sql, {"psm": key.psm, "since": since, "limit": MAX_GROUPS + 1}), GroupRow
    )
    groups = [CallGroup(row.subject, row.calls, row.rows) for row in rows[:MAX_GROUPS]]
    return PastCalls(key.psm, source, since, until, groups, len(rows) <= MAX_GROUPS)


@dataclass(frozen=True, slots=True)
class Known:
    """Names that exist, of one service: what scopes may be expected to name.

    An empty set is not known: nothing is said of names then.
    """

    psms: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By field of a scope, what calls of the last days had there."""


def known_names(psm: str, registry: Mapping[str, Service], groups: Iterable[CallGroup]) -> Known:
    """What the registry and calls know of the names of a service."""
    seen: dict[str, set[str]] = {name: set() for name in Subject._fields}
    for group in groups:
        for name, value in zip(Subject._fields, group.subject, strict=True):
            seen[name].add(value)
    service = registry.get(psm)
    meta = service.meta if service is not None else None
    methods = {each.method for each in meta.interfaces} if meta is not None else set()
    clusters = {each.cluster for each in service.instances} if service is not None else set()
    return Known(
        frozenset(registry) | frozenset(seen["caller"]) | frozenset(seen.get("callee", ())),
        frozenset(methods),
        frozenset(clusters),
        {name: frozenset(values) for name, values in seen.items()},
    )
