"""One way to put messages on a connection, as an object. ``transports`` holds the table of all."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError
from pie.thrift.wire.ttheader import TTHeader

SHOWN = 6
"""Bytes that an error shows of what begins no transport."""
ENOUGH = 10
"""Bytes that are enough to recognise every transport."""

LENGTH = 4
"""Bytes of the length before a frame, big-endian."""

Data: TypeAlias = bytes | bytearray
Measure: TypeAlias = Callable[[bytearray], int]


class Headers(Enum):
    """The headers that frames of a transport carry."""

    NONE = "none"
    """A call describes itself in ``Base``, if its IDL has one."""
    STRINGS = "strings"
    """String keys only: a reply carries metadata, a request describes itself in ``Base``."""
    FULL = "full"
    """All of TTHeader's: its integer keys, its flags, and a sequence id by which one connection
    can carry many calls at a time."""


def by_length(data: bytearray) -> int:
    """The size of a frame that begins with the length of what follows (u32, big-endian)."""
    return LENGTH + int.from_bytes(data[:LENGTH], "big")


@dataclass(frozen=True, eq=False)
class Transport:
    """One way to put messages on a connection: an entry of the table in ``transports``.

    Attributes:
        name: in addresses, yml files and the registry: ``framed``.
        begins: whether bytes begin a frame of this transport; None = more bytes are needed to
            tell, of which ``ENOUGH`` are always enough.
        read: takes a whole frame apart. Given its bytes and the most bytes that its message may
            have, returns the headers (None for ``Headers.NONE``) and the bare message; raises
            ``FrameError`` for a damaged frame. None: the transport is recognised, not spoken.
        write: given headers, a bare message and its protocol, returns the whole frame; raises
            ``FrameError`` for headers that do not fit.
        measure: makes, for each message, a function that is given the bytes received so far and
            returns the size of the frame at their front; as long as the size is not known, any
            number above the bytes that are there. A length before the frame needs no state:
            ``by_length`` is the default.
        headers: that its frames carry.
        configurable: a client can be configured to speak it, by its name and by its name with
            ``+compact`` behind it.
        advice: what to do, where the transport is not spoken.
    """

    name: str
    begins: Callable[[Data], bool | None]
    read: Callable[[bytes, int], tuple[TTHeader | None, bytes]] | None = None
    write: Callable[[TTHeader, bytes, Protocol], bytes] | None = None
    measure: Callable[[], Measure] = lambda: by_length
    headers: Headers = Headers.NONE
    configurable: bool = False
    advice: str = "Call this service with a Thrift client"

    @property
    def supported(self) -> bool:
        """Frames of it can be read and written; the others are only recognised."""
        return self.read is not None

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<transport {self.name}>"


class UnsupportedTransport(FrameError):
    """The peer speaks something that is known by name and not spoken here."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(
            f"the peer speaks {transport}, here is spoken Thrift: TTHeader, THeader, framed or "
            f"buffered, in the binary or the compact protocol. {transport.advice}"
        )
        self.transport = transport


def behind_length(mark: bytes) -> Callable[[Data], bool | None]:
    """``Transport.begins`` for frames that begin with a length below 2 GiB and these two bytes."""

    def begins(data: Data) -> bool | None:
        if data[0] >= 0x80:
            return False
        end = LENGTH + len(mark)
        return data[LENGTH:end] == mark if len(data) >= end else None

    return begins
