"""What the first bytes of a connection, or of the next message on it, say it speaks."""

from enum import StrEnum

from pie.thrift.errors import FrameError

TTHEADER_MAGIC = b"\x10\x00"
THEADER_MAGIC = b"\x0f\xff"
BINARY_MAGIC = b"\x80\x01"
COMPACT_MAGIC = 0x82
_HTTP2_PREFACE = b"PRI "
_ENOUGH = 6


class Transport(StrEnum):
    """Ways to put a message on a connection."""

    TTHEADER = "ttheader"
    FRAMED = "framed"
    BUFFERED = "buffered"
    THEADER = "theader"
    COMPACT = "compact"
    HTTP1 = "http/1"
    HTTP2 = "http/2"

    @property
    def supported(self) -> bool:
        """Frames of it can be read and written; the others are only recognised."""
        return self in (Transport.TTHEADER, Transport.FRAMED, Transport.BUFFERED)


class UnsupportedTransport(FrameError):
    """The peer speaks something that is known by name and not spoken here."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(
            f"the peer speaks {transport}, here are spoken TTHeader and framed or buffered "
            "strict binary: change the peer's transport, or the address it calls"
        )
        self.transport = transport


def sniff(data: bytes | bytearray) -> Transport | None:
    """The transport a message begins with; None if more bytes (at most 6) are needed.

    Raises:
        FrameError: no known transport begins like this.
    """
    if not data:
        return None
    first = data[0]
    if chr(first).isalpha() and first < 0x80:
        return _http(data)
    if first == COMPACT_MAGIC:
        return Transport.COMPACT
    if first == BINARY_MAGIC[0]:
        if len(data) < 2:
            return None
        if data[:2] == BINARY_MAGIC:
            return Transport.BUFFERED
        raise _unknown(data)
    if first >= 0x80:
        raise _unknown(data)
    return _behind_length(data)


def _http(data: bytes | bytearray) -> Transport | None:
    start = bytes(data[: len(_HTTP2_PREFACE)])
    if start == _HTTP2_PREFACE:
        return Transport.HTTP2
    return None if _HTTP2_PREFACE.startswith(start) else Transport.HTTP1


def _behind_length(data: bytes | bytearray) -> Transport | None:
    if len(data) > 4 and data[4] == COMPACT_MAGIC:
        return Transport.COMPACT
    if len(data) < _ENOUGH:
        return None
    found = {
        TTHEADER_MAGIC: Transport.TTHEADER,
        THEADER_MAGIC: Transport.THEADER,
        BINARY_MAGIC: Transport.FRAMED,
    }.get(bytes(data[4:6]))
    if found is None:
        raise _unknown(data)
    return found


def _unknown(data: bytes | bytearray) -> FrameError:
    return FrameError(
        f"bytes {bytes(data[:_ENOUGH]).hex(' ')} begin no known transport: expected TTHeader, or "
        "framed or buffered strict binary"
    )
