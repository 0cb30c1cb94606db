"""Parts of the compact protocol: its type codes, and integers of as few bytes as they need.

Source: Apache Thrift's "Thrift Compact protocol encoding" (doc/specs/thrift-compact-protocol.md).
"""

from enum import IntEnum

from pie.thrift.codec.source import END
from pie.thrift.errors import CodecError
from pie.thrift.types import TType

MAX_VARINT_BYTES = 10
"""Seven bits in each: enough for 64."""


class CompactType(IntEnum):
    """Type codes on the wire. The code of a field holds the value of a bool; in containers both
    codes mean bool."""

    STOP = 0
    TRUE = 1
    FALSE = 2
    I8 = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    MAP = 11
    STRUCT = 12
    UUID = 13


CODES: dict[TType, CompactType] = {
    TType.BOOL: CompactType.TRUE,
    TType.I8: CompactType.I8,
    TType.I16: CompactType.I16,
    TType.I32: CompactType.I32,
    TType.I64: CompactType.I64,
    TType.DOUBLE: CompactType.DOUBLE,
    TType.STRING: CompactType.BINARY,
    TType.STRUCT: CompactType.STRUCT,
    TType.MAP: CompactType.MAP,
    TType.SET: CompactType.SET,
    TType.LIST: CompactType.LIST,
    TType.UUID: CompactType.UUID,
}


def varint(number: int) -> bytes:
    """A number of 0 or more, seven bits to a byte, the lowest first."""
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> bytes:
    """A number of 64 bits at the most, as a varint that is short for those near 0."""
    return varint((number << 1) ^ (number >> 63))


def find_varint(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """A varint and the position after it; None if it does not end within the data.

    Raises:
        CodecError: it is longer than any number of 64 bits.
    """
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1
    number = 0
    for index, byte in enumerate(data[at : at + MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number, at + index + 1
    if len(data) >= at + MAX_VARINT_BYTES:
        raise CodecError(f"a varint of more than {MAX_VARINT_BYTES} bytes")
    return None


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A varint and the position after it.

    Raises:
        CodecError: it does not end within the data, or is longer than any number of 64 bits.
    """
    found = find_varint(data, at)
    if found is None:
        raise CodecError(END)
    return found


def read_zigzag(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """A signed number and the position after it.

    Raises:
        CodecError: as ``read_varint``; or the number has more than ``bits`` bits.
    """
    number, at = read_varint(data, at)
    if number >> bits:
        raise CodecError(f"holds a number that does not fit {bits} bits")
    return (number >> 1) ^ -(number & 1), at
