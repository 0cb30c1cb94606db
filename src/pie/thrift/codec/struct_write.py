"""Values to bytes: a writer for every type, compiled once per struct class and protocol.

A writer appends a value to a bytearray and gets the number of levels it may still open. A struct
looks up its fields when it is first written, so structs may contain each other. What is a value of
a type is the same in every protocol; a ``WriteForm`` knows how it is written.
"""

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from pie.thrift.errors import CodecError, shown
from pie.thrift.structs import Struct, Union, checked_fields
from pie.thrift.types import (
    INT_BITS,
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
FieldHead: TypeAlias = tuple[Mapping[int, bytes], bytes]
"""What stands before a field: by the distance from the field before, and for any other distance."""

MAX_SIZE = (1 << 31) - 1
"""Bytes of a string, elements of a container."""


@dataclass(frozen=True)
class WriteForm:
    """How one protocol writes.

    Attributes:
        key: attribute under which a class keeps its writer.
        numbers: the bytes of a number in range, by its type's name.
        bools: an element that is false, and one that is true.
        field_bools: the same for a field, behind its head.
        size: the bytes before a string.
        list_head: the bytes before a list's or a set's elements, by their type and number.
        map_head: the bytes before a map's entries, by their types and number.
        field_head: what stands before a field, by its type and id, and whether it is False.
    """

    key: str
    numbers: Mapping[str, Callable[[Any], bytes]]
    bools: tuple[bytes, bytes]
    field_bools: tuple[bytes, bytes]
    size: Callable[[int], bytes]
    list_head: Callable[[TType, int], bytes]
    map_head: Callable[[TType, TType, int], bytes]
    field_head: Callable[[TType, int, bool], FieldHead]


def struct_writer(cls: type[Struct], form: WriteForm) -> Writer:
    """The writer of a struct class."""
    # Kept on the class itself, so that it ends with it: tools make classes while they run.
    found: Writer | None = cls.__dict__.get(form.key)
    if found is None:
        found = _compile(cls, form)
        setattr(cls, form.key, found)
    return found


_Step: TypeAlias = tuple[str, int, FieldHead, FieldHead, Writer, bool]


def _plan(cls: type[Struct], form: WriteForm) -> list[_Step]:
    """The fields in order: how each is called, begun and written, and whether it must be set."""
    steps = []
    for field in checked_fields(cls):
        code = field.type.code
        write = _bool_writer(form.field_bools) if code == TType.BOOL else _writer(field.type, form)
        head, false_head = (form.field_head(code, field.id, value) for value in (False, True))
        required = field.requiredness == "required"
        steps.append((field.attr, field.id, head, false_head, write, required))
    return steps


def _compile(cls: type[Struct], form: WriteForm) -> Writer:
    name = cls.__name__
    is_union = issubclass(cls, Union)
    steps: list[_Step] | None = None

    def write(out: bytearray, value: Any, depth: int) -> None:
        nonlocal steps
        if steps is None:
            steps = _plan(cls, form)
        if not isinstance(value, cls):
            raise CodecError(f"expected {name}, got {shown(value)}")
        check_depth(depth)
        count = last = 0
        for attr, number, head, false_head, write_field, required in steps:
            item = getattr(value, attr)
            if item is None:
                if required:
                    raise CodecError("required field is not set", f".{attr}")
                continue
            count += 1
            near, far = head if item is not False else false_head
            out += near.get(number - last, far)
            last = number
            try:
                write_field(out, item, depth - 1)
            except CodecError as error:
                raise error.under(f".{attr}") from None
        if is_union and count != 1:
            raise CodecError(f"a union has exactly one field set, this one has {count}")
        out.append(TType.STOP)

    return write


def _writer(kind: ThriftType, form: WriteForm) -> Writer:
    if isinstance(kind, StructType):
        return struct_writer(kind.cls, form)
    if isinstance(kind, ListType):
        return _sequence_writer(kind, form, "list", (list, tuple))
    if isinstance(kind, SetType):
        hashed = has_hash(kind.element)
        name, accepted = ("set", (set, frozenset)) if hashed else ("list", (list, tuple))
        return _sequence_writer(kind, form, name, accepted)
    if isinstance(kind, MapType):
        return _map_writer(kind, form)
    name = "i32" if isinstance(kind, EnumType) else kind.name
    if name in INT_BITS:
        return _int_writer(name, form)
    return {
        "bool": _bool_writer(form.bools),
        "double": _double_writer(form.numbers["double"]),
        "string": _string_writer(form.size),
        "binary": _binary_writer(form.size),
        "uuid": _write_uuid,
    }[name]


def _int_writer(name: str, form: WriteForm) -> Writer:
    pack = form.numbers[name]
    low, high = -(1 << INT_BITS[name] - 1), (1 << INT_BITS[name] - 1) - 1

    def write(out: bytearray, value: Any, depth: int) -> None:
        if type(value) is not int and (not isinstance(value, int) or isinstance(value, bool)):
            raise CodecError(f"expected int, got {shown(value)}")
        if not low <= value <= high:
            raise CodecError(f"{shown(int(value))} is out of the range of {name} ({low}..{high})")
        out += pack(value)

    return write


def _bool_writer(values: tuple[bytes, bytes]) -> Writer:
    def write(out: bytearray, value: Any, depth: int) -> None:
        if value is not True and value is not False:
            raise CodecError(f"expected bool, got {shown(value)}")
        out += values[value]

    return write


def _double_writer(pack: Callable[[Any], bytes]) -> Writer:
    def write(out: bytearray, value: Any, depth: int) -> None:
        if not isinstance(value, (float, int)) or isinstance(value, bool):
            raise CodecError(f"expected float, got {shown(value)}")
        try:
            out += pack(value)
        except (OverflowError, struct.error):
            raise CodecError(f"{shown(value)} is out of the range of double") from None

    return write


def _string_writer(size: Callable[[int], bytes]) -> Writer:
    def write(out: bytearray, value: Any, depth: int) -> None:
        if not isinstance(value, str):
            raise CodecError(f"expected str, got {shown(value)}")
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise CodecError(f"{shown(value)} is not valid Unicode text (lone surrogate)") from None
        out += size(_checked(len(data)))
        out += data

    return write


def _binary_writer(size: Callable[[int], bytes]) -> Writer:
    def write(out: bytearray, value: Any, depth: int) -> None:
        if not isinstance(value, (bytes, bytearray)):
            raise CodecError(f"expected bytes, got {shown(value)}")
        out += size(_checked(len(value)))
        out += value

    return write


def _write_uuid(out: bytearray, value: Any, depth: int) -> None:
    if not isinstance(value, UUID):
        raise CodecError(f"expected uuid.UUID, got {shown(value)}")
    out += value.bytes


def _sequence_writer(
    kind: ListType | SetType,
    form: WriteForm,
    name: str,
    accepted: tuple[type[Collection[Any]], ...],
) -> Writer:
    code = kind.element.code
    head = form.list_head
    write_element = _writer(kind.element, form)

    def write(out: bytearray, value: Any, depth: int) -> None:
        if not isinstance(value, accepted):
            raise CodecError(f"expected {name}, got {shown(value)}")
        elements = _elements(value)
        check_depth(depth)
        count = len(elements)
        out += head(code, _checked(count))
        for index, element in enumerate(elements):
            try:
                write_element(out, element, depth - 1)
            except CodecError as error:
                raise error.under(f"[{index}]") from None
            if len(elements) != count:
                raise _changed("list")

    return write


def _elements(value: Collection[Any]) -> Collection[Any]:
    """A list or tuple as it is; a list of the elements of any other iterable."""
    return value if type(value).__iter__ in _IN_PLACE else list(value)


_IN_PLACE = (list.__iter__, tuple.__iter__)


def _changed(what: str) -> CodecError:
    return CodecError(f"the {what} changed while it was being written: another thread holds it too")


def _map_writer(kind: MapType, form: WriteForm) -> Writer:
    codes = kind.key.code, kind.value.code
    head = form.map_head
    write_key, write_value = _writer(kind.key, form), _writer(kind.value, form)
    is_dict = has_hash(kind.key)

    def write(out: bytearray, value: Any, depth: int) -> None:
        if is_dict and not isinstance(value, dict):
            raise CodecError(f"expected dict, got {shown(value)}")
        pairs = tuple(value.items()) if is_dict else _checked_pairs(value)
        check_depth(depth)
        count = len(pairs)
        out += head(*codes, _checked(count))
        for key, item in pairs:
            try:
                write_key(out, key, depth - 1)
                write_value(out, item, depth - 1)
            except CodecError as error:
                raise error.under(f"[{shown(key)}]") from None
            if type(value) is dict and len(value) != count:
                raise _changed("map")

    return write


def _checked_pairs(value: Any) -> tuple[tuple[Any, Any], ...]:
    """A copy of a map whose keys have no hash."""
    if not isinstance(value, (list, tuple)):
        raise CodecError(f"expected list of pairs, got {shown(value)}")
    pairs = tuple(value)
    for index, pair in enumerate(pairs):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise CodecError(f"expected a pair (key, value), got {shown(pair)}", f"[{index}]")
    return pairs


def _checked(size: int) -> int:
    if size > MAX_SIZE:
        raise CodecError(f"{size} bytes or elements do not fit a 32-bit size")
    return size


def check_depth(depth: int) -> None:
    """Refuse to open one more level when none is left."""
    if depth <= 0:
        raise CodecError("nested too deep: does the value contain itself?")
