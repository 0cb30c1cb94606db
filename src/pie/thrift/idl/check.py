"""Checks of a well-formed IDL file: names, types, numbers, values."""

from collections.abc import Iterable
from typing import Protocol

from pie.model import read_method_codes
from pie.thrift.errors import IdlError, Position
from pie.thrift.idl.ast import (
    BASE_TYPES,
    FAILURE_CODES,
    Const,
    Document,
    EnumDef,
    FieldDef,
    FunctionDef,
    ListRef,
    MapRef,
    ServiceDef,
    SetRef,
    StructDef,
    Typedef,
    TypeRef,
)
from pie.thrift.idl.defaults import DefaultsCheck
from pie.thrift.idl.parser import MAX_NESTING, STREAMING_HINT
from pie.thrift.idl.program import Found, Loader, Program, load_program
from pie.thrift.idl.values import evaluate
from pie.thrift.types import INT_BITS, MAX_FIELD_ID, MIN_FIELD_ID

MAX_TYPE_PARTS = 1000
"""Of one type, with its typedefs written out: typedefs of maps of typedefs grow fast."""

_RESERVED_TYPES = BASE_TYPES | {"void", "list", "set", "map"}
_RESERVED_VALUES = frozenset({"true", "false"})
_SUCCESS_ID = 0
"""Of the value in an answer."""


def load_idl(path: str, load: Loader) -> Program:
    """Parse and check an IDL file and everything it includes.

    Args:
        path: of the file, as ``load`` knows it; ``/`` between its parts.
        load: gives the text of the file at a path, and raises OSError or LookupError when there
            is none.

    Raises:
        IdlError: a file is not valid IDL: where, what, and what to write instead.
    """
    program = load_program(path, load)
    for document in program.documents.values():
        _Check(program, document).run()
    defaults = DefaultsCheck(program)
    for document in program.documents.values():
        for definition in document.definitions:
            if isinstance(definition, StructDef):
                defaults.check(document.path, definition)
    return program


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def position(self) -> Position: ...


