"""The list of services: what registered itself, joined with what was seen in calls."""

from dataclasses import dataclass, field

from pie.observe.record.facts import bucket_upper_us
from pie.platform.ask.registered import protocol_of, state_of
from pie.platform.views import Cluster, Instance, Service
from pie.state import Service as Registered


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls received by one service. ``histogram`` as in ``EdgeRow``; ``last_seen`` Unix seconds.

    ``seconds`` is the time that the counts cover. ``failures``, ``rejected`` and ``business`` are
    the calls of these classes of outcomes.
    """

    psm: str
    protocol: str
    seconds: float
    last_seen: float
    calls: int = 0
    failures: int = 0
    rejected: int = 0
    business: int = 0
    duration_us: int = 0
    methods: int = 0
    histogram: dict[int, int] = field(default_factory=dict)


def merge_services(registered: dict[str, Registered], traffic: dict[str, Traffic]) -> list[Service]:
    """Every service known from either side, by name."""
    names = sorted(registered.keys() | traffic.keys())
    return [_merge(name, registered.get(name), traffic.get(name)) for name in names]


def percentile_ms(histogram: dict[int, int], share: float) -> float:
    """The duration below which this share of the calls ended, 0 if there are none.

    Exact to the bucket, which is 5 % wide; inside it the calls are taken to be spread evenly.
    """
    wanted = sum(histogram.values()) * share
    counted = 0
    for bucket, count in sorted(histogram.items()):
        if counted + count >= wanted > 0:
            lower, upper = bucket_upper_us(bucket - 1), bucket_upper_us(bucket)
            return round((lower + (upper - lower) * (wanted - counted) / count) / 1000, 3)
        counted += count
    return 0.0


def _merge(psm: str, registered: Registered | None, seen: Traffic | None) -> Service:
    meta = registered.meta if registered else None
    state = state_of(registered)
    calls = seen.calls if seen else 0

    def share(part: int) -> float:
        return round(part / calls, 6) if calls else 0.0

    return Service(
        psm=psm,
        onboarded=state == "running",
        state=state,
        language=meta.language if meta else "",
        framework=meta.framework if meta else "",
        framework_version=meta.framework_version if meta else "",
        protocol=protocol_of(registered) or (seen.protocol if seen else ""),
        owners=list(meta.owners) if meta else [],
        clusters=_clusters(registered) if registered else [],
        qps=round(calls / seen.seconds, 3) if seen else 0.0,
        error_rate=share(seen.failures + seen.rejected) if seen else 0.0,
        failure_rate=share(seen.failures) if seen else 0.0,
        rejected_rate=share(seen.rejected) if seen else 0.0,
        business_rate=share(seen.business) if seen else 0.0,
        avg_ms=round(seen.duration_us / calls / 1000, 3) if seen and calls else 0.0,
        p99_ms=percentile_ms(seen.histogram, 0.99) if seen else 0.0,
        calls=calls,
        methods=seen.methods if seen else 0,
        last_seen=seen.last_seen if seen else 0.0,
    )


def _clusters(registered: Registered) -> list[Cluster]:
    names = sorted({instance.cluster for instance in registered.instances})
    return [
        Cluster(
            name,
            [
                Instance(
                    id=instance.id,
                    host=instance.host,
                    port=instance.port,
                    pid=instance.pid,
                    started=instance.started,
                    version=instance.version,
                    address=instance.address,
                )
                for instance in registered.instances
                if instance.cluster == name
            ],
        )
        for name in names
    ]
