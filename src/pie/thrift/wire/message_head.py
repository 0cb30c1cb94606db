"""The head of a message: its kind, the method's name and the number of the call."""

import struct
from enum import IntEnum
from typing import NamedTuple

from pie.thrift.codec.compact import find_varint, varint
from pie.thrift.codec.protocol import Protocol
from pie.thrift.errors import CodecError

BINARY_MAGIC = b"\x80\x01"
"""The first bytes of a message in the strict binary protocol."""
COMPACT_MAGIC = 0x82
"""The first byte of one in the compact protocol; the version stands in the second."""
COMPACT_VERSION, COMPACT_VERSION_MASK = 0x01, 0x1F

MAX_NAME_BYTES = 1024

_VERSION = 0x80010000
_VERSION_MASK = 0xFFFF0000
_TYPE_SHIFT = 5
_SEQID_BITS = 32
_MAX_SEQID = (1 << _SEQID_BITS - 1) - 1
_head = struct.Struct(">II")
_seqid = struct.Struct(">i")


class MessageType(IntEnum):
    """The kinds of messages."""

    CALL = 1
    REPLY = 2
    EXCEPTION = 3
    ONEWAY = 4


class MessageHeader(NamedTuple):
    """Method, kind of message, and number of the call (-2**31 to 2**31 - 1)."""

    name: str
    type: MessageType
    seqid: int


class _Head(NamedTuple):
    """The parts of a head, not yet checked, and where the body begins."""

    type: int
    seqid: int
    name: bytes
    end: int


def encode_head(header: MessageHeader, protocol: Protocol) -> bytearray:
    """The bytes of a head.

    Raises:
        CodecError: the sequence id does not fit its 32 bits.
    """
    name, kind, seqid = header
    if not -_MAX_SEQID - 1 <= seqid <= _MAX_SEQID:
        raise CodecError(f"sequence id {seqid} does not fit 32 bits")
    data = name.encode()
    if protocol is Protocol.BINARY:
        return bytearray(_head.pack(_VERSION | kind, len(data)) + data + _seqid.pack(seqid))
    out = bytearray((COMPACT_MAGIC, COMPACT_VERSION | kind << _TYPE_SHIFT))
    # Not in zigzag: a negative number is written as the positive one of the same 32 bits.
    return out + varint(seqid & (1 << _SEQID_BITS) - 1) + varint(len(data)) + data


def protocol_of(message: bytes | bytearray) -> Protocol | None:
    """The protocol that a message's first two bytes name; None if they begin no message."""
    if message[:2] == BINARY_MAGIC:
        return Protocol.BINARY
    if len(message) < 2 or message[0] != COMPACT_MAGIC:
        return None
    return Protocol.COMPACT if message[1] & COMPACT_VERSION_MASK == COMPACT_VERSION else None


def read_message(payload: bytes, protocol: Protocol = Protocol.BINARY) -> tuple[MessageHeader, int]:
    """The header of a message, and where its body begins.

    Raises:
        CodecError: the bytes begin no message of this protocol.
    """
    try:
        head = (_read_binary if protocol is Protocol.BINARY else _read_compact)(payload)
    except (struct.error, IndexError):
        raise _ends() from None
    if head.end > len(payload):
        raise _ends()
    try:
        kind = MessageType(head.type)
        name = head.name.decode()
    except UnicodeDecodeError:
        raise CodecError("the method's name is not UTF-8") from None
    except ValueError:
        raise CodecError(f"message type {head.type} does not exist") from None
    return MessageHeader(name, kind, head.seqid), head.end


def find_body(data: bytes | bytearray, protocol: Protocol) -> tuple[int, bool]:
    """Where a message's body begins, and True; or how long the data must be to know it, and False.

    Raises:
        CodecError: its name is too long, or its numbers do not end.
    """
    if protocol is Protocol.BINARY:
        if len(data) < _head.size:
            return _head.size, False
        size = _name_size(int.from_bytes(data[4:8], "big"))
        return _head.size + size + _seqid.size, True
    at = number = 2
    for _ in ("sequence id", "size of the name"):
        found = find_varint(data, at)
        if found is None:
            return max(at, len(data)) + 1, False
        number, at = found
    return at + _name_size(number), True


def _read_binary(payload: bytes) -> _Head:
    version, size = _head.unpack_from(payload)
    if version & _VERSION_MASK != _VERSION:
        raise CodecError(f"message version {version:08x}, expected 8001 (strict binary)")
    end = _head.size + _name_size(size)
    (seqid,) = _seqid.unpack_from(payload, end)
    return _Head(version & 0xFF, seqid, payload[_head.size : end], end + _seqid.size)


def _read_compact(payload: bytes) -> _Head:
    magic, version = payload[0], payload[1]
    if magic != COMPACT_MAGIC or version & COMPACT_VERSION_MASK != COMPACT_VERSION:
        raise CodecError(f"message version {payload[:2].hex()}, expected 82 and 1 (compact)")
    number, at = _read_varint(payload, 2)
    if number >> _SEQID_BITS:
        raise CodecError(f"sequence id {number} does not fit 32 bits")
    seqid = number - (1 << _SEQID_BITS) if number > _MAX_SEQID else number
    size, at = _read_varint(payload, at)
    end = at + _name_size(size)
    return _Head(version >> _TYPE_SHIFT, seqid, payload[at:end], end)


def _read_varint(payload: bytes, at: int) -> tuple[int, int]:
    found = find_varint(payload, at)
    if found is None:
        raise _ends()
    return found


def _name_size(size: int) -> int:
    if size > MAX_NAME_BYTES:
        raise CodecError(f"a method name of {size} bytes, at most {MAX_NAME_BYTES} are read")
    return size


def _ends() -> CodecError:
    return CodecError("the message ends within its header")
