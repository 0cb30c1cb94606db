"""The types of Thrift as values, the description of one field, and the base of all structs.

They stand together because each refers to the next: a struct has fields, a field has a type, and
a type may be a struct.
"""

import re
import uuid
from dataclasses import dataclass
from enum import IntEnum
from reprlib import recursive_repr
from typing import Any, ClassVar, Literal, TypeAlias

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
    """Whether Python sets and dicts can hold values of the type: no structs, no containers."""
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
        default: the value of a field that was not set. None for mutable defaults
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


class Struct:
    """A value with numbered fields. ``__fields__`` describes them, in the order of the IDL.

    Two structs are equal when they are of the same class and all fields are. They can change, so
    they have no hash.
    """

    __slots__ = ()
    __fields__: ClassVar[tuple[Field, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Generated classes name their fields here."""
        raise TypeError(f"{type(self).__name__} is not a generated struct")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, f.attr) == getattr(other, f.attr) for f in self.__fields__)

    def __hash__(self) -> int:
        raise TypeError(f"a {type(self).__name__} can change, so it has no hash")

    @recursive_repr()
    def __repr__(self) -> str:
        parts = []
        for field in self.__fields__:
            value = getattr(self, field.attr)
            if value is not None or field.requiredness != "optional":
                parts.append(f"{field.attr}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"
