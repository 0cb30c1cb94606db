"""Endpoint: where a call can go, an instance of a service as connecting and routing see it."""

import re
from typing import NamedTuple, Protocol

_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}")
_UNIX = "unix:"
_MAX_UNIX_PATH = 107

known_transports: list[str] = []
"""Names that may stand behind an address, as in ``127.0.0.1:9090/framed``. The room that speaks the
transports fills it (``pie.thrift.wire.transports``), for this one knows none of them."""


class Endpoint(Protocol):
    """What routing and connecting need to know of an instance."""

    @property
    def id(self) -> str: ...

    @property
    def cluster(self) -> str: ...

    @property
    def host(self) -> str:
        """A name or an IP address, or ``unix:/path``."""
        ...

    @property
    def port(self) -> int:
        """0 for a unix socket."""
        ...

    @property
    def transport(self) -> str:
        """How it speaks: a name that ``pie.thrift.transport_names`` lists, or ``http``."""
        ...

    @property
    def version(self) -> str:
        """Of the service that runs there; empty if not known."""
        ...

    @property
    def env(self) -> str:
        """The environment lane it belongs to; empty = the base lane."""
        ...

    @property
    def idc(self) -> str:
        """The data centre it runs in; empty if not known."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Names that rules know it by, such as ``stage=canary``."""
        ...

    @property
    def weight(self) -> int:
        """Its share of traffic, 100 = a full one; 0 = it is to be called only where nothing else
        is left."""
        ...


class StaticEndpoint(NamedTuple):
    """An endpoint given by an address in code, a file or the environment, not by the registry."""

    id: str
    cluster: str
    host: str
    port: int
    transport: str
    version: str = ""
    env: str = ""
    idc: str = ""
    tags: tuple[str, ...] = ()
    weight: int = 100


def static_endpoint(address: str, cluster: str, transport: str) -> StaticEndpoint:
    """The endpoint at ``host:port`` or ``unix:/path``.

    Raises:
        ValueError: the text is no address.
    """
    if not is_unix(address):
        host, port = host_and_port(address)
        return StaticEndpoint(address, cluster, host, port, transport)
    path = address.removeprefix(_UNIX)
    if not path.startswith("/") or "\0" in path or len(path.encode()) > _MAX_UNIX_PATH:
        raise ValueError(
            f"{address[:300]!r} is not a unix socket: write unix:/path, an absolute path of at "
            f"most {_MAX_UNIX_PATH} bytes"
        )
    return StaticEndpoint(address, cluster, address, 0, transport)


def is_unix(host: str) -> bool:
    """Whether the host of an endpoint is a unix socket."""
    return host.startswith(_UNIX)


def address_of(endpoint: Endpoint) -> str:
    """How people write it: ``host:port``, ``[v6]:port`` or ``unix:/path``."""
    host, port = endpoint.host, endpoint.port
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_transport(text: str) -> tuple[str, str]:
    """An address, and the transport that stands behind its last slash; empty if none does.

    Raises:
        ValueError: what stands there is no transport.
    """
    address, slash, transport = text.rpartition("/")
    if not slash or (is_unix(text) and transport not in known_transports):
        return text, ""
    if transport not in known_transports:
        raise ValueError(f"{transport!r} is not a transport: choose {', '.join(known_transports)}")
    return address, transport


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
