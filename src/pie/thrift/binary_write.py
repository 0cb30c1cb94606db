"""Values to bytes: a writer for every type, compiled once per struct class.

A writer appends a value to a bytearray and gets the number of levels it may still open. A struct
looks up its fields when it is first written, so structs may contain each other.
"""

import struct
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from pie.thrift.errors import CodecError, shown
from pie.thrift.structs import Struct, Union
from pie.thrift.types import (
    EnumType,
    ListType,
    MapType,
    SetType,
    StructType,
    ThriftType,
    TType,
    has_hash,
)

Writer: TypeAlias = Callable[[bytearray, Any, int], None]

INTS = {"i8": ("b", 8), "i16": ("h", 16), "i32": ("i", 32), "i64": ("q", 64)}
"""struct letter and width of the integer types."""

_pack_size = struct.Struct(">i").pack
_pack_double = struct.Struct(">d").pack

_WRITER = "_pie_writer"


def struct_writer(cls: type[Struct]) -> Writer:
    """What writes a struct of this class."""
    found: Writer | None = cls.__dict__.get(_WRITER)
    if found is None:
        found = _compile(cls)
        setattr(cls, _WRITER, found)
    return found


def _compile(cls: type[Struct]) -> Writer:
    name = cls.__name__
    is_union = issubclass(cls, Union)
    steps: list[tuple[str, bytes, Writer, bool]] | None = None

    def write(out: bytearray, value: Any, depth: int) -> None:
        nonlocal steps
        if steps is None:
            steps = [
                (
                    field.attr,
                    struct.pack(">BH", field.type.code, field.id & 0xFFFF),
                    _writer(field.type),
                    field.requiredness == "required",
                )
                for field in cls.__fields__
            ]
        if not isinstance(value, cls):
            raise CodecError(f"expected {name}, got {shown(value)}")
        check_depth(depth)
        count = 0
        for attr, head, write_field, required in steps:
            item = getattr(value, attr)
            if item is None:
                if required:
                    raise CodecError("required field is not set", f".{attr}")
                continue
            count += 1
            out += head
            try:
                write_field(out, item, depth - 1)
            except CodecError as error:
                raise error.under(f".{attr}") from None
        if is_union and count != 1:
            raise CodecError(f"a union has exactly one field set, this one has {count}")
        out.append(TType.STOP)

    return write


def _writer(kind: ThriftType) -> Writer:
    if isinstance(kind, StructType):
        return struct_writer(kind.cls)
    if isinstance(kind, ListType):
        return _sequence_writer(kind, "list", (list, tuple))
    if isinstance(kind, SetType):
        hashed = has_hash(kind.element)
        name, accepted = ("set", (set, frozenset)) if hashed else ("list", (list, tuple))
        return _sequence_writer(kind, name, accepted)
    if isinstance(kind, MapType):
        return _map_writer(kind)
    name = "i32" if isinstance(kind, EnumType) else kind.name
    if name in INTS:
        return _int_writer(name)
    return {
        "bool": _write_bool,
        "double": _write_double,
        "string": _write_string,
        "binary": _write_binary,
    }[name]


def _int_writer(name: str) -> Writer:
    letter, bits = INTS[name]
    pack = struct.Struct(f">{letter}").pack
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1

    def write(out: bytearray, value: Any, depth: int) -> None:
        if type(value) is not int and (not isinstance(value, int) or isinstance(value, bool)):
            raise CodecError(f"expected int, got {shown(value)}")
        if not low <= value <= high:
            raise CodecError(f"{shown(int(value))} is out of the range of {name} ({low}..{high})")
        out += pack(value)

    return write


def _write_bool(out: bytearray, value: Any, depth: int) -> None:
    if value is not True and value is not False:
        raise CodecError(f"expected bool, got {shown(value)}")
    out.append(value)


def _write_double(out: bytearray, value: Any, depth: int) -> None:
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        raise CodecError(f"expected float, got {shown(value)}")
    try:
        out += _pack_double(value)
    except (OverflowError, struct.error):
        raise CodecError(f"{shown(value)} is out of the range of double") from None


def _write_string(out: bytearray, value: Any, depth: int) -> None:
    if not isinstance(value, str):
        raise CodecError(f"expected str, got {shown(value)}")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise CodecError(f"{shown(value)} is not valid Unicode text (lone surrogate)") from None
    _write_size(out, len(data))
    out += data


def _write_binary(out: bytearray, value: Any, depth: int) -> None:
    if not isinstance(value, (bytes, bytearray)):
        raise CodecError(f"expected bytes, got {shown(value)}")
    _write_size(out, len(value))
    out += value


def _sequence_writer(
    kind: ListType | SetType, name: str, accepted: tuple[type[Collection[Any]], ...]
) -> Writer:
    code = kind.element.code
    write_element = _writer(kind.element)

    def write(out: bytearray, value: Any, depth: int) -> None:
        if not isinstance(value, accepted):
            raise CodecError(f"expected {name}, got {shown(value)}")
        check_depth(depth)
        out.append(code)
        _write_size(out, len(value))
        for index, element in enumerate(value):
            try:
                write_element(out, element, depth - 1)
            except CodecError as error:
                raise error.under(f"[{index}]") from None

    return write


def _map_writer(kind: MapType) -> Writer:
    codes = bytes((kind.key.code, kind.value.code))
    write_key, write_value = _writer(kind.key), _writer(kind.value)
    is_dict = has_hash(kind.key)

    def write(out: bytearray, value: Any, depth: int) -> None:
        if is_dict and not isinstance(value, dict):
            raise CodecError(f"expected dict, got {shown(value)}")
        pairs = value.items() if is_dict else _checked_pairs(value)
        check_depth(depth)
        out += codes
        _write_size(out, len(value))
        for key, item in pairs:
            try:
                write_key(out, key, depth - 1)
                write_value(out, item, depth - 1)
            except CodecError as error:
                raise error.under(f"[{shown(key)}]") from None

    return write


def _checked_pairs(value: Any) -> Collection[tuple[Any, Any]]:
    """A map whose keys have no hash."""
    if not isinstance(value, (list, tuple)):
        raise CodecError(f"expected list of pairs, got {shown(value)}")
    for index, pair in enumerate(value):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise CodecError(f"expected a pair (key, value), got {shown(pair)}", f"[{index}]")
    return value


def _write_size(out: bytearray, size: int) -> None:
    try:
        out += _pack_size(size)
    except struct.error:
        raise CodecError(f"{size} bytes or elements do not fit a 32-bit size") from None


def check_depth(depth: int) -> None:
    """Refuse to open one more level when none is left."""
    if depth <= 0:
        raise CodecError("nested too deep: does the value contain itself?")
