"""The tree of an IDL file. Names stay as written; ``scope`` resolves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pie.thrift.errors import Position
from pie.thrift.types import Requiredness

Annotations: TypeAlias = Mapping[str, str]
FAILURE_CODES = "pie.failure_codes"
"""The annotation of a service or function: business codes that count as failures."""
StructKind = Literal["struct", "union", "exception"]
BASE_TYPES = frozenset(
    {"bool", "byte", "i8", "i16", "i32", "i64", "double", "string", "binary", "uuid"}
)


@dataclass(frozen=True, slots=True)
class BaseRef:
    """``i64``, ``string``, …; ``byte`` is written ``i8``."""

    name: str
    position: Position
    annotations: Annotations


@dataclass(frozen=True, slots=True)
class NamedRef:
    """A type by name, ``Item`` or ``base.Base``."""

    name: str
    position: Position
    annotations: Annotations


@dataclass(frozen=True, slots=True)
class ListRef:
    """``list<element>``"""

    element: "TypeRef"
    position: Position
    annotations: Annotations


@dataclass(frozen=True, slots=True)
class SetRef:
    """``set<element>``"""

    element: "TypeRef"
    position: Position
    annotations: Annotations


@dataclass(frozen=True, slots=True)
class MapRef:
    """``map<key, value>``"""

    key: "TypeRef"
    value: "TypeRef"
    position: Position
    annotations: Annotations


TypeRef: TypeAlias = BaseRef | NamedRef | ListRef | SetRef | MapRef


@dataclass(frozen=True, slots=True)
class ScalarValue:
    """A number, a string or a truth value."""

    value: int | float | str | bool
    position: Position


@dataclass(frozen=True, slots=True)
class NameValue:
    """A constant or an enum member by name."""

    name: str
    position: Position


@dataclass(frozen=True, slots=True)
class ListValue:
    """``[a, b]``: a list or a set."""

    items: tuple["Value", ...]
    position: Position


@dataclass(frozen=True, slots=True)
class MapValue:
    """``{k: v}``: a map or a struct."""

    items: tuple[tuple["Value", "Value"], ...]
    position: Position


Value: TypeAlias = ScalarValue | NameValue | ListValue | MapValue


@dataclass(frozen=True, slots=True)
class Include:
    """``include "path"``; names of that file are written ``prefix.Name``."""

    path: str
    prefix: str
    position: Position


@dataclass(frozen=True, slots=True)
class Namespace:
    """``namespace language name``"""

    language: str
    name: str
    position: Position


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field of a struct, an argument, or an exception in a throws clause.

    ``implicit_id``: the file gives it no number.
    """

    id: int
    name: str
    type: TypeRef
    requiredness: Requiredness
    default: Value | None
    doc: str
    annotations: Annotations
    position: Position
    implicit_id: bool = False


@dataclass(frozen=True, slots=True)
class Typedef:
    """``typedef type name``"""

    name: str
    type: TypeRef
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class Const:
    """``const type name = value``"""

    name: str
    type: TypeRef
    value: Value
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class EnumMember:
    """One name of an enum."""

    name: str
    value: int
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class EnumDef:
    """``enum name { … }``"""

    name: str
    members: tuple[EnumMember, ...]
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class StructDef:
    """A struct, union or exception."""

    kind: StructKind
    name: str
    fields: tuple[FieldDef, ...]
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """A function of a service; ``returns`` is None for void."""

    name: str
    oneway: bool
    returns: TypeRef | None
    arguments: tuple[FieldDef, ...]
    throws: tuple[FieldDef, ...]
    doc: str
    annotations: Annotations
    position: Position


@dataclass(frozen=True, slots=True)
class ServiceDef:
    """``service name extends other { … }``"""

    name: str
    extends: NamedRef | None
    functions: tuple[FunctionDef, ...]
    doc: str
    annotations: Annotations
    position: Position

    def failure_codes(self, function: FunctionDef) -> str:
        """The business codes of a function that count as failures: the service's and its own."""
        both = (self.annotations.get(FAILURE_CODES), function.annotations.get(FAILURE_CODES))
        return ", ".join(filter(None, both))


Definition: TypeAlias = Typedef | Const | EnumDef | StructDef | ServiceDef


@dataclass(frozen=True, slots=True)
class Document:
    """One IDL file."""

    path: str
    text: str
    doc: str
    includes: tuple[Include, ...]
    namespaces: tuple[Namespace, ...]
    definitions: tuple[Definition, ...]
