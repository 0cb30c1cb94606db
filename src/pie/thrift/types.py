"""The types of Thrift as values, and the description of one field."""

import re
import uuid
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pie.thrift.structs import Struct

Requiredness = Literal["default", "required", "optional"]


class TType(IntEnum):
    """Type codes on the wire (binary protocol; the compact one has its own)."""

    STOP = 0
    BOOL = 2
    I8 = 3
    DOUBLE = 4
    I16 = 6
    I32 = 8
    I64 = 10
    STRING = 11
    STRUCT = 12
    MAP = 13
    SET = 14
    LIST = 15
    UUID = 16


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts. ``string`` and ``binary`` share a wire code."""

    name: str
    code: TType


@dataclass(frozen=True, slots=True)
class EnumType:
    """An i32 with names. Numbers without a name pass through as plain ints."""

    enum: type[IntEnum]

    @property
    def code(self) -> TType:
        return TType.I32


@dataclass(frozen=True, slots=True)
class StructType:
    """A struct, union or exception."""

    cls: "type[Struct]"

    @property
    def code(self) -> TType:
        return TType.STRUCT


@dataclass(frozen=True, slots=True)
class ListType:
    """list<element>"""

    element: "ThriftType"

    @property
    def code(self) -> TType:
        return TType.LIST


@dataclass(frozen=True, slots=True)
class SetType:
    """set<element>: a Python set, or a list of elements that have no hash."""

    element: "ThriftType"

    @property
    def code(self) -> TType:
        return TType.SET


@dataclass(frozen=True, slots=True)
class MapType:
    """map<key, value>: a dict, or a list of pairs whose keys have no hash."""

    key: "ThriftType"
    value: "ThriftType"

    @property
    def code(self) -> TType:
        return TType.MAP


ThriftType: TypeAlias = Scalar | EnumType | StructType | ListType | SetType | MapType


def has_hash(kind: ThriftType) -> bool:
    """A Python set or dict can hold values of the type: it is no struct and no container."""
    return isinstance(kind, (Scalar, EnumType))


BOOL = Scalar("bool", TType.BOOL)
I8 = Scalar("i8", TType.I8)
I16 = Scalar("i16", TType.I16)
I32 = Scalar("i32", TType.I32)
I64 = Scalar("i64", TType.I64)
DOUBLE = Scalar("double", TType.DOUBLE)
STRING = Scalar("string", TType.STRING)
BINARY = Scalar("binary", TType.STRING)
UUID = Scalar("uuid", TType.UUID)

MIN_FIELD_ID, MAX_FIELD_ID = -(1 << 15), (1 << 15) - 1

INT_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}
"""Width of the integer types."""

_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def uuid_from_text(text: str) -> uuid.UUID | None:
    """The UUID written as its 32 digits in the usual five groups; None for any other text."""
    return uuid.UUID(text) if _UUID_TEXT.fullmatch(text) else None


class Field:
    """One field of a struct.

    Args:
        id: its number on the wire.
        name: its name in the IDL.
        type: what it holds.
        requiredness: a ``required`` field must be set to be sent and present to be read; the
            others are left out while they are None.
        default: the value of a field nobody set. None for defaults that can be changed in place
            (lists, sets, maps, structs): the constructor makes those when it is given None.
        attr: its name in Python, where it differs from ``name`` (``from`` is ``from_``).
    """

    __slots__ = ("attr", "default", "id", "name", "requiredness", "type")

    def __init__(
        self,
        id: int,  # noqa: A002 - the field's name in every Thrift implementation
        name: str,
        type: ThriftType,  # noqa: A002 - likewise
        requiredness: Requiredness = "default",
        *,
        default: Any = None,
        attr: str = "",
    ) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.requiredness: Requiredness = requiredness
        self.default = default
        self.attr = attr or name

    def __repr__(self) -> str:
        return f"Field({self.id}, {self.name!r}, {self.requiredness})"
