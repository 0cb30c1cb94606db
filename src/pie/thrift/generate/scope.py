"""How one generated module writes types and values."""

import math
from collections.abc import Iterator, Mapping
from uuid import UUID

from pie.thrift.generate.names import (
    BUILTINS,
    MODULE_NAMES,
    definition_name,
    field_attr,
    member_name,
    method_name,
    quote,
)
from pie.thrift.idl.ast import (
    BaseRef,
    Document,
    EnumDef,
    ListRef,
    MapRef,
    NamedRef,
    ServiceDef,
    SetRef,
    StructDef,
    Typedef,
    TypeRef,
)
from pie.thrift.idl.program import Program
from pie.thrift.idl.values import (
    Constant,
    EnumConstant,
    ListConstant,
    MapConstant,
    StructConstant,
)

_PYTHON = {
    "bool": "bool",
    "i8": "int",
    "i16": "int",
    "i32": "int",
    "i64": "int",
    "double": "float",
    "string": "str",
    "binary": "bytes",
}
_MUTABLE = (ListConstant, MapConstant, StructConstant)


class ModuleScope:
    """The names of one module.

    Attributes:
        aliases: names of its imports of other modules, by IDL path.
        used: paths of those that were named; grows as the module is written.
    """

    def __init__(self, program: Program, document: Document, aliases: dict[str, str]) -> None:
        self.program = program
        self.used: set[str] = set()
        self.path = document.path
        self._document = document
        self._aliases = aliases
        names = {definition.name for definition in document.definitions}
        for definition in document.definitions:
            if isinstance(definition, ServiceDef):
                names.update(function.name for function in definition.functions)
        self._prefix = "builtins." if names & BUILTINS else ""
        self._renamed: dict[str, str] = {}

    def within_services(self) -> "ModuleScope":
        """The same names as they are called within the classes of services, where a method may
        have the name of a type; ``renamed`` has those that differ."""
        own = {definition_name(each.name): each for each in self._document.definitions}
        scope = ModuleScope(self.program, self._document, self._aliases)
        scope.used = self.used
        for name in sorted(method_names(self._document) & own.keys()):
            if isinstance(own[name], (Typedef, EnumDef, StructDef)):
                alias = f"_{name}"
                while alias in own or alias in MODULE_NAMES:
                    alias += "_"
                scope._renamed[name] = alias
        return scope

    @property
    def renamed(self) -> Mapping[str, str]:
        """Definitions that go by another name here."""
        return self._renamed

    @property
    def needs_builtins(self) -> bool:
        """The IDL has taken a name like ``list`` for something of its own."""
        return bool(self._prefix)

    def name(self, path: str, name: str) -> str:
        """A definition of the file ``path``, as this module calls it."""
        own = definition_name(name)
        if path == self.path and own in self._renamed:
            return self._renamed[own]
        if path == self.path:
            return own
        self.used.add(path)
        return f"{self._aliases[path]}.{own}"

    def reference(self, name: str) -> str:
        """A name written in this module's IDL."""
        prefix, _, own = name.rpartition(".")
        path = self.program.includes[self.path][prefix] if prefix else self.path
        return self.name(path, own)

    def annotation(self, ref: TypeRef) -> str:
        """A type hint. Typedefs keep their names."""
        match ref:
            case BaseRef():
                return self._uuid() if ref.name == "uuid" else self._prefix + _PYTHON[ref.name]
            case NamedRef():
                return self.reference(ref.name)
            case ListRef():
                return f"{self._prefix}list[{self.annotation(ref.element)}]"
            case SetRef():
                kind = "set" if self.program.has_hash(self.path, ref.element) else "list"
                return f"{self._prefix}{kind}[{self.annotation(ref.element)}]"
            case MapRef():
                pair = f"[{self.annotation(ref.key)}, {self.annotation(ref.value)}]"
                if self.program.has_hash(self.path, ref.key):
                    return f"{self._prefix}dict{pair}"
                return f"{self._prefix}list[{self._prefix}tuple{pair}]"

    def _uuid(self) -> str:
        """The class ``uuid.UUID``: a module of that name may be one of the IDL's own."""
        return "_t.uuid.UUID"

    def descriptor(self, ref: TypeRef, path: str | None = None) -> str:
        """A type for the codec. ``path`` is the file it is written in, if not this module's."""
        where, kind = self.program.resolve(path or self.path, ref)
        match kind:
            case BaseRef():
                return f"_t.{kind.name.upper()}"
            case EnumDef():
                return f"_t.EnumType({self.name(where, kind.name)})"
            case StructDef():
                return f"_t.StructType({self.name(where, kind.name)})"
            case ListRef():
                return f"_t.ListType({self.descriptor(kind.element, where)})"
            case SetRef():
                return f"_t.SetType({self.descriptor(kind.element, where)})"
            case MapRef():
                key = self.descriptor(kind.key, where)
                return f"_t.MapType({key}, {self.descriptor(kind.value, where)})"

    def expression(self, value: Constant) -> str:
        """A value in Python."""
        match value:
            case EnumConstant():
                enum = self.name(value.path, value.enum.name)
                return f"{enum}.{member_name(value.member.name)}"
            case ListConstant():
                items = ", ".join(map(self.expression, value.items))
                empty = f"{self._prefix}set()" if value.is_set else "[]"
                opening, closing = "{}" if value.is_set else "[]"
                return f"{opening}{items}{closing}" if items else empty
            case MapConstant():
                pairs = [(self.expression(key), self.expression(item)) for key, item in value.items]
                entries = [f"{k}: {v}" if value.is_dict else f"({k}, {v})" for k, v in pairs]
                opening, closing = "{}" if value.is_dict else "[]"
                return f"{opening}{', '.join(entries)}{closing}"
            case StructConstant():
                exception = value.struct.kind == "exception"
                fields = (
                    f"{field_attr(name, exception=exception)}={self.expression(item)}"
                    for name, item in value.fields
                )
                return f"{self.name(value.path, value.struct.name)}({', '.join(fields)})"
        return self._plain(value)

    def _plain(self, value: bool | int | float | str | bytes | UUID) -> str:
        if isinstance(value, UUID):
            return f'{self._uuid()}("{value}")'
        if isinstance(value, float) and not math.isfinite(value):
            return f'{self._prefix}float("{value}")'
        return quote(value) if isinstance(value, str) else repr(value)


def method_names(document: Document) -> set[str]:
    """The Python names of the methods of a file's services."""
    return {
        method_name(function.name)
        for definition in document.definitions
        if isinstance(definition, ServiceDef)
        for function in definition.functions
    }


def names_in(ref: TypeRef) -> Iterator[str]:
    """The named types a type is written with."""
    match ref:
        case NamedRef():
            yield ref.name
        case ListRef() | SetRef():
            yield from names_in(ref.element)
        case MapRef():
            yield from names_in(ref.key)
            yield from names_in(ref.value)


def is_mutable(value: Constant) -> bool:
    """The value is mutable, so every struct needs one of its own."""
    return isinstance(value, _MUTABLE)
