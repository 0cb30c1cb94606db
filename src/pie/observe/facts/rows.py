"""The rows that travel to the store: calls, aggregates of them, log lines, rules in force, changes.

These types are the contract between the process that writes, the agent that ships and the platform
that stores, and the one table of what each of them holds (see ``fields``): field names are column
names. ``ts`` is in Unix seconds, with microseconds.
"""

import math
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from pie.model.fields import Side
from pie.observe.facts.fields import (
    I32,
    LOW,
    TEXT,
    U16,
    U32,
    U63,
    U64,
    Field,
    Histogram,
    Key,
    Name,
    Required,
    Sum,
    Text,
    number,
)

EDGE_SECONDS = 10
"""Width of an aggregate by edge."""
PEER_SECONDS = 60
"""Width of an aggregate by callee instance."""
RULE_SECONDS = 10
"""Width of the counts of verdicts."""
MESSAGE_LIMIT = 4096
"""Code points of a message or note that a record holds."""

HISTOGRAM_BASE = 1.05
_LOG_BASE = math.log(HISTOGRAM_BASE)


def histogram_bucket(duration_us: int) -> int:
    """Key of the logarithmic histogram: floor(log(us + 1) / log(1.05))."""
    return int(math.log(duration_us + 1) / _LOG_BASE)


def bucket_upper_us(bucket: int) -> float:
    """The upper bound of a bucket, in microseconds."""
    return HISTOGRAM_BASE ** (bucket + 1) - 1


class Position(msgspec.Struct, kw_only=True):
    """Where a row stood: makes a row sent twice count once.

    ``src`` names a file, ``pos`` is the offset just after the row's line in it. A sender without
    positions leaves both 0 and is at-least-once.
    """

    src: Annotated[U64, Field(column=number("UInt64"), answers=())] = 0
    pos: Annotated[U64, Field(column="UInt64 CODEC(Delta(8),ZSTD(1))", answers=())] = 0


_MICROSECONDS = "DateTime64(6,'UTC') CODEC(Delta(8),ZSTD(1))"
_SECONDS = "DateTime('UTC') CODEC(Delta(4),ZSTD(1))"
_CHAIN_AND_CALLS = ("chain", "calls")
_EVERYWHERE = ("chain", "chains", "calls")


