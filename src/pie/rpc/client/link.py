"""How connections of a client are made and bounded: clients with equal settings share them."""

import ssl
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec


class TLS(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TLS towards the callee. ``ca``, ``cert`` and ``key`` are paths of PEM files."""

    ca: str = ""
    """Authorities that the callee's certificate is checked against; empty = the system's."""
    cert: str = ""
    """Our own certificate, for callees that ask for one; empty = none."""
    key: str = ""
    server_name: str = ""
    """The name that its certificate must be for; empty = the host that is called."""


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the connections to one instance."""

    max_connections: int = 256
    """A call that finds all of them busy waits for one until its deadline."""
    max_idle: int = 32
    idle_seconds: float = 60.0
    connect_seconds: float = 1.0
    """For a connection, where the call has as much time."""

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise ValueError(f"max_connections is {self.max_connections}, not 1 or more")
        if self.max_idle < 0:
            raise ValueError(f"max_idle is {self.max_idle}, not 0 or more")
        for name in ("idle_seconds", "connect_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, not above 0")


class Link:
    """Settings that connections have in common. For equal settings there is one object."""

    __slots__ = ("limits", "multiplex", "tls")

    def __init__(self, tls: TLS | None, limits: PoolLimits, multiplex: bool) -> None:
        self.tls = tls
        self.limits = limits
        self.multiplex = multiplex


@lru_cache(maxsize=1024)
def link_of(
    tls: TLS | None = None, limits: PoolLimits | None = None, multiplex: bool = False
) -> Link:
    """The link with these settings."""
    return Link(tls, limits or PoolLimits(), multiplex)


class Target(NamedTuple):
    """Where connections of one pool go, and of which kind they are.

    ``port`` is 0 for a unix socket, whose ``host`` is ``unix:/path``. ``keeps_quiet``: the peer
    never answers a oneway call, not even one that it cannot serve, so that the connection can be
    used after one.
    """

    host: str
    port: int
    transport: str
    link: Link
    keeps_quiet: bool = False

    @property
    def path(self) -> str:
        """Of the unix socket; empty for an internet address."""
        return "" if self.port else self.host.removeprefix("unix:")


def tls_context(tls: TLS) -> ssl.SSLContext:
    """The context for these settings; made anew when a file has changed.

    Raises:
        OSError: a file cannot be read.
        ssl.SSLError: its contents are no PEM of the kind expected.
    """
    stamps = tuple(Path(path).stat().st_mtime_ns for path in (tls.ca, tls.cert, tls.key) if path)
    return _context(tls, stamps)


@lru_cache(maxsize=64)
def _context(tls: TLS, _stamps: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key or None)
    return context


def server_name(target: Target, tls: TLS) -> str:
    """The name that the certificate of the callee must be for."""
    return tls.server_name or ("localhost" if target.path else target.host)
