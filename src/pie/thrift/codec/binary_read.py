"""How the strict binary protocol is read: everything in its full width, big-endian."""

import struct
from typing import Any

from pie.thrift.codec.binary_skip import MIN_SIZE, BinarySkipper
from pie.thrift.codec.source import END, Source
from pie.thrift.codec.struct_read import Reader, ReadForm
from pie.thrift.errors import CodecError
from pie.thrift.types import TType

_unpack_field = struct.Struct(">Bh").unpack_from
_unpack_size = struct.Struct(">i").unpack_from
_unpack_list = struct.Struct(">Bi").unpack_from
_unpack_map = struct.Struct(">BBi").unpack_from


def _fixed_reader(letter: str) -> Reader:
    form = struct.Struct(f">{letter}")
    unpack, size = form.unpack_from, form.size

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        try:
            return unpack(data, at)[0], at + size
        except struct.error:
            raise CodecError(END) from None

    return read


_read_bool = _fixed_reader("?")


def _size(data: Source, at: int) -> tuple[int, int]:
    try:
        return _unpack_size(data, at)[0], at + 4
    except struct.error:
        raise CodecError(END) from None


def _list_head(data: Source, at: int) -> tuple[int, int, int]:
    try:
        code, count = _unpack_list(data, at)
    except struct.error:
        raise CodecError(END) from None
    return code, count, at + 5


def _map_head(data: Source, at: int) -> tuple[int, int, int, int]:
    try:
        key_code, value_code, count = _unpack_map(data, at)
    except struct.error:
        raise CodecError(END) from None
    return key_code, value_code, count, at + 6


def _field_head(data: Source, at: int, last: int) -> tuple[int, int, int]:
    try:
        code, number = _unpack_field(data, at)
    except struct.error:
        if data[at : at + 1] != b"\0":
            raise CodecError(END) from None
        code = number = TType.STOP
    return (code, number, at + 3) if code else (TType.STOP, 0, at + 1)


BINARY_READ = ReadForm(
    key="_pie_binary_reader",
    codes={code: code for code in TType},
    min_size=MIN_SIZE,
    scalars={
        "bool": _read_bool,
        "i8": _fixed_reader("b"),
        "i16": _fixed_reader("h"),
        "i32": _fixed_reader("i"),
        "i64": _fixed_reader("q"),
        "double": _fixed_reader("d"),
    },
    bools={TType.BOOL: _read_bool},
    size=_size,
    list_head=_list_head,
    map_head=_map_head,
    field_head=_field_head,
    skipper=BinarySkipper,
)
