"""The list of services: what registered itself, joined with what was seen in calls."""

from dataclasses import dataclass

from pie.observe.facts import bucket_upper_us
from pie.platform.views import Cluster, Instance, Service
from pie.state import Service as Registered


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls received by one service. ``histogram`` as in ``EdgeRow``; ``last_seen`` Unix seconds.

    ``seconds`` is the time that the counts cover.
    """

    psm: str
    protocol: str
    calls: int
    errors: int
    duration_us: int
    methods: int
    histogram: dict[int, int]
    seconds: float
    last_seen: float


def merge_services(registered: dict[str, Registered], traffic: dict[str, Traffic]) -> list[Service]:
    """Every service known from either side, by name."""
    names = sorted(registered.keys() | traffic.keys())
    return [_merge(name, registered.get(name), traffic.get(name)) for name in names]


def percentile_ms(histogram: dict[int, int], share: float) -> float:
    """The upper bound of the bucket in which this share of the calls is reached, 0 if empty."""
    wanted = sum(histogram.values()) * share
    counted = 0
    for bucket, count in sorted(histogram.items()):
        counted += count
        if counted >= wanted:
            return round(bucket_upper_us(bucket) / 1000, 3)
    return 0.0


def _merge(psm: str, registered: Registered | None, seen: Traffic | None) -> Service:
    meta = registered.meta if registered else None
    instances = registered.instances if registered else ()
    calls = seen.calls if seen else 0
    protocol = (meta.protocol if meta else "") or (instances[0].protocol if instances else "")
    return Service(
        psm=psm,
        onboarded=bool(instances),
        language=meta.language if meta else "",
        framework=meta.framework if meta else "",
        framework_version=meta.framework_version if meta else "",
        protocol=protocol or (seen.protocol if seen else ""),
        owners=list(meta.owners) if meta else [],
        clusters=_clusters(registered) if registered else [],
        qps=round(calls / seen.seconds, 3) if seen else 0.0,
        error_rate=round(seen.errors / calls, 6) if seen and calls else 0.0,
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
