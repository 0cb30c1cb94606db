"""The one instance that a call is pinned to."""

from pie.model import Call, Endpoint, Failure, Kind, address_of, split_transport, static_endpoint


def pinned_endpoint(call: Call, pin: str, cluster: str) -> Endpoint:
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
