"""A stream of bytes to whole messages, and back. Nothing here reads or writes the stream."""

from dataclasses import dataclass

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError
from pie.thrift.wire.message_head import protocol_of
from pie.thrift.wire.transport import Measure, Transport, UnsupportedTransport
from pie.thrift.wire.transports import sniff
from pie.thrift.wire.ttheader import TTHeader

DEFAULT_FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of one message on the wire, headers and all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came.

    Attributes:
        transport: how it was put on the wire; answer in the same way.
        payload: the message alone, without any length before it.
        header: its headers; None where the transport has none.
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
    if transport.write is None:
        raise ValueError(
            f"{transport} can be recognised, not written: use ttheader, theader, framed or buffered"
        )
    return transport.write(header or TTHeader(), payload, protocol)


class FrameSplitter:
    """Cuts the bytes of one connection into messages, whatever transport each of them uses.

    Feed it what was received, then take frames until there is none. After a ``FrameError`` the
    position of the next message is unknown: close the connection.

    Args:
        limit: bytes of one message, at most.
    """

    def __init__(self, limit: int = DEFAULT_FRAME_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._transport: Transport | None = None
        self._measure: Measure = len
        self._wanted = 1

    @property
    def pending(self) -> int:
        """Bytes fed and not taken."""
        return len(self._buffer)

    @property
    def rest(self) -> bytes:
        """The bytes fed and not taken."""
        return bytes(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add what was received."""
        self._buffer += data

    def take(self) -> Frame | None:
        """The next whole message, or None when more bytes are needed.

        Raises:
            UnsupportedTransport: the peer speaks a protocol that can only be recognised.
            FrameError: the bytes are no message, or one that is larger than the limit.
        """
        buffer = self._buffer
        if len(buffer) < self._wanted:
            return None
        transport = self._transport or self._recognise()
        if transport is None:
            self._wanted = len(buffer) + 1
            return None
        size = self._measure(buffer)
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
        self._wanted, self._transport = 1, None
        return _read(data, transport, self._limit)

    def _recognise(self) -> Transport | None:
        transport = sniff(self._buffer)
        if transport is not None and not transport.supported:
            raise UnsupportedTransport(transport)
        if transport is not None:
            self._transport, self._measure = transport, transport.measure()
        return transport


def _read(data: bytes, transport: Transport, limit: int) -> Frame:
    """Take the bytes of one whole frame apart."""
    if transport.read is None:
        raise UnsupportedTransport(transport)
    header, payload = transport.read(data, limit)
    protocol = protocol_of(payload)
    if protocol is None:
        raise FrameError(f"a frame of {len(payload)} bytes is too short for a message")
    return Frame(transport, payload, header, len(data), protocol)
