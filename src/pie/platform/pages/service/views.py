"""What the API answers about one service: the types of its page's JSON."""

from dataclasses import dataclass

from pie.platform.ask.account import Account
from pie.platform.ask.further import Further
from pie.platform.ask.histogram import PERCENTILE_ERROR
from pie.platform.ask.registered import ServiceState
from pie.platform.ask.series import Series


@dataclass(slots=True)
class Figures:
    """Calls in the window: exact counts, calls per second, milliseconds.

    ``failures`` are the callee's own (5xx kinds), ``rejected`` the caller's doing (4xx kinds),
    ``business`` the callee's own non-zero codes; ``calls`` counts these and all others.
    """

    calls: int
    failures: int
    rejected: int
    business: int
    qps: float
    avg_ms: float
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class ServiceCluster:
    """One cluster: instances registered now, calls received in the window."""

    name: str
    instances: int
    calls: int


@dataclass(slots=True)
class Route:
    """Where an HTTP method is reached."""

    route: str
    verbs: list[str]


@dataclass(slots=True)
class ServiceMethod:
    """One method, as described and as called.

    ``described`` is False for one that is known from calls alone. ``minutes`` and
    ``failed_minutes`` count calls and failures of each minute of the last hour, oldest first.
    """

    method: str
    described: bool
    routes: list[Route]
    request: str
    response: str
    doc: str
    figures: Figures
    minutes: list[int]
    failed_minutes: list[int]


@dataclass(slots=True)
class ServiceCaller:
    """Who calls: one cluster of a PSM, empty when the request did not say.

    ``methods`` are some of the ``method_count`` it calls, ``share`` is its part of all calls.
    """

    psm: str
    cluster: str
    state: ServiceState
    methods: list[str]
    method_count: int
    share: float
    figures: Figures


@dataclass(slots=True)
class ServiceCallee:
    """One method of another service that this one calls, by this one's own account."""

    psm: str
    method: str
    protocol: str
    state: ServiceState
    figures: Figures


@dataclass(slots=True)
class ServiceSetting:
    """One setting in force, and where its value came from."""

    key: str
    value: str
    source: str


@dataclass(slots=True)
class ServiceInstance:
    """One instance as it registered itself.

    ``reported``: it described its process, which ``workers`` and all below come from.
    ``in_flight`` are the calls that it was serving at its last report; ``lost`` counts call
    records, aggregates and lines that never reached its disk, since its start.
    """

    id: str
    cluster: str
    env: str
    address: str
    protocol: str
    transport: str
    pid: int
    version: str
    started: float
    weight: int
    debug: str
    figures: Figures
    reported: bool
    workers: int
    threads: int
    python: str
    pie: str
    server: str
    command: str
    in_flight: int
    lost: int
    settings: list[ServiceSetting]


@dataclass(slots=True)
class ServicePage:
    """Everything the first page of a service shows, at ``now`` (Unix seconds).

    Counts are those of ``window_s`` seconds from ``since`` on; rates are over the ``covered_s`` of
    them that the edges cover. ``traffic_known`` is False while the facts process is down.
    ``last_seen`` is when the newest bucket with calls began, 0 for none in a day. ``more_methods``,
    ``more_callers`` and ``more_callees`` say that there are more than are listed. A percentile is
    at most ``percentile_error`` of itself away from the true one.
    """

    psm: str
    now: float
    since: int
    window_s: int
    covered_s: float
    traffic_known: bool
    account: Account
    state: ServiceState
    cluster: str
    clusters: list[ServiceCluster]
    language: str
    framework: str
    framework_version: str
    protocol: str
    owners: list[str]
    has_idl: bool
    last_seen: float
    total: Figures
    methods: list[ServiceMethod]
    more_methods: bool
    callers: list[ServiceCaller]
    more_callers: bool
    callees: list[ServiceCallee]
    more_callees: bool
    instances: list[ServiceInstance]
    percentile_error: float = PERCENTILE_ERROR


@dataclass(slots=True, kw_only=True)
class ServiceSeries(Series):
    """A method of a service (all of them if null) over time."""

    psm: str
    method: str | None
    account: Account


@dataclass(slots=True)
class ServedCall:
    """One recorded call; ``message`` is why it failed.

    ``fields`` are those of its record that are not empty and have no attribute here.
    """

    ts: float
    logid: str
    span_id: str
    method: str
    verb: str
    route: str
    caller: str
    caller_cluster: str
    cluster: str
    instance: str
    duration_ms: float
    outcome: str
    code: int
    status: int
    message: str
    fields: Further


@dataclass(slots=True)
class ServedCalls:
    """Calls of a service, newest first."""

    account: Account
    calls: list[ServedCall]


@dataclass(slots=True)
class IdlFile:
    """One IDL file, named as ``include`` statements name it."""

    path: str
    text: str


@dataclass(slots=True)
class ServiceIdl:
    """The IDL a service reported, its main file first; empty for a service without."""

    files: list[IdlFile]
