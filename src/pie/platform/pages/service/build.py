"""From rows and registration to the page of one service. Pure."""

from collections.abc import Iterable

from pie.platform.ask.further import further
from pie.platform.ask.histogram import percentile_ms
from pie.platform.ask.registered import protocol_of, state_of
from pie.platform.ask.span import Span
from pie.platform.ask.sums import Sums
from pie.platform.pages.service.sql import (
    MAX_CALLEES,
    MAX_CALLERS,
    MAX_METHODS,
    SPARK_MINUTES,
    CallLine,
    ClusterRow,
    MinutesRow,
    Received,
    ReceivedRow,
    Seen,
)
from pie.platform.pages.service.views import (
    Figures,
    IdlFile,
    Route,
    ServedCall,
    ServiceCallee,
    ServiceCaller,
    ServiceCluster,
    ServiceIdl,
    ServiceInstance,
    ServiceMethod,
    ServicePage,
    ServiceSetting,
)
from pie.state import Instance, Interface, RuntimeDescription, Service

_further = further("calls", ServedCall, ("side", "protocol", "psm", "callee", "duration_us"))

MAIN_IDL = "(main)"
"""Stands for the path of a service's main IDL file."""


def figures_of(sums: Sums, seconds: float) -> Figures:
    """Counts as they are, rates over ``seconds``."""
    calls = sums.calls
    return Figures(
        calls=calls,
        failures=sums.failures,
        rejected=sums.rejected,
        business=sums.business,
        qps=round(calls / seconds, 3) if seconds else 0.0,
        avg_ms=sums.average_ms,
        p50_ms=percentile_ms(sums.histogram, 0.5, sums.duration_us),
        p99_ms=percentile_ms(sums.histogram, 0.99, sums.duration_us),
    )


def build_page(
    psm: str,
    now: float,
    span: Span,
    cluster: str,
    registry: dict[str, Service],
    seen: Seen | None,
) -> ServicePage:
    """The page; ``seen`` is None while the facts process is down."""
    registered = registry.get(psm)
    meta = registered.meta if registered else None
    received = seen.received if seen else Received()
    seconds = seen.coverage.seconds if seen else 0.0
    instances = registered.instances if registered else ()
    called = seen.called if seen else []
    spoken = received.method[0].protocol if received.method else ""
    return ServicePage(
        psm=psm,
        now=now,
        since=span.since,
        window_s=span.window,
        covered_s=seconds,
        traffic_known=seen is not None,
        account=received.account,
        state=state_of(registered),
        cluster=cluster,
        clusters=_clusters(instances, seen.clusters if seen else []),
        language=meta.language if meta else "",
        framework=meta.framework if meta else "",
        framework_version=meta.framework_version if meta else "",
        protocol=protocol_of(registered) or spoken,
        owners=list(meta.owners) if meta else [],
        has_idl=bool(meta and meta.idl),
        last_seen=float(seen.last_seen) if seen else 0.0,
        total=figures_of(received.total, seconds),
        methods=_methods(
            meta.interfaces if meta else (), received.method, seen.minutes if seen else [], seconds
        ),
        more_methods=len(received.method) > MAX_METHODS,
        callers=_callers(received, registry, seconds),
        more_callers=len(received.caller) > MAX_CALLERS,
        callees=[
            ServiceCallee(
                psm=row.psm,
                method=row.method,
                protocol=row.protocol,
                state=state_of(registry.get(row.psm)),
                figures=figures_of(row, seconds),
            )
            for row in called[:MAX_CALLEES]
        ],
        more_callees=len(called) > MAX_CALLEES,
        instances=_instances(registered, cluster, received.instance, seconds),
    )


def served_call(line: CallLine) -> ServedCall:
    """A recorded call as the list of a service's calls shows it."""
    return ServedCall(
        ts=line.ts,
        logid=line.logid,
        span_id=line.span_id,
        method=line.method,
        verb=line.verb,
        route=line.route,
        caller=line.by,
        caller_cluster=line.by_cluster,
        cluster=line.on_cluster,
        instance=line.on_instance,
        duration_ms=line.duration_us / 1000,
        outcome=line.outcome,
        code=line.code,
        status=line.status,
        message=line.message,
        fields=_further(line),
    )