class CallRow(Position, kw_only=True):
    """One Call. ``attempt`` is 0 for a whole call, n for the n-th attempt of a retried one."""

    ts: Annotated[float, Field(source="ts", column=_MICROSECONDS, answers=_EVERYWHERE)]
    side: Annotated[Side, Field(source="call.side", column=LOW, answers=_EVERYWHERE)]
    protocol: Annotated[Name, Field(source="call.protocol", column=LOW, answers=_EVERYWHERE)]
    psm: Annotated[Required, Field(source="process.psm", column=LOW, answers=_EVERYWHERE)]
    cluster: Annotated[Name, Field(source="process.cluster", column=LOW)] = "default"
    env: Annotated[Name, Field(source="env", column=LOW)] = ""
    host: Annotated[Name, Field(source="process.host", column=LOW)] = ""
    instance: Annotated[Name, Field(source="process.instance", column=LOW)] = ""
    caller: Annotated[Name, Field(source="call.caller", column=LOW, answers=_EVERYWHERE)] = ""
    caller_cluster: Annotated[Name, Field(source="call.caller_cluster", column=LOW)] = ""
    callee: Annotated[Name, Field(source="call.callee", column=LOW, answers=_EVERYWHERE)] = ""
    callee_cluster: Annotated[Name, Field(source="call.callee_cluster", column=LOW)] = ""
    version: Annotated[Name, Field(source="version", column=LOW)] = ""
    lane: Annotated[Name, Field(source="call.env", column=LOW)] = ""
    traffic: Annotated[Name, Field(source="call.traffic", column=LOW)] = ""
    method: Annotated[Name, Field(source="call.method", column=LOW, answers=_EVERYWHERE)] = ""
    verb: Annotated[Name, Field(source="call.verb", column=LOW, answers=_CHAIN_AND_CALLS)] = ""
    route: Annotated[Name, Field(source="call.route", column=LOW, answers=_CHAIN_AND_CALLS)] = ""
    path: Annotated[Name, Field(source="call.path", column=TEXT, answers=_CHAIN_AND_CALLS)] = ""
    logid: Annotated[Name, Field(source="call.logid", column=TEXT, answers=_EVERYWHERE)] = ""
    span_id: Annotated[
        Name, Field(source="call.span_id", column=TEXT, answers=_CHAIN_AND_CALLS)
    ] = ""
    parent_id: Annotated[Name, Field(source="call.parent_id", column=TEXT)] = ""
    attempt: Annotated[U16, Field(source="call.attempt", column=number("UInt16"))] = 0
    attempts: Annotated[U16, Field(source="call.attempts", column=number("UInt16"))] = 1
    hedges: Annotated[U16, Field(source="call.hedges", column=number("UInt16"))] = 0
    peer: Annotated[Name, Field(source="call.peer", column=TEXT)] = ""
    duration_us: Annotated[
        U63, Field(source="duration_us", column=number("UInt64"), answers=_EVERYWHERE)
    ] = 0
    queued_us: Annotated[U63, Field(source="queued_us", column=number("UInt64"))] = 0
    outcome: Annotated[Name, Field(source="outcome", column=LOW, answers=_EVERYWHERE)] = "ok"
    code: Annotated[I32, Field(source="call.code", column=number("Int32"), answers=_EVERYWHERE)] = 0
    status: Annotated[
        U16, Field(source="call.status", column=number("UInt16"), answers=_CHAIN_AND_CALLS)
    ] = 0
    message: Annotated[
        Text, Field(source="call.message", column=TEXT, answers=_CHAIN_AND_CALLS, cut=MESSAGE_LIMIT)
    ] = ""
    raised_by: Annotated[Name, Field(source="raised_by", column=LOW)] = ""
    rule: Annotated[Name, Field(source="rule", column=LOW)] = ""
    gate: Annotated[Name, Field(source="call.gate", column=LOW)] = ""
    request_bytes: Annotated[U63, Field(source="call.request_bytes", column=number("UInt64"))] = 0
    response_bytes: Annotated[U63, Field(source="call.response_bytes", column=number("UInt64"))] = 0
    weight: Annotated[
        float, Meta(ge=0, le=1e30), Field(source="weight", column=number("Float32"))
    ] = 1.0
    notes: Annotated[
        list[Text],
        Meta(max_length=1000),
        Field(source="call.notes", column="Array(String) CODEC(ZSTD(1))", cut=MESSAGE_LIMIT),
    ] = []


class AggregateRow(Position, kw_only=True):
    """What a process counted in one bucket, which begins at ``ts``.

    ``SECONDS`` is the width of a bucket; ``COUNTED`` the source that is 1 for the finished calls
    and attempts that count.
    """

    SECONDS: ClassVar[int]
    COUNTED: ClassVar[str]

    ts: Annotated[int, Meta(ge=-(2**62), le=2**62), Field(column=_SECONDS)]


