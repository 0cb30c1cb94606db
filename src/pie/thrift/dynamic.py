"""Structs and services straight from an IDL program, with no source text in between.

The classes are like generated ones to the codec: for tools that learn of a service at run time.
Nothing is evaluated, so the IDL need not be trusted; and nothing keeps a class that is no longer
used.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from pie.thrift.generate.names import (
    definition_name,
    field_attr,
    member_name,
    method_name,
)
from pie.thrift.idl.ast import (
    BaseRef,
    EnumDef,
    FieldDef,
    FunctionDef,
    ListRef,
    MapRef,
    ServiceDef,
    SetRef,
    StructDef,
    StructKind,
    TypeRef,
)
from pie.thrift.idl.program import Program
from pie.thrift.idl.values import (
    Constant,
    EnumConstant,
    ListConstant,
    MapConstant,
    StructConstant,
    evaluate,
)
from pie.thrift.service import Method, Service
from pie.thrift.structs import Struct, StructException, Union
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
    Requiredness,
    SetType,
    StructType,
    ThriftType,
)

_BASE_TYPES = {each.name: each for each in (BOOL, I8, I16, I32, I64, DOUBLE, STRING, BINARY, UUID)}
_BASES: dict[str, type[Struct]] = {
    "struct": Struct,
    "union": Union,
    "exception": StructException,
}
_Makers = Mapping[str, Callable[[], Any]]


def services(program: Program) -> dict[str, type[Service]]:
    """The services of a checked program's root file, by name."""
    build = _Build(program)
    found = {
        definition.name: build.service(program.root, definition)
        for definition in program.documents[program.root].definitions
        if isinstance(definition, ServiceDef)
    }
    build.finish()
    return found