def idl_of(registered: Service | None) -> ServiceIdl:
    """The IDL files of a service, the main one first."""
    meta = registered.meta if registered else None
    if meta is None or not meta.idl:
        return ServiceIdl([])
    files = [IdlFile(MAIN_IDL, meta.idl)]
    return ServiceIdl(files + [IdlFile(*item) for item in sorted(meta.includes.items())])


def _clusters(instances: Iterable[Instance], seen: list[ClusterRow]) -> list[ServiceCluster]:
    counted: dict[str, int] = {}
    for instance in instances:
        counted[instance.cluster] = counted.get(instance.cluster, 0) + 1
    calls = {row.name: row.calls for row in seen}
    return [
        ServiceCluster(name, counted.get(name, 0), calls.get(name, 0))
        for name in sorted(counted.keys() | calls.keys())
    ]


def _methods(
    described: Iterable[Interface],
    called: list[ReceivedRow],
    minutes: list[MinutesRow],
    seconds: float,
) -> list[ServiceMethod]:
    """The busiest first, then those without calls in the order of their description.

    All that are described are listed; of the others, as many as there is room for.
    """
    methods: dict[str, ServiceMethod] = {}
    interfaces: dict[str, list[Interface]] = {}
    for interface in described:
        interfaces.setdefault(interface.method, []).append(interface)
    sums = {row.method: row for row in called[:MAX_METHODS]}
    by_minute = {row.method: row for row in minutes}
    for name in [*sums, *interfaces, *by_minute]:
        full = len(methods) >= MAX_METHODS and name not in interfaces
        if name in methods or full:
            continue
        declared = interfaces.get(name, [])
        lately = by_minute.get(name)
        methods[name] = ServiceMethod(
            method=name,
            described=bool(declared),
            routes=[Route(each.route, list(each.verbs)) for each in declared if each.route],
            request=declared[0].request if declared else "",
            response=declared[0].response if declared else "",
            doc=next((each.doc for each in declared if each.doc), ""),
            figures=figures_of(sums.get(name, Sums()), seconds),
            minutes=_spark(lately.minutes) if lately else [],
            failed_minutes=_spark(lately.failed_minutes) if lately else [],
        )
    return list(methods.values())


def _spark(counts: dict[int, int]) -> list[int]:
    return [counts.get(minute, 0) for minute in range(SPARK_MINUTES)]


def _callers(
    received: Received, registry: dict[str, Service], seconds: float
) -> list[ServiceCaller]:
    whole = received.total.calls
    return [
        ServiceCaller(
            psm=row.caller,
            cluster=row.caller_cluster,
            state=state_of(registry.get(row.caller)),
            methods=sorted(row.methods),
            method_count=row.method_count,
            share=round(row.calls / whole, 6) if whole else 0.0,
            figures=figures_of(row, seconds),
        )
        for row in received.caller[:MAX_CALLERS]
    ]


def _instances(
    registered: Service | None, cluster: str, traffic: list[ReceivedRow], seconds: float
) -> list[ServiceInstance]:
    if registered is None:
        return []
    sums = {row.instance: row for row in traffic}
    return [
        _instance(
            instance,
            registered.runtime.get(instance.id),
            figures_of(sums.get(instance.id, Sums()), seconds),
        )
        for instance in sorted(registered.instances, key=lambda each: (each.cluster, each.id))
        if cluster in ("", instance.cluster)
    ]


def _instance(
    instance: Instance, described: RuntimeDescription | None, figures: Figures
) -> ServiceInstance:
    process = described or RuntimeDescription(psm=instance.psm, id=instance.id, workers=0)
    return ServiceInstance(
        id=instance.id,
        cluster=instance.cluster,
        env=instance.env,
        address=instance.address,
        protocol=instance.protocol,
        transport=instance.transport,
        pid=instance.pid,
        version=instance.version,
        started=instance.started,
        weight=instance.weight,
        debug=process.debug or instance.debug,
        figures=figures,
        reported=described is not None,
        workers=process.workers,
        threads=process.threads,
        python=process.python,
        pie=process.pie,
        server=process.server,
        command=process.command,
        in_flight=process.in_flight,
        lost=process.lost,
        settings=[ServiceSetting(each.key, each.value, each.source) for each in process.settings],
    )
