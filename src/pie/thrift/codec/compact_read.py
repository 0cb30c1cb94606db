"""How the compact protocol is read. See ``compact_write``."""

import struct
from typing import Any

from pie.thrift.codec.compact import CODES, CompactType, read_varint, read_zigzag
from pie.thrift.codec.compact_skip import MIN_SIZE, CompactSkipper
from pie.thrift.codec.source import END, Source
from pie.thrift.codec.struct_read import Reader, ReadForm
from pie.thrift.errors import CodecError
from pie.thrift.types import INT_BITS

_ID_BITS = 16
_MAX_ID = (1 << _ID_BITS - 1) - 1
_unpack_i8 = struct.Struct(">b").unpack_from
_unpack_double = struct.Struct("<d").unpack_from
# Apache Thrift writes 1 and 2; others have written 0 for false.
_BOOLS = {CompactType.TRUE: True, CompactType.FALSE: False, 0: False}


def _int_reader(bits: int) -> Reader:
    def read(data: Source, at: int, depth: int) -> tuple[int, int]:
        return read_zigzag(data, at, bits)

    return read


def _read_i8(data: Source, at: int, depth: int) -> tuple[Any, int]:
    try:
        return _unpack_i8(data, at)[0], at + 1
    except struct.error:
        raise CodecError(END) from None


def _read_double(data: Source, at: int, depth: int) -> tuple[Any, int]:
    try:
        return _unpack_double(data, at)[0], at + 8
    except struct.error:
        raise CodecError(END) from None


def _read_bool(data: Source, at: int, depth: int) -> tuple[bool, int]:
    value = _BOOLS.get(_byte(data, at))
    if value is None:
        raise CodecError(f"holds {data[at]}, which is no bool")
    return value, at + 1


def _byte(data: Source, at: int) -> int:
    if at >= len(data):
        raise CodecError(END)
    return data[at]


def _element_code(code: int) -> int:
    return int(CompactType.TRUE) if code == CompactType.FALSE else code


def _list_head(data: Source, at: int) -> tuple[int, int, int]:
    head = _byte(data, at)
    count, at = head >> 4, at + 1
    if count == 0x0F:
        count, at = read_varint(data, at)
    return _element_code(head & 0x0F), count, at


def _map_head(data: Source, at: int) -> tuple[int, int, int, int]:
    count, at = read_varint(data, at)
    if not count:
        return 0, 0, 0, at
    codes = _byte(data, at)
    return _element_code(codes >> 4), _element_code(codes & 0x0F), count, at + 1


def _field_head(data: Source, at: int, last: int) -> tuple[int, int, int]:
    head = _byte(data, at)
    at += 1
    if head == CompactType.STOP:
        return head, 0, at
    distance = head >> 4
    if distance:
        number = last + distance
        if number > _MAX_ID:
            raise CodecError(f"a field with the id {number}, the largest is {_MAX_ID}")
    else:
        number, at = read_zigzag(data, at, _ID_BITS)
    code = head & 0x0F
    if code == CompactType.STOP:
        raise CodecError(f"field {number} has type code 0, which does not exist")
    return code, number, at


COMPACT_READ = ReadForm(
    key="_pie_compact_reader",
    codes=CODES,
    min_size=MIN_SIZE,
    scalars={
        "bool": _read_bool,
        "i8": _read_i8,
        "double": _read_double,
        **{name: _int_reader(bits) for name, bits in INT_BITS.items() if name != "i8"},
    },
    bools={
        CompactType.TRUE: lambda data, at, depth: (True, at),
        CompactType.FALSE: lambda data, at, depth: (False, at),
    },
    size=read_varint,
    list_head=_list_head,
    map_head=_map_head,
    field_head=_field_head,
    skipper=CompactSkipper,
)
