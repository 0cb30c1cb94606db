"""How the strict binary protocol writes: everything in its full width, big-endian."""

import struct

from pie.thrift.codec.struct_write import FieldHead, WriteForm
from pie.thrift.types import TType

_pack_field = struct.Struct(">Bh").pack
_pack_list = struct.Struct(">Bi").pack
_pack_map = struct.Struct(">BBi").pack
_BOOLS = (b"\0", b"\1")


def _field_head(code: TType, number: int, is_false: bool) -> FieldHead:
    return {}, _pack_field(code, number)


BINARY_WRITE = WriteForm(
    key="_pie_binary_writer",
    numbers={
        "i8": struct.Struct(">b").pack,
        "i16": struct.Struct(">h").pack,
        "i32": struct.Struct(">i").pack,
        "i64": struct.Struct(">q").pack,
        "double": struct.Struct(">d").pack,
    },
    bools=_BOOLS,
    field_bools=_BOOLS,
    size=struct.Struct(">i").pack,
    list_head=_pack_list,
    map_head=_pack_map,
    field_head=_field_head,
)