class _Check:
    def __init__(self, program: Program, document: Document) -> None:
        self._program = program
        self._path = document.path
        self._document = document
        self._type_parts = 0

    def run(self) -> None:
        definitions = self._document.definitions
        _unique(definitions, "name")
        for definition in definitions:
            is_value = isinstance(definition, Const)
            if definition.name in (_RESERVED_VALUES if is_value else _RESERVED_TYPES):
                raise IdlError(definition.position, f"{definition.name} is a word of the language")
            match definition:
                case Typedef():
                    self._type(definition.type)
                case Const():
                    self._type(definition.type)
                    evaluate(self._program, self._path, definition.type, definition.value)
                case EnumDef():
                    _check_enum(definition)
                case StructDef():
                    self._fields(definition.fields, definition)
                case ServiceDef():
                    self._service(definition)

    def _type(self, ref: TypeRef) -> None:
        self._type_parts = 0
        self._nested_type(self._path, ref, 0)

    def _nested_type(self, path: str, ref: TypeRef, depth: int) -> None:
        if depth > MAX_NESTING:
            raise IdlError(ref.position, f"the type is nested deeper than {MAX_NESTING} levels")
        self._type_parts += 1
        if self._type_parts > MAX_TYPE_PARTS:
            raise IdlError(
                ref.position,
                f"the type has more than {MAX_TYPE_PARTS} parts",
                "make some of them a struct",
            )
        path, kind = self._program.resolve(path, ref)
        match kind:
            case ListRef() | SetRef():
                self._nested_type(path, kind.element, depth + 1)
            case MapRef():
                self._nested_type(path, kind.key, depth + 1)
                self._nested_type(path, kind.value, depth + 1)

    def _fields(self, fields: tuple[FieldDef, ...], owner: StructDef | None = None) -> None:
        _unique(fields, "field")
        ids: dict[int, FieldDef] = {}
        for field in fields:
            if not MIN_FIELD_ID <= field.id <= MAX_FIELD_ID:
                raise IdlError(
                    field.position,
                    f"the id {field.id} of the field {field.name} does not fit 16 bits",
                    f"take one of 1..{MAX_FIELD_ID}",
                )
            other = ids.setdefault(field.id, field)
            if other is not field:
                raise IdlError(
                    field.position,
                    f"the id {field.id} of the field {field.name} is taken by {other.name}",
                    f"the next free id is {_free_id(fields)}",
                )
            self._type(field.type)
            if field.default is not None:
                evaluate(self._program, self._path, field.type, field.default)
            if owner is not None and owner.kind == "union":
                _check_union_field(field)

    def _service(self, service: ServiceDef) -> None:
        _unique(service.functions, "function")
        for parent in self._parents(service):
            inherited = {function.name: function for function in parent.functions}
            for function in service.functions:
                if function.name in inherited:
                    raise IdlError(
                        function.position,
                        f"{parent.name} has a function {function.name} already",
                        "give it another name: calls name only the function",
                    )
        _check_codes(service)
        for function in service.functions:
            _check_codes(function)
            self._function(function)

    def _parents(self, service: ServiceDef) -> list[ServiceDef]:
        parents: list[ServiceDef] = []
        path = self._path
        while service.extends is not None:
            ref = service.extends
            found: Found | None = self._program.find(path, ref.name)
            if found is None or not isinstance(found.definition, ServiceDef):
                hint = self._program.hint(path, ref.name, (ServiceDef,))
                raise IdlError(ref.position, f"unknown service {ref.name}", hint)
            path, service = found.path, found.definition
            if any(service is parent for parent in parents):
                raise IdlError(ref.position, f"the service {service.name} extends itself")
            parents.append(service)
        return parents

    def _function(self, function: FunctionDef) -> None:
        mode = function.annotations.get("streaming.mode", "unary")
        if mode != "unary":
            raise IdlError(
                function.position,
                f"the function {function.name} streams ({mode}), and Pie has no streaming",
                STREAMING_HINT,
            )
        if function.returns is not None:
            self._type(function.returns)
        if function.oneway and (function.returns is not None or function.throws):
            raise IdlError(
                function.position,
                f"the oneway function {function.name} has an answer",
                "make it void without throws, or not oneway",
            )
        self._fields(function.arguments)
        self._fields(function.throws)
        for thrown in function.throws:
            if thrown.id == _SUCCESS_ID:
                raise IdlError(
                    thrown.position,
                    f"the id {_SUCCESS_ID} of the exception {thrown.name} is that of the answer",
                    f"the next free id is {_free_id(function.throws)}",
                )
            kind = self._program.resolve(self._path, thrown.type).type
            if not isinstance(kind, StructDef) or kind.kind != "exception":
                raise IdlError(
                    thrown.type.position,
                    f"{thrown.name} in throws is not an exception",
                    "declare its type with exception",
                )


def _check_codes(declared: ServiceDef | FunctionDef) -> None:
    text = declared.annotations.get(FAILURE_CODES)
    if text is None:
        return
    try:
        read_method_codes(text)
    except ValueError as error:
        raise IdlError(
            declared.position,
            f"{FAILURE_CODES} of {declared.name}: {error}",
            f'({FAILURE_CODES} = "5001, 6000..6999")',
        ) from None


def _unique(named: Iterable[_Named], what: str) -> None:
    first: dict[str, _Named] = {}
    for item in named:
        other = first.setdefault(item.name, item)
        if other is not item:
            raise IdlError(
                item.position,
                f"the {what} {item.name} is there twice",
                f"the first is in line {other.position.line}",
            )


def _check_enum(enum: EnumDef) -> None:
    _unique(enum.members, "member")
    limit = 1 << (INT_BITS["i32"] - 1)
    for member in enum.members:
        if not -limit <= member.value < limit:
            raise IdlError(member.position, f"{member.value} is out of the range of i32")


def _check_union_field(field: FieldDef) -> None:
    if field.default is not None:
        raise IdlError(
            field.position,
            f"the field {field.name} of a union has a default",
            "exactly one field of a union is set: leave it out",
        )


def _free_id(fields: tuple[FieldDef, ...]) -> int:
    taken = {field.id for field in fields}
    return next(number for number in range(1, MAX_FIELD_ID + 2) if number not in taken)
