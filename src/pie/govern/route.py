"""Route: narrows the endpoints a call may go to: pinned instance, then cluster."""

from collections.abc import Callable, Mapping

from pie.model import Call, Endpoint, Failure, Kind, host_and_port, place

TRANSPORTS = ("ttheader", "framed", "buffered")


class Route:
    """Keeps the endpoints of the cluster that the call names, or the one instance it is pinned to.

    Args:
        pinned: PSM → ``host:port``; a test run sends all its calls there. An instance that is not
            registered is called, too, if it says how it speaks: ``host:port/framed``.
        explain: given a PSM and a cluster, says why there is no instance and what to do.
    """

    def __init__(
        self, pinned: Mapping[str, str] | None, explain: Callable[[str, str], str]
    ) -> None:
        self._pinned = pinned or {}
        self._explain = explain

    def enter(self, call: Call) -> None:
        cluster = call.callee_cluster or "default"
        pin = self._pinned.get(call.callee)
        if pin is not None:
            chosen = _pinned_endpoint(call, pin, cluster)
            call.candidates = [chosen]
            call.callee_cluster = chosen.cluster
            call.notes.append(f"pinned to {pin}")
            return
        kept = [each for each in call.candidates if each.cluster == cluster]
        if not kept:
            message = self._explain(call.callee, cluster)
            raise Failure(Kind.UNAVAILABLE, message, never_sent=True)
        call.callee_cluster = cluster
        call.candidates = kept

    def leave(self, call: Call) -> None:
        pass


def _pinned_endpoint(call: Call, pin: str, cluster: str) -> Endpoint:
    """The instance a pin names: as it registered, unless the pin says how it speaks."""
    address, slash, transport = pin.partition("/")
    try:
        host, port = host_and_port(address)
        known = next((e for e in call.candidates if (e.host, e.port) == (host, port)), None)
        if slash and transport not in TRANSPORTS:
            raise ValueError(f"{transport!r} is not a transport: choose {', '.join(TRANSPORTS)}")
    except ValueError as error:
        raise Failure(
            Kind.INVALID, f"{call.callee} is pinned to {pin}: {error}", never_sent=True
        ) from None
    if slash:
        return place(address, known.cluster if known is not None else cluster, transport)
    if known is not None:
        return known
    there = ", ".join(f"{each.host}:{each.port}" for each in call.candidates) or "none"
    raise Failure(
        Kind.UNAVAILABLE,
        f"{call.callee} is pinned to {pin}, which is not registered; registered instances: "
        f"{there}. To call an instance that does not register, say how it speaks: "
        f"{pin}/ttheader (a Pie service), {pin}/framed or {pin}/buffered (Apache Thrift)",
        never_sent=True,
    )
