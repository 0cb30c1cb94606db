"""TTHeader: a frame with a sequence id and key-value headers before its message."""

import struct
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import FrameError, shown
from pie.thrift.wire.header_frame import PROTOCOL_IDS, HeaderFrame, header_text
from pie.thrift.wire.message_head import protocol_of

MAGIC = b"\x10\x00"
"""The two bytes behind the length of a TTHeader frame."""

CRRST = "crrst"
"""This connection is about to close: use another."""
BIZ_STATUS = "biz-status"
BIZ_MESSAGE = "biz-message"
BIZ_EXTRA = "biz-extra"
RPC_PERSIST = "RPC_PERSIST_"
"""Prefix of metadata for every hop."""
RPC_TRANSIT = "RPC_TRANSIT_"
"""Prefix of metadata for the next hop only."""
RPC_BACKWARD = "RPC_BACKWARD_"
"""Prefix of metadata that comes back with a reply."""

_FRAME = HeaderFrame("TTHeader", MAGIC)
_PROTOCOL_STRUCT = 0x10
"""Of streaming: the payload is a struct without a message around it."""
_LENGTH = 4
_BLOCK_PADDING, _BLOCK_STRINGS, _BLOCK_INTS, _BLOCK_TOKEN = 0x00, 0x01, 0x10, 0x11
_u16 = struct.Struct(">H")


class Flag(IntFlag):
    """Bits of ``TTHeader.flags``."""

    OUT_OF_ORDER = 0x01
    STREAMING = 0x02
    DUPLEX = 0x08
    SASL = 0x10


class IntKey(IntEnum):
    """The integer keys."""

    MESH_VERSION = 0
    TRANSPORT_TYPE = 1
    LOGID = 2
    FROM_SERVICE = 3
    FROM_CLUSTER = 4
    FROM_IDC = 5
    TO_SERVICE = 6
    TO_CLUSTER = 7
    TO_IDC = 8
    TO_METHOD = 9
    ENV = 10
    DEST_ADDRESS = 11
    RPC_TIMEOUT = 12
    READ_TIMEOUT = 13
    RING_HASH_KEY = 14
    CONNECT_TIMEOUT = 17
    SPAN_CONTEXT = 18
    SHORT_CONNECTION = 19
    FROM_METHOD = 20
    STRESS_TAG = 21
    MESSAGE_TYPE = 22
    LB_TYPE = 25
    FRAME_TYPE = 27


class StreamingFrame(FrameError):
    """A frame of a stream: streaming is not spoken here.

    Attributes:
        seqid: of the stream.
        method: that the stream calls; empty where the frame does not say.
    """

    def __init__(self, seqid: int, method: str) -> None:
        super().__init__(
            f"a frame of a streaming call{f' of {shown(method)}' if method else ''}: streaming is "
            "not supported here, only calls with one request and one reply"
        )
        self.seqid = seqid
        self.method = method


@dataclass(slots=True)
class TTHeader:
    """The headers of one frame, in the order they stand in it.

    A THeader frame has them, too, where it can: it knows no integer keys and no token.

    Attributes:
        seqid: -2**31 to 2**31 - 1.
        flags: see ``Flag``.
        ints: by integer key, see ``IntKey``.
        strings: by string key.
        token: the ACL token, if there is one.
        framed: the message has a length of its own before it (TTHeader).
        compressed: the message is compressed with zlib (THeader).
    """

    seqid: int = 0
    flags: int = 0
    ints: dict[int, str] = field(default_factory=dict)
    strings: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    framed: bool = True
    compressed: bool = False


def encode_ttheader(
    header: TTHeader, payload: bytes, protocol: Protocol = Protocol.BINARY
) -> bytes:
    """The whole frame around a bare message of this protocol.

    Raises:
        FrameError: a key or value is longer than 65,535 bytes, or all of them than 262,140.
    """
    try:
        headers = _encode_headers(header, protocol)
        inner = struct.pack(">I", len(payload)) if header.framed else b""
    except struct.error as error:
        raise FrameError(f"a number does not fit the TTHeader: {error}") from None
    return _FRAME.pack(header.flags, header.seqid, headers, inner + payload)


def decode_ttheader(frame: bytes) -> tuple[TTHeader, bytes]:
    """The headers of a whole frame, and the bare message in it.

    Keys and values are UTF-8. What is not, is read with U+FFFD in its place: one odd pair of a peer
    costs neither the frame nor its connection.

    Raises:
        StreamingFrame: it belongs to a stream.
        FrameError: the frame is damaged, or its message is not of the protocol that it names.
    """
    flags, seqid, headers, payload = _FRAME.unpack(frame)
    header = TTHeader(seqid, flags)
    if flags & Flag.STREAMING or headers[0] == _PROTOCOL_STRUCT:
        _decode_headers(header, headers[2:])
        raise StreamingFrame(seqid, header.ints.get(IntKey.TO_METHOD, ""))
    protocol = _FRAME.protocol_by_id(headers[0])
    if headers[1]:
        raise FrameError(f"TTHeader with {headers[1]} transforms: none are known here")
    _decode_headers(header, headers[2:])
    header.framed = protocol_of(payload) is None
    message = payload[_LENGTH:] if header.framed else payload
    _FRAME.check_payload(protocol_of(message), protocol, payload)
    size = int.from_bytes(payload[:_LENGTH], "big")
    if header.framed and size != len(message):
        raise FrameError(f"a message of {size} bytes in a TTHeader with {len(message)}")
    return header, message


def _encode_headers(header: TTHeader, protocol: Protocol) -> bytearray:
    out = bytearray((PROTOCOL_IDS[protocol], 0))
    if header.strings:
        out.append(_BLOCK_STRINGS)
        out += _u16.pack(len(header.strings))
        for name, value in header.strings.items():
            out += _text(name, name)
            out += _text(value, name)
    if header.ints:
        out.append(_BLOCK_INTS)
        out += _u16.pack(len(header.ints))
        for key, value in header.ints.items():
            out += _u16.pack(key)
            out += _text(value, str(int(key)))
    if header.token is not None:
        out.append(_BLOCK_TOKEN)
        out += _text(header.token, "ACL token")
    return out


def _text(text: str, key: str) -> bytes:
    data = header_text(text, key)
    if len(data) > 0xFFFF:
        raise FrameError(f"header {shown(key)} has {len(data)} bytes, at most 65535 fit")
    return _u16.pack(len(data)) + data


def _decode_headers(header: TTHeader, body: bytes) -> None:
    reader = _Reader(body)
    while reader.at < len(body):
        block = body[reader.at]
        reader.at += 1
        if block == _BLOCK_STRINGS:
            for _ in range(reader.number()):
                key = reader.text()
                header.strings[key] = reader.text()
        elif block == _BLOCK_INTS:
            for _ in range(reader.number()):
                number = reader.number()
                header.ints[number] = reader.text()
        elif block == _BLOCK_TOKEN:
            header.token = reader.text()
        elif block != _BLOCK_PADDING:
            raise FrameError(f"TTHeader block {block:#04x} is not known here")


class _Reader:
    """Reads the header blocks from front to back."""

    __slots__ = ("_body", "at")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0

    def number(self) -> int:
        end = self.at + 2
        if end > len(self._body):
            raise FrameError("TTHeader ends within a header")
        number = int.from_bytes(self._body[self.at : end], "big")
        self.at = end
        return number

    def text(self) -> str:
        size = self.number()
        end = self.at + size
        if end > len(self._body):
            raise FrameError(f"TTHeader ends within a header of {size} bytes")
        text = self._body[self.at : end].decode(errors="replace")
        self.at = end
        return text
