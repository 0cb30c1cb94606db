"""What the platform's API answers: the types of its JSON, and of its OpenAPI document."""

from dataclasses import dataclass
from typing import Literal

from pie.platform.ask.registered import ServiceState

Status = Literal["OK", "ERROR", "UNKNOWN"]
NodeKind = Literal["nginx", "api", "service", "script"]


@dataclass(slots=True)
class Instance:
    """One process group that serves, as it registered itself. ``started`` is in Unix seconds."""

    id: str
    host: str
    port: int
    pid: int
    started: float
    version: str
    address: str


@dataclass(slots=True)
class Cluster:
    """The instances of a service that share a cluster name."""

    name: str
    instances: list[Instance]


@dataclass(slots=True)
class Service:
    """One service: what it says of itself, and what was seen of it in the window.

    ``onboarded`` says whether an instance is registered now, ``state`` tells one that stopped from
    one that never was. ``qps`` counts calls received per second; times are milliseconds.
    ``error_rate`` is the sum of ``failure_rate`` (5xx kinds) and ``rejected_rate`` (4xx kinds).
    ``last_seen`` is when the newest ten seconds with calls began, in Unix seconds, 0 for none.
    """

    psm: str
    onboarded: bool
    state: ServiceState
    language: str
    framework: str
    framework_version: str
    protocol: str
    owners: list[str]
    clusters: list[Cluster]
    qps: float
    error_rate: float
    failure_rate: float
    rejected_rate: float
    business_rate: float
    avg_ms: float
    p99_ms: float
    calls: int
    methods: int
    last_seen: float


@dataclass(slots=True)
class Services:
    """All services at ``now`` (Unix seconds), with traffic of the last ``window_s`` seconds.

    ``traffic_known`` is False while the facts are away: then only the registry speaks.
    """

    now: float
    window_s: int
    traffic_known: bool
    services: list[Service]


@dataclass(slots=True)
class ChainSummary:
    """The entry call of one chain; ``calls`` counts all recorded calls of it."""

    logid: str
    start: float
    psm: str
    method: str
    protocol: str
    duration_ms: float
    outcome: str
    code: int
    calls: int


@dataclass(slots=True)
class Chains:
    """Chains, newest first."""

    chains: list[ChainSummary]


@dataclass(slots=True)
class ChainNode:
    """One call as its server saw it, or a script that made calls; in pre-order.

    ``method`` is the verb of an HTTP call, whose view stands in ``view``.
    ``offset_ms`` counts from the chain's start and may be negative when clocks differ.
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
    status: Status
    outcome: str
    code: int
    message: str
    rule: str
    span_id: str
    notes: list[str]
    flags: list[str]


@dataclass(slots=True)
class ChainCall:
    """One call as its caller saw it. ``callee_no`` is -1 when its server side was not logged."""

    caller: str
    caller_no: int
    callee_no: int
    callee: str
    method: str
    protocol: str
    start: float
    offset_ms: float
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


@dataclass(slots=True)
class Chain:
    """A whole chain: the servers' view (``nodes``) and the callers' view (``calls``)."""

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


@dataclass(slots=True)
class RejectedLine:
    """A row that was not taken; ``line`` counts from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class IngestAnswer:
    """What became of the rows of one post; all accepted rows are committed."""

    accepted: int
    duplicates: int
    rejected: list[RejectedLine]
    rejected_count: int


@dataclass(slots=True)
class ClientLogsAnswer:
    """How many entries were stored."""

    accepted: int


@dataclass(slots=True)
class Session:
    """Who is asking. ``user`` is the name they give themselves."""

    role: Literal["admin", "service"]
    user: str


@dataclass(slots=True)
class Health:
    """``degraded`` means that the facts are away; the registry works all the same."""

    status: Literal["ok", "degraded"]
    facts: Literal["up", "down"]
    version: str


@dataclass(slots=True)
class ErrorPlace:
    """A place in the text that was sent, in characters."""

    offset: int
    length: int


@dataclass(slots=True)
class ErrorBody:
    """One error: its HTTP status, its kind, and what happened and what to do.

    ``at`` is there only for a query that cannot be understood, and says where.
    """

    code: int
    kind: str
    message: str
    at: ErrorPlace | None = None


@dataclass(slots=True)
class ErrorAnswer:
    """The one form of all errors."""

    error: ErrorBody
