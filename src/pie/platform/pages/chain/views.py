"""The answers about one chain and its log lines."""

from dataclasses import dataclass
from typing import Literal

from pie.platform.ask.further import Further

Status = Literal["OK", "ERROR", "UNKNOWN"]
NodeKind = Literal["nginx", "api", "service", "script"]


@dataclass(slots=True)
class ChainNode:
    """One call as its server saw it, or a script that made calls; in pre-order.

    ``method`` is the verb of an HTTP call, whose view stands in ``view``.
    ``offset_ms`` counts from the chain's start, with ``skew_ms`` in it: what was added because the
    clock of its host differs from that of its caller. ``start`` is what its host wrote. ``fields``
    are those of its record that are not empty and have no attribute here.
    """

    no: int
    parent_no: int | None
    depth: int
    psm: str
    cluster: str
    method: str
    view: str
    route: str
    ip: str
    instance: str
    kind: NodeKind
    start: float
    duration_ms: float
    offset_ms: float
    skew_ms: float
    status: Status
    outcome: str
    code: int
    message: str
    rule: str
    span_id: str
    notes: list[str]
    flags: list[str]
    fields: Further


@dataclass(slots=True)
class ChainCall:
    """One call as its caller saw it. ``callee_no`` is -1 when its server side was not logged.

    ``skew_ms`` and ``fields`` as in ``ChainNode``.
    """

    caller: str
    caller_no: int
    callee_no: int
    callee: str
    method: str
    protocol: str
    start: float
    offset_ms: float
    skew_ms: float
    duration_ms: float
    status: Status
    outcome: str
    code: int
    message: str
    rule: str
    peer: str
    attempt: int
    attempts: int
    span_id: str
    parent_id: str
    notes: list[str]
    flags: list[str]
    fields: Further


@dataclass(slots=True)
class Chain:
    """A whole chain: the servers' view (``nodes``) and the callers' view (``calls``).

    ``total_ms`` is from the start of its first entry to the end of its last.
    """

    logid: str
    entry_ip: str
    start: float
    total_ms: float
    node_count: int
    call_count: int
    flags: list[str]
    nodes: list[ChainNode]
    calls: list[ChainCall]


@dataclass(slots=True)
class LogLine:
    """One line of a log; ``ts`` in Unix seconds, ``folder`` the part of the log road it came by."""

    ts: float
    level: str
    psm: str
    host: str
    file: str
    line: int
    message: str
    span_id: str
    folder: str
    stack: str


@dataclass(slots=True)
class LogLines:
    """Lines in order of time; ``truncated`` when there are more than the limit."""

    lines: list[LogLine]
    truncated: bool
