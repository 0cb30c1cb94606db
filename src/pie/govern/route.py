"""Route: narrows the endpoints a call may go to: pinned instance, then cluster.

Algorithm: the instance that ``call.pin`` names, or else every endpoint of the cluster that the call
asks for (``default`` if it asks for none). There is no rule yet, and no state.
"""

from collections.abc import Callable

from pie._core import native
from pie.model import Call, Endpoint, Failure, Kind, address_of, split_transport, static_endpoint


class Route:
    """Keeps the endpoints of the cluster that the call names, or the one instance it is pinned to.

    An instance that is not registered is called, too, if the pin says how it speaks:
    ``host:port/framed``.

    Args:
        explain: given a PSM and a cluster, says why there is no instance and what to do.
    """

    policy = "route"

    def __init__(self, explain: Callable[[str, str], str]) -> None:
        self._explain = explain

    def native_state(self) -> tuple[()]:
        """C needs nothing of it: it enters calls without a pin that have a candidate."""
        return ()

    def enter(self, call: Call) -> None:
        cluster = call.callee_cluster or "default"
        if call.pin:
            chosen = _pinned_endpoint(call, call.pin, cluster)
            call.candidates = [chosen]
            call.callee_cluster = chosen.cluster
            call.notes.append(f"pinned to {call.pin}")
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
    try:
        address, transport = split_transport(pin)
        asked = static_endpoint(address, cluster, transport)
    except ValueError as error:
        raise Failure(
            Kind.INVALID, f"{call.callee} is pinned to {pin}: {error}", never_sent=True
        ) from None
    address_asked = (asked.host, asked.port)
    known = next(
        (each for each in call.candidates if (each.host, each.port) == address_asked), None
    )
    if transport:
        return asked if known is None else asked._replace(cluster=known.cluster)
    if known is not None:
        return known
    there = ", ".join(map(address_of, call.candidates)) or "none"
    raise Failure(
        Kind.UNAVAILABLE,
        f"{call.callee} is pinned to {pin}, which is not registered; registered instances: "
        f"{there}. To call an instance that does not register, say how it speaks: "
        f"{pin}/ttheader (a Pie service), {pin}/framed or {pin}/buffered (Apache Thrift)",
        never_sent=True,
    )


if native is not None:
    native.setup_gate("Route", Route)