class EdgeRow(AggregateRow, kw_only=True):
    """All whole calls of one kind that ended in 10 seconds in one process, exactly counted.

    Rows add up: a bucket may come in several rows. ``histogram`` maps ``histogram_bucket`` of the
    duration to a count. ``retries`` are attempts after the first that are no hedges; ``queued_us``
    is the time between receipt and handler. Counts that came before a sum existed have 0 in it.
    """

    SECONDS: ClassVar[int] = EDGE_SECONDS
    COUNTED: ClassVar[str] = "whole"

    side: Annotated[Side, Key(source="call.side", column=LOW)]
    protocol: Annotated[Name, Key(source="call.protocol", column=LOW)]
    psm: Annotated[Required, Field(source="process.psm", column=LOW)]
    cluster: Annotated[Name, Field(source="process.cluster", column=LOW)] = "default"
    env: Annotated[Name, Field(source="process.env", column=LOW)] = ""
    host: Annotated[Name, Field(source="process.host", column=LOW)] = ""
    instance: Annotated[Name, Field(source="process.instance", column=LOW)] = ""
    caller: Annotated[Name, Key(source="call.caller", column=LOW, cap=1000)] = ""
    caller_cluster: Annotated[Name, Key(source="call.caller_cluster", column=LOW, cap=200)] = ""
    callee: Annotated[Name, Key(source="call.callee", column=LOW, cap=1000)] = ""
    callee_cluster: Annotated[Name, Key(source="call.callee_cluster", column=LOW, cap=200)] = ""
    version: Annotated[Name, Key(source="version", column=LOW, cap=200)] = ""
    lane: Annotated[Name, Key(source="call.env", column=LOW, cap=200)] = ""
    traffic: Annotated[Name, Key(source="call.traffic", column=LOW, cap=8)] = ""
    method: Annotated[Name, Key(source="call.method", column=LOW, cap=1000)] = ""
    outcome: Annotated[Name, Key(source="outcome", column=LOW)] = "ok"
    code: Annotated[I32, Key(source="call.code", column=number("Int32"), cap=500)] = 0
    gate: Annotated[Name, Key(source="call.gate", column=LOW, cap=100)] = ""
    count: Annotated[U63, Sum(source="one", column=number("UInt64"))] = 0
    duration_us: Annotated[U63, Sum(source="duration_us", column=number("UInt64"))] = 0
    attempts: Annotated[U63, Sum(source="call.attempts", column=number("UInt64"))] = 0
    retries: Annotated[U63, Sum(source="retries", column=number("UInt64"))] = 0
    hedges: Annotated[U63, Sum(source="call.hedges", column=number("UInt64"))] = 0
    queued_us: Annotated[U63, Sum(source="queued_us", column=number("UInt64"))] = 0
    histogram: Annotated[
        dict[U16, U63],
        Histogram(source="duration_us", column="Map(UInt16,UInt64) CODEC(ZSTD(1))"),
    ] = {}


class PeerRow(AggregateRow, kw_only=True):
    """All attempts that one process made at one callee instance and that ended in one minute.

    A call that was tried once is its own attempt. ``failures`` are attempts whose outcome is
    neither ``ok`` nor ``business``. An attempt that was given no instance is not counted.
    """

    SECONDS: ClassVar[int] = PEER_SECONDS
    COUNTED: ClassVar[str] = "sent"

    psm: Annotated[Required, Field(source="process.psm", column=LOW)]
    cluster: Annotated[Name, Field(source="process.cluster", column=LOW)] = "default"
    env: Annotated[Name, Field(source="process.env", column=LOW)] = ""
    host: Annotated[Name, Field(source="process.host", column=LOW)] = ""
    instance: Annotated[Name, Field(source="process.instance", column=LOW)] = ""
    protocol: Annotated[Name, Key(source="call.protocol", column=LOW)] = ""
    callee: Annotated[Name, Key(source="call.callee", column=LOW, cap=1000)] = ""
    callee_cluster: Annotated[Name, Key(source="call.callee_cluster", column=LOW, cap=200)] = ""
    peer: Annotated[Name, Key(source="call.peer", column=LOW, cap=2000)] = ""
    version: Annotated[Name, Key(source="version", column=LOW, cap=200)] = ""
    lane: Annotated[Name, Key(source="call.env", column=LOW, cap=200)] = ""
    traffic: Annotated[Name, Key(source="call.traffic", column=LOW, cap=8)] = ""
    count: Annotated[U63, Sum(source="one", column=number("UInt64"))] = 0
    failures: Annotated[U63, Sum(source="failures", column=number("UInt64"))] = 0
    duration_us: Annotated[U63, Sum(source="duration_us", column=number("UInt64"))] = 0


