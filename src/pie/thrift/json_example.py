"""An example of the JSON that a type takes, for people to fill in."""

from typing import Any
from uuid import UUID

from pie.thrift.json_form import enum_name, json_key, to_json
from pie.thrift.structs import Struct, Union
from pie.thrift.types import (
    BINARY,
    EnumType,
    Field,
    ListType,
    MapType,
    Scalar,
    SetType,
    StructType,
    ThriftType,
    has_hash,
)
from pie.thrift.wire.base import FIELD_ID

MAX_FIELDS = 500
"""Beyond it, structs are shown empty: people do not fill in more, and types may multiply."""
_SCALARS = {"bool": False, "double": 0.0, "string": "", "binary": "", "uuid": str(UUID(int=0))}


def example(kind: ThriftType) -> Any:
    """JSON that ``from_json`` takes, with every field once, but ``Base``, which Pie fills."""
    return _Example().of(kind, ())


class _Example:
    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def of(self, kind: ThriftType, inside: tuple[type[Struct], ...]) -> Any:
        """``inside`` are the structs being written: none is written within itself."""
        match kind:
            case StructType():
                return {} if kind.cls in inside else self._struct(kind.cls, (*inside, kind.cls))
            case ListType() | SetType():
                return [] if _comes_back(kind.element, inside) else [self.of(kind.element, inside)]
            case MapType():
                return self._map(kind, inside)
            case EnumType():
                return _first_member(kind)
            case Scalar():
                return _SCALARS.get(kind.name, 0)

    def _map(self, kind: MapType, inside: tuple[type[Struct], ...]) -> Any:
        as_pairs = not has_hash(kind.key)
        if _comes_back(kind.key, inside) or _comes_back(kind.value, inside):
            return [] if as_pairs else {}
        value = self.of(kind.value, inside)
        return [[self.of(kind.key, inside), value]] if as_pairs else {_key(kind.key): value}

    def _struct(self, cls: type[Struct], inside: tuple[type[Struct], ...]) -> dict[str, Any]:
        fields = [field for field in cls.__fields__ if self._shown(field, inside)]
        if issubclass(cls, Union):
            fields = fields[:1]
        blank = cls()
        found = {}
        for field in fields:
            self._left -= 1
            default = getattr(blank, field.attr)
            if default is not None:
                found[field.name] = to_json(field.type, default)
            else:
                found[field.name] = self.of(field.type, inside)
        return found

    def _shown(self, field: Field, inside: tuple[type[Struct], ...]) -> bool:
        if field.id == FIELD_ID:
            return False
        if field.requiredness == "required":
            return True
        return self._left > 0 and not _comes_back(field.type, inside)


def _comes_back(kind: ThriftType, inside: tuple[type[Struct], ...]) -> bool:
    return isinstance(kind, StructType) and kind.cls in inside


def _first_member(kind: EnumType) -> str | int:
    """Its name, or the number 0 where the enum is empty."""
    first = next(iter(kind.enum), None)
    return 0 if first is None else enum_name(first)


def _key(kind: ThriftType) -> str:
    plain = _Example().of(kind, ())
    return json_key(plain) or ("a2V5" if kind == BINARY else "key")  # The same in base64.
