"""The list of services: what registered itself, joined with what was seen in calls."""

from pie.platform.ask.further import further
from pie.platform.ask.histogram import percentile_ms
from pie.platform.ask.registered import protocol_of, state_of
from pie.platform.pages.services.sql import CalledMethod, Entered, Traffic
from pie.platform.pages.services.views import (
    ChainSummary,
    Cluster,
    Instance,
    MethodName,
    MethodNames,
    Service,
)
from pie.state import Service as Registered

_further = further("chains", ChainSummary, ("ts", "side", "duration_us", "callee"))


def merge_services(registered: dict[str, Registered], traffic: dict[str, Traffic]) -> list[Service]:
    """Every service known from either side, by name."""
    names = sorted(registered.keys() | traffic.keys())
    return [_merge(name, registered.get(name), traffic.get(name)) for name in names]


def find_methods(
    q: str, limit: int, registered: dict[str, Registered], called: list[CalledMethod] | None
) -> MethodNames:
    """The methods whose names hold ``q``: those that were called, then those only described."""
    wanted = q.lower()
    found = dict.fromkeys((each.name, each.method) for each in called or ())
    for psm, service in sorted(registered.items()):
        for interface in service.meta.interfaces if service.meta else ():
            if wanted in interface.method.lower():
                found.setdefault((psm, interface.method))
    names = sorted(found, key=lambda name: not name[1].lower().startswith(wanted))
    methods = [MethodName(psm, method) for psm, method in names[:limit]]
    return MethodNames(called is not None, methods)


def summary_of(entered: Entered) -> ChainSummary:
    """One row of the list of chains."""
    call = entered.call
    return ChainSummary(
        logid=call.logid,
        start=call.ts,
        psm=call.psm,
        method=call.method,
        protocol=call.protocol,
        duration_ms=call.duration_us / 1000,
        outcome=call.outcome,
        code=call.code,
        calls=entered.calls,
        fields=_further(call),
    )


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
        failure_rate=share(seen.failures) if seen else 0.0,
        rejected_rate=share(seen.rejected) if seen else 0.0,
        business_rate=share(seen.business) if seen else 0.0,
        avg_ms=round(seen.duration_us / calls / 1000, 3) if seen and calls else 0.0,
        p99_ms=percentile_ms(seen.histogram, 0.99, seen.duration_us) if seen else 0.0,
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
