"""The bounds of a server."""

import ssl

import msgspec

from pie.thrift import DEFAULT_DECODED_LIMIT, DEFAULT_FRAME_LIMIT

MOST = (1 << 31) - 1
LONGEST = 2_000_000.0
"""Seconds, some 23 days: what poll(2) can wait."""


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a server. Times in seconds, sizes in bytes.

    Raises:
        ValueError: a value is out of range; the message names the field and the range.
    """

    max_connections: int = 10_000
    max_threads: int = 64
    """Handlers that run at the same time; more requests wait."""
    max_in_flight: int = 10_000
    """Coroutines that run at the same time; more requests are refused."""
    frame_limit: int = DEFAULT_FRAME_LIMIT
    """Of one message on the wire."""
    decoded_limit: int = DEFAULT_DECODED_LIMIT
    """What the arguments of one request may take in memory."""
    write_limit: int = 64 << 20
    """Replies that one peer has not read."""
    buffer_limit: int = 256 << 20
    """Of all connections together: received parts of messages, and replies that peers have not
    read. Beyond it connections are closed, those first that hold much and have not moved for long.
    Twice the frame_limit counts if that is more."""
    idle_timeout: float = 600.0
    """A connection without a request is closed after this."""
    transfer_timeout: float = 30.0
    """A frame that has begun must be here within this. A reply has as long, and longer while its
    peer reads at least 1,000 bytes a second of it."""
    overload_timeout: float = 1.0
    """When all threads have been busy for so long, what waits is refused."""
    tls: ssl.SSLContext | None = None
    """Speak TLS, by this context of the server's side."""

    @property
    def held_limit(self) -> int:
        """The ``buffer_limit`` that counts: two messages have room in any case."""
        return max(self.buffer_limit, 2 * self.frame_limit)

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) or name.endswith("_timeout"):
                if not 0 <= value <= LONGEST:
                    raise ValueError(f"{name} is {value!r}: choose 0 to {LONGEST:.0f} seconds")
            elif name != "tls" and not 1 <= value <= MOST:
                raise ValueError(f"{name} is {value!r}: choose 1 to {MOST}")
