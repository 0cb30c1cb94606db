"""Rows as they are stored: those of ``pie.observe.facts.rows``, and what the store adds.

The bounds of a field are those of its column: what passes here cannot make an insert fail.
``received``, ``day`` (days since 1970 of the ts that the sender gave) and ``clamped`` (whether that
ts was moved) are set by the store alone. Rows hold no cycles, so the garbage collector does not
look at them (``gc=False``): it would go through tens of thousands again and again while others are
decoded.
"""

from typing import Annotated, TypeAlias

from pie.observe.facts.fields import Field, number
from pie.observe.facts.rows import (
    CallRow,
    EdgeRow,
    EventRow,
    InForceRow,
    LogRow,
    PeerRow,
    RuleRow,
)
from pie.observe.log.colour import without_colours

_Received: TypeAlias = Annotated[
    float, Field(column="DateTime64(3,'UTC') CODEC(Delta(8),ZSTD(1))", answers=())
]
_Day: TypeAlias = Annotated[int, Field(column=number("Int32"), answers=())]
_Clamped: TypeAlias = Annotated[int, Field(column=number("UInt8"), answers=())]


class StoredCall(CallRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredEdge(EdgeRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredPeer(PeerRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredLog(LogRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredRule(RuleRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredInForce(InForceRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


class StoredEvent(EventRow, kw_only=True, gc=False):
    received: _Received = 0.0
    day: _Day = 0
    clamped: _Clamped = 0


StoredRow: TypeAlias = (
    StoredCall | StoredEdge | StoredPeer | StoredLog | StoredRule | StoredInForce | StoredEvent
)

ROW_TYPES: dict[str, type[StoredRow]] = {
    "calls": StoredCall,
    "edge_10s": StoredEdge,
    "peer_60s": StoredPeer,
    "logs": StoredLog,
    "rule_10s": StoredRule,
    "in_force": StoredInForce,
    "events": StoredEvent,
}

_U64_MAX = 2**64 - 1


def settle(row: StoredRow) -> bool:
    """Bring a row into its stored form; False if it has none.

    A logid is stored in lower case, a log line without its colours. A constraint on numbers ends at
    2^63, so those of 64 bits are checked here.
    """
    if isinstance(row, StoredCall | StoredLog):
        row.logid = row.logid.lower()
    if isinstance(row, StoredLog):
        row.message, row.stack = without_colours(row.message), without_colours(row.stack)
    if row.src > _U64_MAX or row.pos > _U64_MAX:
        return False
    return not isinstance(row, StoredLog) or (row.thread | row.stack_hash) <= _U64_MAX
