"""How the compact protocol writes: in as few bytes as a number, a size or a field's id needs."""

import struct

from pie.thrift.codec.compact import CODES, CompactType, varint, zigzag
from pie.thrift.codec.struct_write import FieldHead, WriteForm
from pie.thrift.types import TType

_NIBBLE = 15
"""Ids this far apart and sizes below it share a byte with a type code."""

_NEAR = {
    kind: {distance: bytes((distance << 4 | kind,)) for distance in range(1, _NIBBLE + 1)}
    for kind in CompactType
}


def _field_head(code: TType, number: int, is_false: bool) -> FieldHead:
    # A field that is a bool has its value in its head, and nothing behind that.
    kind = CompactType.FALSE if code == TType.BOOL and is_false else CODES[code]
    return _NEAR[kind], bytes((kind,)) + zigzag(number)


def _list_head(code: TType, count: int) -> bytes:
    if count < _NIBBLE:
        return bytes((count << 4 | CODES[code],))
    return bytes((_NIBBLE << 4 | CODES[code],)) + varint(count)


def _map_head(key: TType, value: TType, count: int) -> bytes:
    if not count:
        return b"\0"
    return varint(count) + bytes((CODES[key] << 4 | CODES[value],))


COMPACT_WRITE = WriteForm(
    key="_pie_compact_writer",
    numbers={
        "i8": struct.Struct(">b").pack,
        "i16": zigzag,
        "i32": zigzag,
        "i64": zigzag,
        "double": struct.Struct("<d").pack,
    },
    bools=(bytes((CompactType.FALSE,)), bytes((CompactType.TRUE,))),
    field_bools=(b"", b""),
    size=varint,
    list_head=_list_head,
    map_head=_map_head,
    field_head=_field_head,
)
