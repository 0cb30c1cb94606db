"""Values as people write them in JSON, by the types of the IDL: for forms and shells.

Structs are objects with the IDL's field names, enums go by name or number, binary is base64, a
uuid is its usual text, maps with keys that are no strings write them as such (those whose keys are
structs or containers are an array of pairs [key, value]), and every i64 survives: what a program
that knows only doubles would spoil may be written as a string.
"""

import base64
import binascii
import difflib
import math
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any
from uuid import UUID

from pie.thrift.errors import ThriftError, shown
from pie.thrift.generate.names import member_name
from pie.thrift.structs import Struct, Union
from pie.thrift.types import (
    INT_BITS,
    EnumType,
    Field,
    ListType,
    MapType,
    Scalar,
    SetType,
    StructType,
    ThriftType,
    has_hash,
    uuid_from_text,
)
from pie.thrift.wire.base import FIELD_ID

MAX_DEPTH = 64
SAFE_INT = (1 << 53) - 1
"""The largest integer that JavaScript reads exactly."""
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class JsonFormError(ThriftError):
    """JSON that is not the value it should be. ``path`` names the field: ``req.items[3].price``."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def from_json(kind: ThriftType, data: Any, path: str = "") -> Any:
    """The value of a type for parsed JSON.

    Raises:
        JsonFormError: where it does not fit, and what would.
    """
    return _read(kind, data, path, MAX_DEPTH)


def struct_from_json(cls: type[Struct], data: Any, path: str = "") -> Struct:
    """A struct from an object with its fields. Raises as ``from_json``."""
    value: Struct = from_json(StructType(cls), data, path)
    return value


def to_json(kind: ThriftType, value: Any, *, safe_ints: bool = False) -> Any:
    """A value as what a JSON encoder takes; optional fields that are not set are left out.

    Args:
        safe_ints: write integers that JavaScript would round as strings.
    """
    match kind:
        case StructType():
            return {
                field.name: to_json(field.type, item, safe_ints=safe_ints)
                for field in type(value).__fields__
                if (item := getattr(value, field.attr)) is not None
            }
        case SetType() if has_hash(kind.element):
            items = sorted(value, key=lambda item: (str(type(item)), item))
            return [to_json(kind.element, item, safe_ints=safe_ints) for item in items]
        case ListType() | SetType():
            return [to_json(kind.element, item, safe_ints=safe_ints) for item in value]
        case MapType():
            return _map_to_json(kind, value, safe_ints)
        case EnumType():
            return enum_name(value) if isinstance(value, IntEnum) else value
    return _scalar_to_json(kind, value, safe_ints)


def enum_name(member: IntEnum) -> str:
    """The name of a member in the IDL: Python may have it with a ``_`` behind."""
    return _idl_name(member.name)


def _idl_name(name: str) -> str:
    bare = name.removesuffix("_")
    return bare if member_name(bare) == name else name


# -- reading ----------------------------------------------------------------------------------


def _read(kind: ThriftType, data: Any, path: str, depth: int) -> Any:
    if depth <= 0:
        raise JsonFormError(f"nested deeper than {MAX_DEPTH} levels", path)
    match kind:
        case StructType():
            return _read_struct(kind.cls, data, path, depth)
        case SetType() if has_hash(kind.element):
            items = _read_items(kind, data, path, depth)
            if len(set(items)) != len(items):
                raise JsonFormError("the same element is there twice", path)
            return set(items)
        case ListType() | SetType():
            return _read_items(kind, data, path, depth)
        case MapType():
            return _read_map(kind, data, path, depth)
        case EnumType():
            return _read_enum(kind, data, path)
    return _read_scalar(kind, data, path)


def _read_struct(cls: type[Struct], data: Any, path: str, depth: int) -> Struct:
    if not isinstance(data, dict):
        raise _expected(f"an object with the fields of {cls.__name__}", data, path)
    fields = {field.name: field for field in cls.__fields__}
    given: dict[str, Any] = {}
    for name, item in data.items():
        field = fields.get(name)
        if field is None:
            raise JsonFormError(_unknown_field(cls, name, fields), path)
        if item is not None:
            given[field.attr] = _read(field.type, item, _join(path, name), depth - 1)
    for field in cls.__fields__:
        missing = field.attr not in given and field.default is None
        # Pie fills Base, also where the IDL requires it.
        if field.requiredness == "required" and missing and field.id != FIELD_ID:
            raise JsonFormError("required, but not given", _join(path, field.name))
    if issubclass(cls, Union) and len(given) != 1:
        raise JsonFormError(
            f"the union {cls.__name__} has exactly one field set, not {len(given)}: choose one of "
            f"{', '.join(fields)}",
            path,
        )
    return cls(**given)


def _unknown_field(cls: type[Struct], name: str, fields: Mapping[str, Field]) -> str:
    lowered = {known.lower(): known for known in fields}
    near = difflib.get_close_matches(name.lower(), lowered, 1)
    if near:
        hint = f"did you mean {lowered[near[0]]}?"
    else:
        hint = f"it has {', '.join(fields)}" if fields else "it has none"
    return f"{cls.__name__} has no field {shown(name)}; {hint}"


def _read_items(kind: ListType | SetType, data: Any, path: str, depth: int) -> list[Any]:
    if not isinstance(data, list):
        raise _expected(f"an array ({type_name(kind)})", data, path)
    return [_read(kind.element, item, f"{path}[{at}]", depth - 1) for at, item in enumerate(data)]


def _read_map(kind: MapType, data: Any, path: str, depth: int) -> Any:
    if not has_hash(kind.key):
        return _read_pairs(kind, data, path, depth)
    if not isinstance(data, dict):
        raise _expected(f"an object ({type_name(kind)})", data, path)
    found: dict[Any, Any] = {}
    for text, item in data.items():
        inner = f"{path}[{shown(text)}]"
        key = _read_key(kind.key, text, inner)
        if key in found:
            raise JsonFormError("the same key is there twice", inner)
        found[key] = _read(kind.value, item, inner, depth - 1)
    return found


def _read_pairs(kind: MapType, data: Any, path: str, depth: int) -> list[tuple[Any, Any]]:
    """A map whose keys have no hash."""
    if not isinstance(data, list):
        raise _expected(f"an array of pairs ({type_name(kind)})", data, path)
    found: list[tuple[Any, Any]] = []
    for at, pair in enumerate(data):
        inner = f"{path}[{at}]"
        if not isinstance(pair, list) or len(pair) != 2:
            raise _expected("a pair [key, value]", pair, inner)
        key = _read(kind.key, pair[0], f"{inner}[0]", depth - 1)
        found.append((key, _read(kind.value, pair[1], f"{inner}[1]", depth - 1)))
    return found


def _read_key(kind: ThriftType, text: str, path: str) -> Any:
    """A key is always a string in JSON; bool, numbers and enums are read out of it."""
    if isinstance(kind, Scalar) and kind.name == "bool":
        if text not in ("true", "false"):
            raise _expected('"true" or "false" as key', text, path)
        return text == "true"
    if isinstance(kind, Scalar) and kind.name == "double" and text not in _SPECIAL:
        try:
            return float(text)
        except ValueError:
            raise _expected("a number as key", text, path) from None
    return _read(kind, text, path, 1)


def _read_enum(kind: EnumType, data: Any, path: str) -> Any:
    members = {_idl_name(name): member for name, member in kind.enum.__members__.items()}
    if isinstance(data, str) and not _is_integer(data):
        if data in members:
            return members[data]
        near = difflib.get_close_matches(data.upper(), [*members], 1, 0.5)
        known = ", ".join(members) or "none"
        hint = f"did you mean {near[0]}?" if near else f"it has {known}"
        raise JsonFormError(f"{kind.enum.__name__} has no member {shown(data)}; {hint}", path)
    number = _read_int("i32", data, path, f"a name or number of {kind.enum.__name__}")
    return next((member for member in members.values() if member == number), number)


def _read_scalar(kind: Scalar, data: Any, path: str) -> Any:
    if kind.name in INT_BITS:
        return _read_int(kind.name, data, path, f"a whole number ({kind.name})")
    if kind.name == "bool":
        if not isinstance(data, bool):
            raise _expected("true or false", data, path)
        return data
    if kind.name == "double":
        return _read_double(data, path)
    if not isinstance(data, str):
        raise _expected("a string" + (" of base64" * (kind.name == "binary")), data, path)
    return _FROM_TEXT[kind.name](data, path)


def _read_int(name: str, data: Any, path: str, wanted: str) -> int:
    as_text = isinstance(data, str) and _is_integer(data)
    if as_text or (isinstance(data, float) and data.is_integer() and abs(data) <= SAFE_INT):
        data = int(data)
    if not isinstance(data, int) or isinstance(data, bool):
        raise _expected(wanted, data, path)
    limit = 1 << INT_BITS[name] - 1
    if not -limit <= data < limit:
        raise JsonFormError(f"{data} is out of the range of {name} ({-limit}..{limit - 1})", path)
    return data


def _read_double(data: Any, path: str) -> float:
    if isinstance(data, str) and data in _SPECIAL:
        return _SPECIAL[data]
    if not isinstance(data, (int, float)) or isinstance(data, bool):
        raise _expected("a number", data, path)
    try:
        return float(data)
    except OverflowError:
        raise JsonFormError(f"{shown(data)} is out of the range of double", path) from None


def _read_base64(data: str, path: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise JsonFormError(f"not base64: {error}", path) from None


def _checked_text(data: str, path: str) -> str:
    try:
        data.encode()
    except UnicodeEncodeError:
        raise JsonFormError("not valid Unicode text (lone surrogate)", path) from None
    return data


def _read_uuid(data: str, path: str) -> UUID:
    found = uuid_from_text(data)
    if found is None:
        raise _expected("a uuid like 00112233-4455-6677-8899-aabbccddeeff", data, path)
    return found


_FROM_TEXT: dict[str, Callable[[str, str], Any]] = {
    "string": _checked_text,
    "binary": _read_base64,
    "uuid": _read_uuid,
}


def _is_integer(text: str) -> bool:
    digits = text[1:] if text.startswith("-") else text
    return digits.isascii() and digits.isdecimal() and len(digits) < 30


def _expected(wanted: str, data: Any, path: str) -> JsonFormError:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    names |= {list: "an array", dict: "an object", type(None): "null"}
    got = names.get(type(data), type(data).__name__)
    short = f" {shown(data)}" if isinstance(data, (bool, int, float, str)) else ""
    return JsonFormError(f"expected {wanted}, got {got}{short}", path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# -- writing ----------------------------------------------------------------------------------


def _map_to_json(kind: MapType, value: Any, safe_ints: bool) -> Any:
    def item_of(item: Any) -> Any:
        return to_json(kind.value, item, safe_ints=safe_ints)

    if has_hash(kind.key):
        return {key_text(kind.key, key): item_of(item) for key, item in value.items()}
    return [[to_json(kind.key, key, safe_ints=safe_ints), item_of(item)] for key, item in value]


def _scalar_to_json(kind: Scalar, value: Any, safe_ints: bool) -> Any:
    if kind.name == "binary":
        return base64.b64encode(value).decode()
    if kind.name == "uuid":
        return str(value)
    if kind.name == "double" and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if safe_ints and kind.name == "i64" and abs(value) > SAFE_INT:
        return str(value)
    return value


def key_text(kind: ThriftType, key: Any) -> str:
    """A key of a map as text, for JSON."""
    return json_key(to_json(kind, key))


def json_key(plain: Any) -> str:
    """A scalar of JSON as a key."""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return plain if isinstance(plain, str) else repr(plain)


def type_name(kind: ThriftType) -> str:
    """A type as the IDL writes it."""
    match kind:
        case Scalar():
            return kind.name
        case EnumType():
            return kind.enum.__name__
        case StructType():
            return kind.cls.__name__
        case ListType():
            return f"list<{type_name(kind.element)}>"
        case SetType():
            return f"set<{type_name(kind.element)}>"
        case MapType():
            return f"map<{type_name(kind.key)}, {type_name(kind.value)}>"
