"""The rows that travel from a service to the store: one call, one edge aggregate, one log line.

These types are the contract between the process that writes, the agent that ships and the platform
that stores: field names are column names. ``ts`` is in Unix seconds, with microseconds.
"""

import math

import msgspec

EDGE_SECONDS = 10
"""Width of an aggregate."""

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

    src: int = 0
    pos: int = 0


class CallRow(Position, kw_only=True):
    """One Call. ``attempt`` is 0 for a whole call, n for the n-th attempt of a retried one."""

    ts: float
    side: str
    protocol: str
    psm: str
    cluster: str = "default"
    env: str = ""
    host: str = ""
    instance: str = ""
    caller: str = ""
    caller_cluster: str = ""
    callee: str = ""
    callee_cluster: str = ""
    method: str = ""
    verb: str = ""
    route: str = ""
    logid: str = ""
    span_id: str = ""
    parent_id: str = ""
    attempt: int = 0
    attempts: int = 1
    peer: str = ""
    duration_us: int = 0
    outcome: str = "ok"
    code: int = 0
    status: int = 0
    message: str = ""
    raised_by: str = ""
    rule: str = ""
    request_bytes: int = 0
    response_bytes: int = 0
    weight: float = 1.0
    notes: list[str] = []


class EdgeRow(Position, kw_only=True):
    """All calls of one kind that ended in one 10-second bucket in one process, exactly counted.

    Rows add up: a bucket may come in several rows. ``histogram`` maps ``histogram_bucket`` to a
    count.
    """

    ts: int
    side: str
    protocol: str
    psm: str
    cluster: str = "default"
    env: str = ""
    host: str = ""
    instance: str = ""
    caller: str = ""
    caller_cluster: str = ""
    callee: str = ""
    callee_cluster: str = ""
    method: str = ""
    outcome: str = "ok"
    code: int = 0
    count: int = 0
    duration_us: int = 0
    histogram: dict[int, int] = {}


class LogRow(Position, kw_only=True):
    """One log line; ``folder`` is the part of the log road it came by (app, rpc, python, ...)."""

    ts: float
    folder: str = ""
    host: str = ""
    psm: str = ""
    cluster: str = "default"
    level: str = ""
    logid: str = ""
    span_id: str = ""
    process: int = 0
    thread: int = 0
    file: str = ""
    line: int = 0
    message: str = ""
    stack: str = ""
    stack_hash: int = 0
    fields: dict[str, str] = {}
