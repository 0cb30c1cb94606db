"""Endpoint: one place where an instance of a service can be called."""

import re
from typing import NamedTuple, Protocol

_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")


class Endpoint(Protocol):
    """What routing and connecting need to know of an instance."""

    @property
    def id(self) -> str: ...

    @property
    def cluster(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def transport(self) -> str:
        """``ttheader``, ``framed``, ``buffered`` or ``http``."""
        ...


class Place(NamedTuple):
    """An endpoint that no registry told us of."""

    id: str
    cluster: str
    host: str
    port: int
    transport: str


def place(address: str, cluster: str, transport: str) -> Place:
    """The endpoint at ``host:port``.

    Raises:
        ValueError: the text is no address.
    """
    host, port = host_and_port(address)
    return Place(address, cluster, host, port, transport)


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of ``host:port``; an IPv6 host stands in brackets, which are taken off.

    Raises:
        ValueError: the text is no address.
    """
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    known = bare and _HOST.fullmatch(bare) and (":" not in bare or bare != host)
    if not (colon and known and port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
        raise ValueError(
            f"{address[:300]!r} is not an address: write host:port, for example 10.3.48.216:7701 "
            "(an IPv6 host in brackets)"
        )
    return bare, int(port)
