"""THeader: the frame with headers of Apache Thrift and fbthrift.

Its headers are varints, and strings behind varints: protocol id, number of transforms and each
one's id, blocks of info headers, zeros up to a whole word.

Source: Apache Thrift, doc/specs/HeaderFormat.md.
"""

import zlib

from pie.thrift.codec.compact import find_varint, varint
from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import CodecError, FrameError
from pie.thrift.wire.header_frame import PROTOCOL_IDS, HeaderFrame, header_text
from pie.thrift.wire.message_head import protocol_of
from pie.thrift.wire.ttheader import TTHeader

MAGIC = b"\x0f\xff"
"""The two bytes behind the length of a THeader frame."""

_FRAME = HeaderFrame("THeader", MAGIC)
_ZLIB = 1
_KEY_VALUE = 1


def encode_theader(header: TTHeader, payload: bytes, protocol: Protocol = Protocol.BINARY) -> bytes:
    """The whole frame around a bare message of this protocol.

    Raises:
        FrameError: the headers are larger than 262,140 bytes, or of kinds that THeader has not.
    """
    if header.ints or header.token is not None:
        raise FrameError("THeader has headers by string key only, no integer keys and no token")
    out = bytearray((PROTOCOL_IDS[protocol],))
    out += bytes((1, _ZLIB)) if header.compressed else b"\0"
    if header.strings:
        out.append(_KEY_VALUE)
        out += varint(len(header.strings))
        for name, value in header.strings.items():
            out += _text(name, name) + _text(value, name)
    payload = zlib.compress(payload) if header.compressed else payload
    return _FRAME.pack(header.flags, header.seqid, out, payload)


def decode_theader(frame: bytes, limit: int) -> tuple[TTHeader, bytes]:
    """The headers of a whole frame, and the bare message in it.

    Args:
        frame: all of it.
        limit: bytes of the message, at most, when it is no longer compressed.

    Raises:
        FrameError: the frame is damaged, its message is larger than the limit or not of the
            protocol that it names, or was changed in a way that is not known here.
    """
    flags, seqid, headers, payload = _FRAME.unpack(frame)
    header = TTHeader(seqid, flags, framed=False)
    reader = _Reader(headers)
    protocol = _FRAME.protocol_by_id(reader.number())
    transforms = reader.number()
    header.compressed = transforms == 1 and reader.number() == _ZLIB
    if transforms and not header.compressed:
        raise FrameError(
            f"THeader with {transforms} transforms: none, or a single one that is 1 (zlib), is "
            "known here"
        )
    # Other blocks have no length, so nothing behind one can be read; 0 is padding.
    while reader.left and reader.number() == _KEY_VALUE:
        for _ in range(reader.number()):
            key = reader.text()
            header.strings[key] = reader.text()
    if header.compressed:
        payload = _decompress(payload, limit)
    _FRAME.check_payload(protocol_of(payload), protocol, payload)
    return header, payload


def _decompress(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        payload = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise FrameError(f"a THeader message that is not zlib: {error}") from None
    if len(payload) > limit:
        raise FrameError(
            f"a THeader message of {len(data)} bytes is more than {limit} when it is "
            "decompressed, the limit: send less at once, or raise it"
        )
    if not stream.eof or stream.unused_data:
        raise FrameError("a THeader message whose zlib stream ends before or behind it")
    return payload


def _text(text: str, key: str) -> bytes:
    data = header_text(text, key)
    return varint(len(data)) + data


class _Reader:
    """Reads the headers from front to back."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def number(self) -> int:
        try:
            found = find_varint(self._data, self._at)
        except CodecError as error:
            raise FrameError(f"THeader with {error}") from None
        if found is None:
            raise FrameError("THeader ends within a header")
        number, self._at = found
        return number

    def text(self) -> str:
        size = self.number()
        if size > self.left:
            raise FrameError(f"THeader ends within a header of {size} bytes")
        data = self._data[self._at : self._at + size]
        self._at += size
        return data.decode(errors="replace")  # As in TTHeader.