class _Build:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._structs: dict[tuple[str, str], type[Struct]] = {}
        self._enums: dict[tuple[str, str], type[IntEnum]] = {}
        self._waiting: list[tuple[type[Struct], str, StructDef]] = []

    def service(self, path: str, definition: ServiceDef) -> type[Service]:
        methods: dict[str, Method] = {}
        for where, each in reversed(self._line(path, definition)):
            for function in each.functions:
                methods[function.name] = self._method(where, each, function)
        texts = {each: document.text for each, document in self._program.documents.items()}
        return type(
            definition_name(definition.name),
            (Service,),
            {
                "__doc__": definition.doc,
                "name": definition.name,
                "doc": definition.doc,
                "idl_path": path,
                "idl_files": texts,
                "idl": texts[path],
                "methods": methods,
            },
        )

    def _line(self, path: str, service: ServiceDef) -> list[tuple[str, ServiceDef]]:
        """The service and those it extends."""
        line = [(path, service)]
        while line[-1][1].extends is not None:
            path, last = line[-1]
            assert last.extends is not None
            found = self._program.find(path, last.extends.name)
            assert found is not None and isinstance(found.definition, ServiceDef), "checked before"
            line.append((found.path, found.definition))
        return line

    def finish(self) -> None:
        """Give every struct its fields. Not at once: they may nest deeper than Python recurses."""
        while self._waiting:
            made, path, definition = self._waiting.pop()
            self._fill(made, path, definition.fields, definition.kind)

    def _method(self, path: str, service: ServiceDef, function: FunctionDef) -> Method:
        name = f"{definition_name(service.name)}_{function.name}"
        args: type[Struct] = type(f"{name}_args", (Struct,), {})
        self._fill(args, path, function.arguments, "struct")
        result: type[Struct] | None = None
        if not function.oneway:
            result = type(f"{name}_result", (Struct,), {})
            fields = [self._field(path, each, "exception", "optional") for each in function.throws]
            if function.returns is not None:
                returns = self._type(path, function.returns)
                fields.insert(0, Field(0, "success", returns, "optional"))
            _finish(result, tuple(fields), {})
        return Method(
            function.name,
            service.name,
            args,
            result,
            attr=method_name(function.name),
            doc=function.doc,
            failure_codes=service.failure_codes(function),
        )

    def _struct(self, path: str, definition: StructDef) -> type[Struct]:
        key = path, definition.name
        if key not in self._structs:
            name, base = definition_name(definition.name), _BASES[definition.kind]
            made: type[Struct] = type(name, (base,), {"__doc__": definition.doc or None})
            self._structs[key] = made
            self._waiting.append((made, path, definition))
        return self._structs[key]

    def _fill(
        self, made: type[Struct], path: str, fields: tuple[FieldDef, ...], kind: StructKind
    ) -> None:
        found = tuple(self._field(path, each, kind, each.requiredness) for each in fields)
        makers: dict[str, Callable[[], Any]] = {}
        for field, definition in zip(found, fields, strict=True):
            if definition.default is None:
                continue
            value = evaluate(self._program, path, definition.type, definition.default)
            if isinstance(value, (ListConstant, MapConstant, StructConstant)):
                makers[field.attr] = self._maker(value)
            else:
                field.default = self._value(value)
        _finish(made, found, makers)

    def _maker(self, value: Constant) -> Callable[[], Any]:
        return lambda: self._value(value)

    def _field(
        self, path: str, definition: FieldDef, kind: StructKind, requiredness: Requiredness
    ) -> Field:
        return Field(
            definition.id,
            definition.name,
            self._type(path, definition.type),
            "optional" if kind == "union" else requiredness,
            attr=_attr(definition.name, kind),
        )

    def _type(self, path: str, ref: TypeRef) -> ThriftType:
        where, kind = self._program.resolve(path, ref)
        match kind:
            case BaseRef():
                return _BASE_TYPES[kind.name]
            case EnumDef():
                return EnumType(self._enum(where, kind))
            case StructDef():
                return StructType(self._struct(where, kind))
            case ListRef():
                return ListType(self._type(where, kind.element))
            case SetRef():
                return SetType(self._type(where, kind.element))
            case MapRef():
                return MapType(self._type(where, kind.key), self._type(where, kind.value))

    def _enum(self, path: str, definition: EnumDef) -> type[IntEnum]:
        key = path, definition.name
        if key not in self._enums:
            members = [(member_name(each.name), each.value) for each in definition.members]
            make: Any = IntEnum  # Its functional form, which checkers read with literals only.
            self._enums[key] = make(definition_name(definition.name), members)
        return self._enums[key]

    def _value(self, value: Constant) -> Any:
        """A constant as the value that a field holds."""
        match value:
            case EnumConstant():
                return self._enum(value.path, value.enum)(value.member.value)
            case ListConstant():
                items = [self._value(each) for each in value.items]
                return set(items) if value.is_set else items
            case MapConstant():
                pairs = [(self._value(key), self._value(item)) for key, item in value.items]
                return dict(pairs) if value.is_dict else pairs
            case StructConstant():
                kind = value.struct.kind
                given = {_attr(name, kind): self._value(item) for name, item in value.fields}
                return self._struct(value.path, value.struct)(**given)
        return value


def _attr(name: str, kind: StructKind) -> str:
    return field_attr(name, exception=kind == "exception")


def _finish(made: type[Struct], fields: tuple[Field, ...], makers: _Makers) -> None:
    """Give a class its fields and the constructor that sets them."""
    attrs = tuple(field.attr for field in fields)
    defaults = {field.attr: field.default for field in fields}
    name = made.__name__

    def __init__(self: Struct, *args: Any, **given: Any) -> None:  # noqa: N807
        if len(args) > len(attrs):
            raise TypeError(f"{name} has {len(attrs)} fields, {len(args)} were given")
        for attr, value in zip(attrs, args, strict=False):
            if attr in given:
                raise TypeError(f"{name} was given {attr} twice")
            given[attr] = value
        for attr in attrs:
            value = given.pop(attr, defaults[attr])
            if value is None and attr in makers:
                value = makers[attr]()
            setattr(self, attr, value)
        if given:
            raise TypeError(f"{name} has no field {', '.join(given)}")

    made.__fields__ = fields
    made.__init__ = __init__  # type: ignore[method-assign]
