"""A stream of bytes to whole messages, and back. Nothing here reads or writes the stream."""

from dataclasses import dataclass

from pie.thrift.codec import DEFAULT_MAX_DEPTH
from pie.thrift.codec.binary_skip import BinarySkipper
from pie.thrift.codec.compact import CompactType
from pie.thrift.codec.compact_skip import CompactSkipper
from pie.thrift.codec.protocol import Protocol
from pie.thrift.codec.skip import Skipper
from pie.thrift.errors import CodecError, FrameError
from pie.thrift.types import TType
from pie.thrift.wire.message_head import find_body
from pie.thrift.wire.theader import decode_theader, encode_theader
from pie.thrift.wire.transport import Transport, UnsupportedTransport, protocol_of, sniff
from pie.thrift.wire.ttheader import TTHeader, decode_ttheader, encode_ttheader

DEFAULT_FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of one message on the wire, headers and all."""

_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came.

    Attributes:
        transport: how it was put on the wire; answer in the same way.
        payload: the message alone, without any length before it.
        header: its headers; None unless the transport is TTHeader or THeader.
        size: bytes it took on the wire.
        protocol: how the message is written; answer in the same one.
    """

    transport: Transport
    payload: bytes
    header: TTHeader | None
    size: int
    protocol: Protocol = Protocol.BINARY


def encode_frame(
    payload: bytes,
    transport: Transport,
    header: TTHeader | None = None,
    protocol: Protocol = Protocol.BINARY,
) -> bytes:
    """The bytes that put one message, written in this protocol, on the wire.

    Raises:
        FrameError: the headers do not fit.
        ValueError: the transport is not one that can be written.
    """
    if transport is Transport.TTHEADER:
        return encode_ttheader(header or TTHeader(), payload, protocol)
    if transport is Transport.THEADER:
        return encode_theader(header or TTHeader(), payload, protocol)
    if transport is Transport.FRAMED:
        return len(payload).to_bytes(_LENGTH, "big") + payload
    if transport is Transport.BUFFERED:
        return payload
    raise ValueError(
        f"{transport} can be recognised, not written: use ttheader, theader, framed or buffered"
    )


class FrameSplitter:
    """Cuts the bytes of one connection into messages, whatever transport each of them uses.

    Feed it what was received, then take frames until there is none. After a ``FrameError`` the
    stream has lost its beat: close the connection.

    Args:
        limit: bytes of one message, at most.
    """

    def __init__(self, limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._end: _MessageEnd | None = None
        self._wanted = 1

    @property
    def pending(self) -> int:
        """Bytes fed and not taken."""
        return len(self._buffer)

    @property
    def needed(self) -> int:
        """At least so many more bytes must come before there is another frame; 1 or more."""
        return max(1, self._wanted - len(self._buffer))

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add what was received."""
        self._buffer += data

    def take(self) -> Frame | None:
        """The next whole message, or None when more bytes are needed.

        Raises:
            UnsupportedTransport: the peer speaks something else, which its name says.
            FrameError: the bytes are no message, or one that is larger than the limit.
        """
        buffer = self._buffer
        if len(buffer) < self._wanted:
            return None
        transport = sniff(buffer)
        if transport is None:
            self._wanted = len(buffer) + 1
            return None
        if not transport.supported:
            raise UnsupportedTransport(transport)
        size = self._size(transport)
        if size > self._limit:
            raise FrameError(
                f"a message of {size} bytes or more, the limit is {self._limit}: send less at "
                "once, or raise the limit"
            )
        if size > len(buffer):
            self._wanted = size
            return None
        data = bytes(memoryview(buffer)[:size])
        del buffer[:size]
        self._wanted, self._end = 1, None
        return self._frame(transport, data)

    def _size(self, transport: Transport) -> int:
        """Bytes of the message at the front; more than there are if that is not known yet."""
        if transport is not Transport.BUFFERED:
            return _LENGTH + int.from_bytes(self._buffer[:_LENGTH], "big")
        if self._end is None:
            self._end = _MessageEnd(protocol_of(self._buffer) or Protocol.BINARY)
        return self._end.find(self._buffer)

    def _frame(self, transport: Transport, data: bytes) -> Frame:
        header: TTHeader | None = None
        if transport is Transport.TTHEADER:
            header, payload = decode_ttheader(data)
        elif transport is Transport.THEADER:
            header, payload = decode_theader(data, self._limit)
        else:
            payload = data if transport is Transport.BUFFERED else data[_LENGTH:]
        protocol = protocol_of(payload)
        if protocol is None:
            raise FrameError(f"a frame of {len(payload)} bytes is too short for a message")
        return Frame(transport, payload, header, len(data), protocol)


_BODIES: dict[Protocol, tuple[type[Skipper], int]] = {
    Protocol.BINARY: (BinarySkipper, TType.STRUCT),
    Protocol.COMPACT: (CompactSkipper, CompactType.STRUCT),
}


class _MessageEnd:
    """Finds where a message without a length ends, by its structure and step by step."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._skipper: Skipper | None = None

    def find(self, data: bytearray) -> int:
        """Where it ends; more than there is, if the end is not here yet."""
        try:
            if self._skipper is None:
                start, known = find_body(data, self._protocol)
                if not known:
                    return start
                skipper, code = _BODIES[self._protocol]
                self._skipper = skipper(code, start, DEFAULT_MAX_DEPTH)
            return self._skipper.advance(data) or self._skipper.position
        except CodecError as error:
            raise FrameError(f"a message that is not {self._protocol}: {error}") from None