class LogRow(Position, kw_only=True):
    """One log line; ``folder`` is the part of the log road it came by (app, rpc, python, ...)."""

    ts: Annotated[float, Field(column=_MICROSECONDS)]
    folder: Annotated[Name, Field(column=LOW)] = ""
    host: Annotated[Name, Field(column=LOW)] = ""
    psm: Annotated[Name, Field(column=LOW)] = ""
    cluster: Annotated[Name, Field(column=LOW)] = "default"
    level: Annotated[Name, Field(column=LOW)] = ""
    logid: Annotated[Name, Field(column=TEXT)] = ""
    span_id: Annotated[Name, Field(column=TEXT)] = ""
    process: Annotated[U32, Field(column=number("UInt32"))] = 0
    thread: Annotated[U64, Field(column=number("UInt64"))] = 0
    file: Annotated[str, Meta(max_length=4096), Field(column=LOW)] = ""
    line: Annotated[U32, Field(column=number("UInt32"))] = 0
    message: Annotated[Text, Field(column=TEXT)] = ""
    stack: Annotated[Text, Field(column="String CODEC(ZSTD(3))")] = ""
    stack_hash: Annotated[U64, Field(column=number("UInt64"))] = 0
    fields: Annotated[
        dict[Name, Text],
        Meta(max_length=1000),
        Field(column="Map(LowCardinality(String),String) CODEC(ZSTD(1))"),
    ] = {}


class RuleRow(Position, kw_only=True):
    """What one rule did to calls of one process in 10 seconds, counted for each verdict.

    Rows add up. ``psm`` is of the process, ``owner`` the PSM whose owner published the rule,
    ``scope`` the calls that the rule is for, as text. A killed process loses its last 10 seconds.
    """

    ts: Annotated[int, Meta(ge=-(2**62), le=2**62), Field(column=_SECONDS)]
    psm: Annotated[Required, Field(column=LOW)]
    cluster: Annotated[Name, Field(column=LOW)] = "default"
    instance: Annotated[Name, Field(column=LOW)] = ""
    owner: Annotated[Name, Field(column=LOW)] = ""
    side: Annotated[Name, Field(column=LOW)] = ""
    kind: Annotated[Name, Field(column=LOW)] = ""
    version: Annotated[U32, Field(column=number("UInt32"))] = 0
    scope: Annotated[Name, Field(column=LOW, cut=500)] = ""
    verdict: Annotated[Name, Field(column=LOW)] = ""
    calls: Annotated[U63, Field(column=number("UInt64"))] = 0


class InForceRow(Position, kw_only=True):
    """Which version of something decided one process runs: written on change and every 60 s.

    ``key`` is ``rule/<side>/<kind>@<psm>``, ``config`` or ``switch/<name>``; ``version`` 0 = none;
    ``trouble`` why it is not what the state store holds; ``value`` where it came from, or what it
    is.
    """

    ts: Annotated[float, Field(column=_MICROSECONDS)]
    psm: Annotated[Required, Field(column=LOW)]
    cluster: Annotated[Name, Field(column=LOW)] = "default"
    instance: Annotated[Name, Field(column=LOW)] = ""
    host: Annotated[Name, Field(column=LOW)] = ""
    process: Annotated[U32, Field(column=number("UInt32"))] = 0
    key: Annotated[Name, Field(column=LOW)] = ""
    version: Annotated[U32, Field(column=number("UInt32"))] = 0
    trouble: Annotated[Text, Field(column=TEXT, cut=MESSAGE_LIMIT)] = ""
    value: Annotated[Text, Field(column=TEXT, cut=MESSAGE_LIMIT)] = ""


class EventRow(Position, kw_only=True):
    """One change that a person made; see ``pie.state.events.ChangeEvent``."""

    ts: Annotated[float, Field(column=_MICROSECONDS)]
    id: Annotated[Required, Field(column=TEXT)]
    kind: Annotated[Name, Field(column=LOW)] = ""
    psm: Annotated[Name, Field(column=LOW)] = ""
    subject: Annotated[Name, Field(column=LOW)] = ""
    person: Annotated[Name, Field(column=LOW)] = ""
    reason: Annotated[Text, Field(column=TEXT)] = ""
    version: Annotated[U32, Field(column=number("UInt32"))] = 0
    before: Annotated[Text, Field(column="String CODEC(ZSTD(3))")] = ""
    after: Annotated[Text, Field(column="String CODEC(ZSTD(3))")] = ""
