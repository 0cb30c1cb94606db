"""Rows as they are stored: those of ``pie.observe.record.facts``, bounded, with their source.

The bounds are those of the columns: what passes here cannot make an insert fail. ``received``,
``day`` (days since 1970 of the ts that the sender gave) and ``clamped`` are set by the store alone.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from pie.observe.record.facts import CallRow, EdgeRow, LogRow

_U16: TypeAlias = Annotated[int, Meta(ge=0, le=2**16 - 1)]
_U32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
_U63: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_U64: TypeAlias = Annotated[int, Meta(ge=0)]
_I32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_Name: TypeAlias = Annotated[str, Meta(max_length=500)]
_Required: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
_Text: TypeAlias = Annotated[str, Meta(max_length=4 << 20)]
_Side: TypeAlias = Literal["server", "client"]


class StoredCall(CallRow, kw_only=True):
    src: _U64 = 0
    pos: _U64 = 0
    received: float = 0.0
    day: int = 0
    clamped: int = 0
    side: _Side
    protocol: _Name
    psm: _Required
    cluster: _Name = "default"
    env: _Name = ""
    host: _Name = ""
    instance: _Name = ""
    caller: _Name = ""
    caller_cluster: _Name = ""
    callee: _Name = ""
    callee_cluster: _Name = ""
    method: _Name = ""
    verb: _Name = ""
    route: _Name = ""
    logid: _Name = ""
    span_id: _Name = ""
    parent_id: _Name = ""
    attempt: _U16 = 0
    attempts: _U16 = 1
    peer: _Name = ""
    duration_us: _U63 = 0
    outcome: _Name = "ok"
    code: _I32 = 0
    status: _U16 = 0
    message: _Text = ""
    raised_by: _Name = ""
    rule: _Name = ""
    request_bytes: _U63 = 0
    response_bytes: _U63 = 0
    weight: Annotated[float, Meta(ge=0, le=1e30)] = 1.0
    notes: Annotated[list[_Text], Meta(max_length=1000)] = field(default_factory=list)


class StoredEdge(EdgeRow, kw_only=True):
    src: _U64 = 0
    pos: _U64 = 0
    received: float = 0.0
    day: int = 0
    clamped: int = 0
    ts: Annotated[int, Meta(ge=-(2**62), le=2**62)]
    side: _Side
    protocol: _Name
    psm: _Required
    cluster: _Name = "default"
    env: _Name = ""
    host: _Name = ""
    instance: _Name = ""
    caller: _Name = ""
    caller_cluster: _Name = ""
    callee: _Name = ""
    callee_cluster: _Name = ""
    method: _Name = ""
    outcome: _Name = "ok"
    code: _I32 = 0
    count: _U63 = 0
    duration_us: _U63 = 0
    histogram: dict[_U16, _U63] = field(default_factory=dict)


class StoredLog(LogRow, kw_only=True):
    src: _U64 = 0
    pos: _U64 = 0
    received: float = 0.0
    day: int = 0
    clamped: int = 0
    folder: _Name = ""
    host: _Name = ""
    psm: _Name = ""
    cluster: _Name = "default"
    level: _Name = ""
    logid: _Name = ""
    span_id: _Name = ""
    process: _U32 = 0
    thread: _U64 = 0
    file: Annotated[str, Meta(max_length=4096)] = ""
    line: _U32 = 0
    message: _Text = ""
    stack: _Text = ""
    stack_hash: _U64 = 0
    fields: Annotated[dict[_Name, _Text], Meta(max_length=1000)] = field(default_factory=dict)


StoredRow: TypeAlias = StoredCall | StoredEdge | StoredLog

ROW_TYPES: dict[str, type[StoredRow]] = {
    "calls": StoredCall,
    "edge_10s": StoredEdge,
    "logs": StoredLog,
}

_U64_MAX = 2**64 - 1


def settle(row: StoredRow) -> bool:
    """Bring a row into its stored form; False if it has none.

    A logid is stored in lower case. A constraint on numbers ends at 2^63, so those of 64 bits are
    checked here.
    """
    if not isinstance(row, StoredEdge):
        row.logid = row.logid.lower()
    if row.src > _U64_MAX or row.pos > _U64_MAX:
        return False
    return not isinstance(row, StoredLog) or (row.thread | row.stack_hash) <= _U64_MAX
