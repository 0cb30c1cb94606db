"""The answers about all services, and about the calls that entered the fleet."""

from dataclasses import dataclass

from pie.platform.ask.further import Further
from pie.platform.ask.histogram import PERCENTILE_ERROR
from pie.platform.ask.registered import ServiceState
from pie.platform.ask.series import Series


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
    """One service: its own description, and its calls in the window.

    ``onboarded`` says whether an instance is registered now, ``state`` separates one that
    stopped from one that never registered. ``qps`` counts calls received per second; times are
    milliseconds.
    ``failure_rate`` is the share of 5xx kinds, ``rejected_rate`` that of 4xx kinds.
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

    ``traffic_known`` is False while the facts process is down: then only registered services are
    listed. A percentile is at most ``percentile_error`` of itself away from the true one.
    """

    now: float
    window_s: int
    traffic_known: bool
    services: list[Service]
    percentile_error: float = PERCENTILE_ERROR


@dataclass(slots=True)
class MethodName:
    """A method of a service."""

    psm: str
    method: str


@dataclass(slots=True)
class MethodNames:
    """Methods by a part of their name, those that begin with it first; ``called_known`` is False
    while only those that services describe are known."""

    called_known: bool
    methods: list[MethodName]


@dataclass(slots=True, kw_only=True)
class FleetSeries(Series):
    """The calls that all services received, over time: each by its own account, by its callers' if
    it keeps none."""


@dataclass(slots=True)
class ChainSummary:
    """The entry call of one chain; ``calls`` counts all recorded calls of it.

    ``fields`` are those of its record that are not empty and have no attribute here.
    """

    logid: str
    start: float
    psm: str
    method: str
    protocol: str
    duration_ms: float
    outcome: str
    code: int
    calls: int
    fields: Further


@dataclass(slots=True)
class Chains:
    """Chains, newest first."""

    chains: list[ChainSummary]
