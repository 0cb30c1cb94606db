"""Bytes to values: a reader for every type, compiled once per struct class.

A reader takes the data, a position and the number of levels it may still open, and returns the
value and the position after it. A struct looks up its fields when it is first read, so structs may
contain each other. No size is believed before it is held against the bytes that are left, and what
the values take in memory is counted: a struct of one byte on the wire may take a hundred there.
"""

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

from pie.thrift.binary_write import INTS, check_depth
from pie.thrift.errors import CodecError
from pie.thrift.skip import MIN_SIZE, Skipper
from pie.thrift.structs import Struct, Union
from pie.thrift.types import (
    EnumType,
    ListType,
    MapType,
    Scalar,
    SetType,
    StructType,
    ThriftType,
    TType,
    has_hash,
)

DEFAULT_DECODED_LIMIT = 64 << 20
"""Bytes of memory that the values of one message may take, by a rough count."""


class Source(bytes):
    """Bytes being decoded, and how much memory their values may still take."""

    limit: int
    left: int

    @classmethod
    def of(cls, data: bytes | memoryview, limit: int) -> "Source":
        """The bytes with a whole budget."""
        source = cls(data)
        source.limit = source.left = limit
        return source

    def spend(self, memory: int) -> None:
        """Count what is about to be made.

        Raises:
            CodecError: it would be too much.
        """
        self.left -= memory
        if self.left < 0:
            raise CodecError(
                f"a message of {len(self)} bytes whose values take more than {self.limit} bytes "
                "of memory, the limit (decoded_limit): send less at once, or raise it"
            )


Reader: TypeAlias = Callable[[Source, int, int], tuple[Any, int]]

_unpack_size = struct.Struct(">i").unpack_from
_unpack_list = struct.Struct(">Bi").unpack_from
_unpack_map = struct.Struct(">BBi").unpack_from
_unpack_field = struct.Struct(">BH").unpack_from
_READER = "_pie_reader"
_END = "the bytes end before the value does"
# What CPython takes for them, roughly; contents of strings are bounded by the message itself.
_STRUCT_MEMORY, _SLOT_MEMORY = 56, 8
_LIST_MEMORY, _SET_MEMORY, _MAP_MEMORY = 64, 216, 64
_LIST_ENTRY, _SET_ENTRY, _MAP_ENTRY = 8, 48, 104
_SCALAR_MEMORY = {"bool": 0, "double": 24, "string": 56, "binary": 40}
_INT_MEMORY = 32


def struct_reader(cls: type[Struct]) -> Reader:
    """What reads a struct of this class."""
    # Kept on the class itself, so that it ends with it: tools make classes while they run.
    found: Reader | None = cls.__dict__.get(_READER)
    if found is None:
        found = _compile(cls)
        setattr(cls, _READER, found)
    return found


class _StructPlan:
    """What a struct's reader looks up: fields by type and id, and what it starts from."""

    def __init__(self, cls: type[Struct]) -> None:
        fields = cls.__fields__
        self.by_key = {
            (field.type.code, field.id & 0xFFFF): (index, field.attr, _reader(field.type))
            for index, field in enumerate(fields)
        }
        self.blank = [field.default for field in fields]
        self.required = [
            (index, field.attr)
            for index, field in enumerate(fields)
            if field.requiredness == "required"
        ]
        self.memory = _STRUCT_MEMORY + _SLOT_MEMORY * len(fields)


def _compile(cls: type[Struct]) -> Reader:
    is_union = issubclass(cls, Union)
    plan: _StructPlan | None = None

    def read(data: Source, at: int, depth: int) -> tuple[Struct, int]:
        nonlocal plan
        if plan is None:
            plan = _StructPlan(cls)
        check_depth(depth)
        data.spend(plan.memory)
        by_key = plan.by_key
        values = plan.blank.copy()
        seen = set()
        while True:
            if at >= len(data):
                raise CodecError(_END)
            if data[at] == TType.STOP:
                break
            try:
                key = _unpack_field(data, at)
            except struct.error:
                raise CodecError(_END) from None
            at += 3
            found = by_key.get(key)
            if found is None:
                at = _skip(data, at, key, depth - 1)
                continue
            index, attr, read_field = found
            try:
                values[index], at = read_field(data, at, depth - 1)
            except CodecError as error:
                raise error.under(f".{attr}") from None
            seen.add(index)
        for index, attr in plan.required:
            if index not in seen:
                raise CodecError("required field is missing", f".{attr}")
        if is_union and len(seen) != 1:
            raise CodecError(f"a union has exactly one field set, this one has {len(seen)}")
        return cls(*values), at + 1

    return read


def _skip(data: bytes, at: int, key: tuple[int, int], depth: int) -> int:
    skipper = Skipper(key[0], at, depth)
    try:
        if skipper.advance(data):
            raise CodecError(_END)
    except CodecError as error:
        raise error.under(f".<unknown field {key[1]}>") from None
    return skipper.position


