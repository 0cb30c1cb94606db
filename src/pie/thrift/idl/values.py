"""Constants and defaults: a written value as a value of its declared type."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from pie.thrift.errors import IdlError, Position, shown
from pie.thrift.idl.ast import (
    BaseRef,
    Const,
    EnumDef,
    EnumMember,
    ListRef,
    ListValue,
    MapRef,
    MapValue,
    NameValue,
    ScalarValue,
    SetRef,
    StructDef,
    TypeRef,
    Value,
)
from pie.thrift.idl.parser import MAX_NESTING
from pie.thrift.idl.program import Program, Resolved
from pie.thrift.types import INT_BITS, uuid_from_text

MAX_PARTS = 100_000
"""Of one constant, with everything it refers to written out."""


@dataclass(frozen=True, slots=True)
class EnumConstant:
    """A member of an enum."""

    path: str
    enum: EnumDef
    member: EnumMember


@dataclass(frozen=True, slots=True)
class ListConstant:
    """A list, or a set (in Python: its elements have a hash)."""

    items: tuple["Constant", ...]
    is_set: bool


@dataclass(frozen=True, slots=True)
class MapConstant:
    """A map, or a list of pairs where keys have no hash in Python."""

    items: tuple[tuple["Constant", "Constant"], ...]
    is_dict: bool


@dataclass(frozen=True, slots=True)
class StructConstant:
    """A struct by the fields that are set."""

    path: str
    struct: StructDef
    fields: tuple[tuple[str, "Constant"], ...]


Constant: TypeAlias = (
    bool
    | int
    | float
    | str
    | bytes
    | UUID
    | EnumConstant
    | ListConstant
    | MapConstant
    | StructConstant
)


def evaluate(program: Program, path: str, ref: TypeRef, value: Value) -> Constant:
    """The constant for a value written in a file, of its declared type.

    Raises:
        IdlError: the value does not fit the type, or names something that is no constant.
    """
    evaluation = _Evaluation(program, value.position)
    return evaluation.of(program.resolve(path, ref), path, value)


class _Evaluation:
    """One constant with all it refers to. A type and a value may stand in different files."""

    def __init__(self, program: Program, position: Position) -> None:
        self._program = program
        self._position = position
        self._following: list[Const] = []
        self._parts = 0

    def of(self, resolved: Resolved, path: str, value: Value) -> Constant:
        """The constant of a type for a value written in the file ``path``."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise IdlError(self._position, f"the value has more than {MAX_PARTS} parts")
        if isinstance(value, NameValue):
            return self._named(resolved, path, value)
        if isinstance(value, (ListValue, MapValue)) and not value.items:
            value = _empty(resolved, value)
        match resolved.type, value:
            case (BaseRef() as base, ScalarValue()):
                return _scalar(base.name, value)
            case (EnumDef() as enum, ScalarValue()):
                return _enum_number(resolved.path, enum, value)
            case (ListRef() | SetRef() as kind, ListValue()):
                element = self._program.resolve(resolved.path, kind.element)
                items = tuple(self.of(element, path, item) for item in value.items)
                is_set = isinstance(kind, SetRef)
                return ListConstant(
                    items, is_set and self._program.has_hash(resolved.path, kind.element)
                )
            case (MapRef() as kind, MapValue()):
                return self._map(resolved.path, kind, path, value)
            case (StructDef() as struct, MapValue()):
                return self._struct(resolved.path, struct, path, value)
        raise _mismatch(resolved, value)

    def _named(self, resolved: Resolved, path: str, value: NameValue) -> Constant:
        found = self._program.find(path, value.name)
        if found is None or not isinstance(found.definition, Const):
            member = _own_member(resolved, value) or self._member(path, value)
            if member is not None:
                return _of_member(resolved, member, value)
        if found is None or not isinstance(found.definition, Const):
            hint = self._program.hint(path, value.name, (Const,))
            if isinstance(resolved.type, EnumDef):
                hint = f"a member is written with its enum: {resolved.type.name}.NAME"
            raise IdlError(value.position, f"unknown constant {value.name}", hint)
        const = found.definition
        if any(const is followed for followed in self._following):
            raise IdlError(value.position, f"the constant {value.name} is defined by itself")
        if len(self._following) >= MAX_NESTING:
            raise IdlError(
                value.position, f"constants refer to each other more than {MAX_NESTING} times"
            )
        self._following.append(const)
        result = self.of(resolved, found.path, const.value)
        self._following.pop()
        return result

    def _member(self, path: str, value: NameValue) -> EnumConstant | None:
        owner, _, name = value.name.rpartition(".")
        found = self._program.find(path, owner) if owner else None
        if found is None or not isinstance(found.definition, EnumDef):
            return None
        enum = found.definition
        for member in enum.members:
            if member.name == name:
                return EnumConstant(found.path, enum, member)
        known = ", ".join(member.name for member in enum.members)
        raise IdlError(value.position, f"{owner} has no member {name}", f"it has {known}")

    def _map(self, type_path: str, kind: MapRef, path: str, value: MapValue) -> MapConstant:
        key_type = self._program.resolve(type_path, kind.key)
        value_type = self._program.resolve(type_path, kind.value)
        items = tuple(
            (self.of(key_type, path, key), self.of(value_type, path, item))
            for key, item in value.items
        )
        if not self._program.has_hash(type_path, kind.key):
            return MapConstant(items, is_dict=False)
        seen = set()
        for (key, _), (written, _) in zip(items, value.items, strict=True):
            plain = key.member.value if isinstance(key, EnumConstant) else key
            if plain in seen:
                raise IdlError(written.position, "the key is there twice")
            seen.add(plain)
        return MapConstant(items, is_dict=True)

    def _struct(
        self, type_path: str, struct: StructDef, path: str, value: MapValue
    ) -> StructConstant:
        fields = {field.name: field for field in struct.fields}
        given: dict[str, Constant] = {}
        for key, item in value.items:
            name = key.value if isinstance(key, ScalarValue) else None
            if not isinstance(name, str):
                raise IdlError(key.position, "a struct's field is named by a string", '{"name": 1}')
            field = fields.get(name)
            if field is None:
                raise IdlError(
                    key.position,
                    f"{struct.name} has no field {shown(name)}",
                    f"it has {', '.join(fields)}",
                )
            if name in given:
                raise IdlError(key.position, f"the field {name} is there twice")
            given[name] = self.of(self._program.resolve(type_path, field.type), path, item)
        if struct.kind == "union" and len(given) != 1:
            raise IdlError(value.position, f"the union {struct.name} has exactly one field set")
        for field in struct.fields:
            missing = field.name not in given and field.default is None
            if missing and field.requiredness == "required":
                raise IdlError(value.position, f"required field {field.name} is not set")
        return StructConstant(type_path, struct, tuple(given.items()))


