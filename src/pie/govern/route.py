"""Route: narrows the endpoints a call may go to: pinned instance, then cluster."""

from collections.abc import Callable

from pie.model import Call, Endpoint, Failure, Kind


class Route:
    """Keeps the endpoints of the cluster that the call names, or the one instance it is pinned to.

    Args:
        pinned: PSM → ``host:port``; a test run sends all its calls there.
        explain: given a PSM and a cluster, says why there is no instance and what to do.
    """

    def __init__(self, pinned: dict[str, str] | None, explain: Callable[[str, str], str]) -> None:
        self._pinned = pinned or {}
        self._explain = explain

    def enter(self, call: Call) -> None:
        cluster = call.callee_cluster or "default"
        address = self._pinned.get(call.callee)
        if address is not None:
            call.candidates = self._pin(call, address)
            call.callee_cluster = call.candidates[0].cluster
            call.notes.append(f"pinned to {address}")
            return
        chosen = [each for each in call.candidates if each.cluster == cluster]
        if not chosen:
            message = self._explain(call.callee, cluster)
            raise Failure(Kind.UNAVAILABLE, message, never_sent=True)
        call.callee_cluster = cluster
        call.candidates = chosen

    @staticmethod
    def _pin(call: Call, address: str) -> list[Endpoint]:
        chosen = [each for each in call.candidates if f"{each.host}:{each.port}" == address]
        if chosen:
            return chosen
        known = ", ".join(f"{each.host}:{each.port}" for each in call.candidates) or "none"
        raise Failure(
            Kind.UNAVAILABLE,
            f"{call.callee} is pinned to {address}, which is not registered; "
            f"registered instances: {known}",
            never_sent=True,
        )

    def leave(self, call: Call) -> None:
        pass