def _reader(kind: ThriftType) -> Reader:
    if isinstance(kind, StructType):
        return struct_reader(kind.cls)
    if isinstance(kind, EnumType):
        return _enum_reader(kind)
    if isinstance(kind, ListType):
        return _sequence_reader(kind, list)
    if isinstance(kind, SetType):
        return _sequence_reader(kind, set if has_hash(kind.element) else list)
    if isinstance(kind, MapType):
        return _map_reader(kind)
    return _scalar_reader(kind)


def _scalar_reader(kind: Scalar) -> Reader:
    if kind.name in INTS:
        return _fixed_reader(INTS[kind.name][0])
    return {
        "bool": _read_bool,
        "double": _fixed_reader("d"),
        "string": _read_string,
        "binary": _read_binary,
    }[kind.name]


def _fixed_reader(letter: str) -> Reader:
    form = struct.Struct(f">{letter}")
    unpack, size = form.unpack_from, form.size

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        try:
            return unpack(data, at)[0], at + size
        except struct.error:
            raise CodecError(_END) from None

    return read


def _enum_reader(kind: EnumType) -> Reader:
    read_number = _fixed_reader("i")
    members = {member.value: member for member in kind.enum}

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        number, at = read_number(data, at, depth)
        return members.get(number, number), at

    return read


def _read_bool(data: Source, at: int, depth: int) -> tuple[bool, int]:
    if at >= len(data):
        raise CodecError(_END)
    return data[at] != 0, at + 1


def _read_binary(data: Source, at: int, depth: int) -> tuple[bytes, int]:
    try:
        (size,) = _unpack_size(data, at)
    except struct.error:
        raise CodecError(_END) from None
    start, left = at + 4, len(data) - at - 4
    if not 0 <= size <= left:
        raise CodecError(f"declares {size} bytes, {left} are left")
    return data[start : start + size], start + size


def _read_string(data: Source, at: int, depth: int) -> tuple[str, int]:
    text, at = _read_binary(data, at, depth)
    try:
        return text.decode(), at
    except UnicodeDecodeError as error:
        raise CodecError(f"is not UTF-8: {error.reason} at byte {error.start}") from None


def _memory(kind: ThriftType) -> int:
    """What a value without parts takes; those with parts count themselves."""
    if isinstance(kind, Scalar):
        return _SCALAR_MEMORY.get(kind.name, _INT_MEMORY)
    return _INT_MEMORY if isinstance(kind, EnumType) else 0


def _sequence_reader(kind: ListType | SetType, make: Callable[[list[Any]], Any]) -> Reader:
    code = kind.element.code
    is_set = isinstance(kind, SetType)
    own = _SET_MEMORY if is_set else _LIST_MEMORY
    each = (_SET_ENTRY if is_set else _LIST_ENTRY) + _memory(kind.element)
    read_element = _reader(kind.element)

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        check_depth(depth)
        try:
            found, count = _unpack_list(data, at)
        except struct.error:
            raise CodecError(_END) from None
        at += 5
        _check_elements(count, len(data) - at, (found,), (code,))
        data.spend(own + each * count)
        values = []
        for index in range(count):
            try:
                value, at = read_element(data, at, depth - 1)
            except CodecError as error:
                raise error.under(f"[{index}]") from None
            values.append(value)
        return make(values), at

    return read


def _map_reader(kind: MapType) -> Reader:
    codes = (kind.key.code, kind.value.code)
    each = _MAP_ENTRY + _memory(kind.key) + _memory(kind.value)
    read_key, read_value = _reader(kind.key), _reader(kind.value)
    as_dict = has_hash(kind.key)

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        check_depth(depth)
        try:
            key_code, value_code, count = _unpack_map(data, at)
        except struct.error:
            raise CodecError(_END) from None
        at += 6
        _check_elements(count, len(data) - at, (key_code, value_code), codes)
        data.spend(_MAP_MEMORY + each * count)
        pairs = []
        for index in range(count):
            try:
                key, at = read_key(data, at, depth - 1)
                value, at = read_value(data, at, depth - 1)
            except CodecError as error:
                raise error.under(f"[entry {index}]") from None
            pairs.append((key, value))
        return dict(pairs) if as_dict else pairs, at

    return read


def _check_elements(
    count: int, left: int, found: tuple[int, ...], expected: tuple[TType, ...]
) -> None:
    if count < 0 or count * sum(MIN_SIZE[code] for code in expected) > left:
        raise CodecError(f"declares {count} elements, {left} bytes are left")
    if count and found != expected:
        names = ", ".join(code.name.lower() for code in expected)
        raise CodecError(f"holds elements of type code {found}, expected {names}")
