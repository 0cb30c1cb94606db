"""The names that generated modules import."""

import uuid
from enum import IntEnum
from typing import Final, Protocol, TypeAlias

from pie.thrift.service import Method, Service
from pie.thrift.structs import UNSET, Struct, StructException, Union
from pie.thrift.types import (
    BINARY,
    BOOL,
    DOUBLE,
    I8,
    I16,
    I32,
    I64,
    STRING,
    UUID,
    EnumType,
    Field,
    ListType,
    MapType,
    SetType,
    StructType,
)

__all__ = [
    "BINARY",
    "BOOL",
    "DOUBLE",
    "I8",
    "I16",
    "I32",
    "I64",
    "STRING",
    "UNSET",
    "UUID",
    "EnumType",
    "Field",
    "Final",
    "IntEnum",
    "ListType",
    "MapType",
    "Method",
    "Protocol",
    "Service",
    "SetType",
    "Struct",
    "StructException",
    "StructType",
    "TypeAlias",
    "Union",
    "uuid",
]
