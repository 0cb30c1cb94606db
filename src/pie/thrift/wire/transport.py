"""What the first bytes of a connection, or of the next message on it, say it speaks."""

from enum import StrEnum

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError, shown

TTHEADER_MAGIC = b"\x10\x00"
THEADER_MAGIC = b"\x0f\xff"
BINARY_MAGIC = b"\x80\x01"
COMPACT_MAGIC = 0x82
COMPACT_VERSION, COMPACT_VERSION_MASK = 0x01, 0x1F
_ENOUGH = 6


class Transport(StrEnum):
    """Ways to put a message on a connection."""

    TTHEADER = "ttheader"
    FRAMED = "framed"
    BUFFERED = "buffered"
    THEADER = "theader"
    HTTP1 = "http/1"
    HTTP2 = "http/2"

    @property
    def supported(self) -> bool:
        """Frames of it can be read and written; the others are only recognised."""
        return self not in (Transport.HTTP1, Transport.HTTP2)


_CONFIGURED = (Transport.TTHEADER, Transport.FRAMED, Transport.BUFFERED)
_METHODS = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH"
_HTTP = {(word + b" ")[:_ENOUGH]: Transport.HTTP1 for word in _METHODS.split()}
_HTTP[b"PRI "] = Transport.HTTP2


class UnsupportedTransport(FrameError):
    """The peer speaks something that is known by name and not spoken here."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(
            f"the peer speaks {transport}, here is spoken Thrift: TTHeader, THeader, framed or "
            "buffered, in the binary or the compact protocol. Let it call an HTTP service, or call "
            "this one with a Thrift client"
        )
        self.transport = transport


def parse_transport(text: str) -> tuple[Transport, Protocol]:
    """The transport and protocol that a configuration names: ``framed``, ``framed+compact``.

    Raises:
        ValueError: there is no such transport or protocol; says which there are.
    """
    name, plus, protocol = text.partition("+")
    try:
        transport = Transport(name)
        if transport in _CONFIGURED:
            return transport, Protocol(protocol) if plus else Protocol.BINARY
    except ValueError:
        pass
    raise ValueError(
        f"{shown(text)} is not a transport: choose {', '.join(_CONFIGURED)}, with +compact behind "
        "it for the compact protocol"
    )


def protocol_of(message: bytes | bytearray) -> Protocol | None:
    """The protocol that a message's first two bytes name; None if they begin no message."""
    if message[:2] == BINARY_MAGIC:
        return Protocol.BINARY
    if len(message) < 2 or message[0] != COMPACT_MAGIC:
        return None
    return Protocol.COMPACT if message[1] & COMPACT_VERSION_MASK == COMPACT_VERSION else None


def sniff(data: bytes | bytearray) -> Transport | None:
    """The transport a message begins with; None if more bytes (at most 6) are needed.

    Raises:
        FrameError: no known transport begins like this.
    """
    if not data:
        return None
    first = data[0]
    if first in (BINARY_MAGIC[0], COMPACT_MAGIC) and len(data) < 2:
        return None
    if first >= 0x80:
        if protocol_of(data) is None:
            raise _unknown(data)
        return Transport.BUFFERED
    if chr(first).isalpha():
        start = bytes(data[:_ENOUGH])
        for word, transport in _HTTP.items():
            if start.startswith(word):
                return transport
    return _behind_length(data)


def _behind_length(data: bytes | bytearray) -> Transport | None:
    if len(data) < _ENOUGH:
        return None
    mark = bytes(data[4:_ENOUGH])
    if mark == TTHEADER_MAGIC:
        return Transport.TTHEADER
    if mark == THEADER_MAGIC:
        return Transport.THEADER
    if protocol_of(mark) is None:
        raise _unknown(data)
    return Transport.FRAMED


def _unknown(data: bytes | bytearray) -> FrameError:
    return FrameError(
        f"bytes {bytes(data[:_ENOUGH]).hex(' ')} begin no known transport: expected TTHeader, "
        "THeader, or a framed or buffered message in the strict binary or the compact protocol"
    )
