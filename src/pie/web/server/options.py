"""The bounds of an HTTP server."""

import msgspec


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of an HTTP server. Times in seconds, sizes in bytes.

    Attributes:
        max_connections: open at the same time.
        max_threads: requests that are served at the same time; more wait.
        body_limit: of a request's body.
        memory_limit: of a body in memory; a larger one is stored in a temporary file.
        write_limit: of a reply that waits for its client.
        buffer_limit: what waits in all connections together: parts of requests, and replies. Beyond
            it connections are closed, those first that hold much and have not moved for long.
        idle_timeout: a connection without a request is closed after this.
        head_timeout: the head of a request must be here within this.
        body_timeout: a body must go on coming, at 500 bytes a second after so long.
        write_timeout: a client must go on reading its reply.
        overload_timeout: when all threads have been busy for so long, what waits is refused.
        trusted: networks of proxies that are believed what they say of a client; ``unix`` is one.
        proxy_protocol: trusted proxies begin a connection with the PROXY protocol's header.
    """

    max_connections: int = 10_000
    max_threads: int = 64
    body_limit: int = 1 << 30
    memory_limit: int = 1 << 20
    write_limit: int = 64 << 20
    buffer_limit: int = 256 << 20
    idle_timeout: float = 75.0
    head_timeout: float = 10.0
    body_timeout: float = 20.0
    write_timeout: float = 30.0
    overload_timeout: float = 1.0
    trusted: tuple[str, ...] = ()
    proxy_protocol: bool = False
