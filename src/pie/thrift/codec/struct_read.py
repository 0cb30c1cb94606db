"""Bytes to values: a reader for every type, compiled once per struct class and protocol.

A reader takes the data, a position and the number of levels it may still open, and returns the
value and the position after it. A struct looks up its fields when it is first read, so structs may
contain each other. No size is believed before it is held against the bytes that are left, and what
the values take in memory is counted: a struct of one byte on the wire may take a hundred there.
A ``ReadForm`` knows how values are written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from pie.thrift.codec.skip import Skipper
from pie.thrift.codec.source import END, Source
from pie.thrift.codec.struct_write import check_depth
from pie.thrift.errors import CodecError
from pie.thrift.structs import Struct, Union, checked_fields
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

Reader: TypeAlias = Callable[[Source, int, int], tuple[Any, int]]

# Bytes that CPython takes for them, roughly; contents of strings are bounded by the message itself.
_STRUCT_MEMORY, _SLOT_MEMORY = 56, 8
_LIST_MEMORY, _SET_MEMORY, _MAP_MEMORY = 64, 216, 64
_LIST_ENTRY, _SET_ENTRY, _MAP_ENTRY = 8, 48, 104
_SCALAR_MEMORY = {"bool": 0, "double": 24, "string": 56, "binary": 40, "uuid": 104}
_INT_MEMORY = 32
_UUID_SIZE = 16


@dataclass(frozen=True)
class ReadForm:
    """How one protocol is read. Its functions take the data and a position in it.

    Attributes:
        key: attribute under which a class keeps its reader.
        codes: the codes on the wire.
        min_size: the fewest bytes a value takes.
        scalars: readers of numbers, and of bools that are elements, by the type's name.
        bools: readers of what stands behind a bool field's head, by the code in that head.
        size: a string's size, and the position after it.
        list_head: the elements' code and number, and the position of the first.
        map_head: the codes of keys and values, their number, and the position of the first.
        field_head: the same for a field; takes the id of the field before it, too, and returns its
            code, its id and the position after the head. The code is 0 at the struct's end.
        skipper: walks over fields that are not known.
    """

    key: str
    codes: Mapping[TType, int]
    min_size: Mapping[TType, int]
    scalars: Mapping[str, Reader]
    bools: Mapping[int, Reader]
    size: Callable[[Source, int], tuple[int, int]]
    list_head: Callable[[Source, int], tuple[int, int, int]]
    map_head: Callable[[Source, int], tuple[int, int, int, int]]
    field_head: Callable[[Source, int, int], tuple[int, int, int]]
    skipper: type[Skipper]


def struct_reader(cls: type[Struct], form: ReadForm) -> Reader:
    """The reader of a struct class."""
    # Kept on the class itself, so that it ends with it: tools make classes while they run.
    found: Reader | None = cls.__dict__.get(form.key)
    if found is None:
        found = _compile(cls, form)
        setattr(cls, form.key, found)
    return found


class _StructPlan:
    """The fields of a struct by type and id, and the values that a reader starts from."""

    def __init__(self, cls: type[Struct], form: ReadForm) -> None:
        fields = checked_fields(cls)
        self.by_key = {
            (code, field.id): (index, field.attr, reader)
            for index, field in enumerate(fields)
            for code, reader in _field_readers(field.type, form).items()
        }
        self.blank = [field.default for field in fields]
        self.required = [
            (index, field.attr)
            for index, field in enumerate(fields)
            if field.requiredness == "required"
        ]
        self.memory = _STRUCT_MEMORY + _SLOT_MEMORY * len(fields)


def _field_readers(kind: ThriftType, form: ReadForm) -> Mapping[int, Reader]:
    if kind.code == TType.BOOL:
        return form.bools
    return {form.codes[kind.code]: _reader(kind, form)}


def _compile(cls: type[Struct], form: ReadForm) -> Reader:
    is_union = issubclass(cls, Union)
    read_head = form.field_head
    plan: _StructPlan | None = None

    def read(data: Source, at: int, depth: int) -> tuple[Struct, int]:
        nonlocal plan
        if plan is None:
            plan = _StructPlan(cls, form)
        check_depth(depth)
        data.spend(plan.memory)
        by_key = plan.by_key
        values = plan.blank.copy()
        seen = set()
        has_unknown = False
        number = 0
        while True:
            code, number, at = read_head(data, at, number)
            if code == TType.STOP:
                break
            found = by_key.get((code, number))
            if found is None:
                at = _skip(form, data, at, code, number, depth - 1)
                has_unknown = True
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
        # A newer peer may have set a member that is not known here: then none of those here is.
        if is_union and len(seen) != 1 and (seen or not has_unknown):
            raise CodecError(f"a union has exactly one field set, this one has {len(seen)}")
        return cls(*values), at

    return read


def _skip(form: ReadForm, data: Source, at: int, code: int, number: int, depth: int) -> int:
    """The position after a field of a number, or of a type for that number, not known here."""
    try:
        if code in form.bools:
            return form.bools[code](data, at, depth)[1]
        skipper = form.skipper(code, at, depth)
        if skipper.advance(data):
            raise CodecError(END)
    except CodecError as error:
        raise error.under(f".<unknown field {number}>") from None
    return skipper.position


def _reader(kind: ThriftType, form: ReadForm) -> Reader:
    if isinstance(kind, StructType):
        return struct_reader(kind.cls, form)
    if isinstance(kind, EnumType):
        return _enum_reader(kind, form)
    if isinstance(kind, ListType):
        return _sequence_reader(kind, form, list)
    if isinstance(kind, SetType):
        return _sequence_reader(kind, form, set if has_hash(kind.element) else list)
    if isinstance(kind, MapType):
        return _map_reader(kind, form)
    shared = {
        "string": _string_reader(form.size),
        "binary": _binary_reader(form.size),
        "uuid": _read_uuid,
    }
    return shared.get(kind.name) or form.scalars[kind.name]


def _enum_reader(kind: EnumType, form: ReadForm) -> Reader:
    read_number = form.scalars["i32"]
    members = {member.value: member for member in kind.enum}

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        number, at = read_number(data, at, depth)
        return members.get(number, number), at

    return read


def _read_uuid(data: Source, at: int, depth: int) -> tuple[UUID, int]:
    end = at + _UUID_SIZE
    if end > len(data):
        raise CodecError(END)
    return UUID(bytes=data[at:end]), end


def _binary_reader(read_size: Callable[[Source, int], tuple[int, int]]) -> Reader:
    def read(data: Source, at: int, depth: int) -> tuple[bytes, int]:
        size, at = read_size(data, at)
        if not 0 <= size <= len(data) - at:
            raise CodecError(f"declares {size} bytes, {len(data) - at} are left")
        return data[at : at + size], at + size

    return read


def _string_reader(read_size: Callable[[Source, int], tuple[int, int]]) -> Reader:
    read_binary = _binary_reader(read_size)

    def read(data: Source, at: int, depth: int) -> tuple[str, int]:
        text, at = read_binary(data, at, depth)
        try:
            return text.decode(), at
        except UnicodeDecodeError as error:
            raise CodecError(f"is not UTF-8: {error.reason} at byte {error.start}") from None

    return read


def _memory(kind: ThriftType) -> int:
    """Bytes of memory of a value without parts; values with parts count themselves."""
    if isinstance(kind, Scalar):
        return _SCALAR_MEMORY.get(kind.name, _INT_MEMORY)
    return _INT_MEMORY if isinstance(kind, EnumType) else 0


def _sequence_reader(
    kind: ListType | SetType, form: ReadForm, make: Callable[[list[Any]], Any]
) -> Reader:
    read_head, check = form.list_head, _element_check(form, kind.element)
    is_set = isinstance(kind, SetType)
    own = _SET_MEMORY if is_set else _LIST_MEMORY
    each = (_SET_ENTRY if is_set else _LIST_ENTRY) + _memory(kind.element)
    read_element = _reader(kind.element, form)

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        check_depth(depth)
        code, count, at = read_head(data, at)
        check(count, len(data) - at, (code,))
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


def _map_reader(kind: MapType, form: ReadForm) -> Reader:
    read_head, check = form.map_head, _element_check(form, kind.key, kind.value)
    each = _MAP_ENTRY + _memory(kind.key) + _memory(kind.value)
    read_key, read_value = _reader(kind.key, form), _reader(kind.value, form)
    is_dict = has_hash(kind.key)

    def read(data: Source, at: int, depth: int) -> tuple[Any, int]:
        check_depth(depth)
        key_code, value_code, count, at = read_head(data, at)
        check(count, len(data) - at, (key_code, value_code))
        data.spend(_MAP_MEMORY + each * count)
        pairs = []
        for index in range(count):
            try:
                key, at = read_key(data, at, depth - 1)
                value, at = read_value(data, at, depth - 1)
            except CodecError as error:
                raise error.under(f"[entry {index}]") from None
            pairs.append((key, value))
        return dict(pairs) if is_dict else pairs, at

    return read


def _element_check(
    form: ReadForm, *kinds: ThriftType
) -> Callable[[int, int, tuple[int, ...]], None]:
    """A function that checks a container's head against the bytes that are left, and its type."""
    expected = tuple(form.codes[kind.code] for kind in kinds)
    least = sum(form.min_size[kind.code] for kind in kinds)
    names = ", ".join(kind.code.name.lower() for kind in kinds)

    def check(count: int, left: int, found: tuple[int, ...]) -> None:
        if count < 0 or count * least > left:
            raise CodecError(f"declares {count} elements, {left} bytes are left")
        if count and found != expected:
            raise CodecError(f"holds elements of type code {found}, expected {names}")

    return check