def _scalar(kind: str, value: ScalarValue) -> Constant:
    given = value.value
    match kind, given:
        case ("bool", bool() | 0 | 1):
            return bool(given)
        case ("double", int() | float()) if not isinstance(given, bool):
            return float(given)
        case ("string", str()):
            return given
        case ("binary", str()):
            return given.encode(errors="surrogatepass")
        case ("uuid", str()):
            return _uuid(given, value.position)
        case (_, int()) if kind in INT_BITS and not isinstance(given, bool):
            return _in_range(kind, given, value.position)
    raise IdlError(value.position, f"{shown(given)} is not a {kind}")


def _in_range(kind: str, number: int, position: Position) -> int:
    limit = 1 << (INT_BITS[kind] - 1)
    if not -limit <= number < limit:
        raise IdlError(position, f"{number} is out of the range of {kind}")
    return number


def _uuid(text: str, position: Position) -> UUID:
    # The braces are what Apache Thrift's compiler takes, too.
    braced = text.startswith("{") and text.endswith("}")
    found = uuid_from_text(text[1:-1] if braced else text)
    if found is None:
        raise IdlError(
            position,
            f"{shown(text)} is not a uuid",
            'write it as "00112233-4455-6677-8899-aabbccddeeff"',
        )
    return found


def _enum_number(path: str, enum: EnumDef, value: ScalarValue) -> EnumConstant:
    for member in enum.members:
        if member.value == value.value and not isinstance(value.value, (bool, float)):
            return EnumConstant(path, enum, member)
    known = ", ".join(f"{enum.name}.{member.name}" for member in enum.members)
    raise IdlError(value.position, f"{shown(value.value)} is not in {enum.name}", f"it has {known}")


def _empty(resolved: Resolved, value: ListValue | MapValue) -> ListValue | MapValue:
    """``[]`` or ``{}`` as its type has it: Apache's compiler lets both stand for any container."""
    if isinstance(resolved.type, MapRef):
        return MapValue((), value.position)
    if isinstance(resolved.type, (ListRef, SetRef)):
        return ListValue((), value.position)
    return value


def _own_member(resolved: Resolved, value: NameValue) -> EnumConstant | None:
    """For an enum, the member that a name ends with. Apache's compiler reads no more of it, and
    published files leave out the name of the file, or have that of another enum."""
    name = value.name.rpartition(".")[2]
    if isinstance(resolved.type, EnumDef):
        for member in resolved.type.members:
            if member.name == name:
                return EnumConstant(resolved.path, resolved.type, member)
    return None


def _of_member(resolved: Resolved, member: EnumConstant, value: NameValue) -> Constant:
    if isinstance(resolved.type, EnumDef):
        if resolved.type is member.enum:
            return member
    elif isinstance(resolved.type, BaseRef) and resolved.type.name in INT_BITS:
        return _in_range(resolved.type.name, member.member.value, value.position)
    raise _mismatch(resolved, value)


def _mismatch(resolved: Resolved, value: Value) -> IdlError:
    kind = resolved.type
    name = kind.name if isinstance(kind, (BaseRef, EnumDef, StructDef)) else _CONTAINERS[type(kind)]
    match value:
        case ScalarValue():
            given = shown(value.value)
        case NameValue():
            given = value.name
        case ListValue():
            given = "a list [...]"
        case MapValue():
            given = "a map {...}"
    return IdlError(value.position, f"{given} is not a {name}")


_CONTAINERS: dict[type, str] = {ListRef: "list", SetRef: "set", MapRef: "map"}
