"""Python source for a person to edit: names and their imports, values, layout."""

from dataclasses import dataclass, field

from pie.thrift import Program
from pie.thrift.generate.names import BUILTINS, definition_name, field_attr, member_name
from pie.thrift.generate.names import module_names as _module_names
from pie.thrift.generate.scope import ModuleScope
from pie.thrift.idl.ast import (
    BaseRef,
    EnumDef,
    FieldDef,
    ListRef,
    MapRef,
    SetRef,
    StructDef,
    TypeRef,
)
from pie.thrift.idl.program import Resolved

LINE_LENGTH = 88
_BASE_FIELD = 255
_MAX_PARTS = 100
"""Of one value: beyond it only required fields are written out."""

_EMPTY = {"bool": "False", "double": "0.0", "string": '""', "binary": 'b""'}


@dataclass
class Imports:
    """The names of ``pyrpc`` that the source uses.

    Args:
        program: whose modules they are.
        taken: names that mean something else where the source stands.
    """

    program: Program
    taken: set[str]
    names: dict[str, set[str]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    needs_builtins: bool = False
    _owner: dict[str, str] = field(default_factory=dict)
    _uuid: str = ""

    def use(self, path: str, name: str, suffix: str = "") -> str:
        """A definition of an IDL file: by its own name, or by its module's where that is taken."""
        own = definition_name(name) + suffix
        if own in self.taken or own in BUILTINS or self._owner.setdefault(own, path) != path:
            return f"{self._module(path)}.{own}"
        self.names.setdefault(self.module_of(path), set()).add(own)
        return own

    def module_of(self, path: str) -> str:
        """The module generated for an IDL file."""
        return ".".join(("pyrpc", *_module_names(self.program)[path]))

    def lines(self) -> list[str]:
        """The import statements."""
        found = []
        for module, names in self.names.items():
            found.append(_import_line(module, sorted(names)))
        for path, alias in self.modules.items():
            package, _, name = self.module_of(path).rpartition(".")
            found.append(
                f"from {package} import {name}" + (f" as {alias}" if alias != name else "")
            )
        found.sort(key=lambda line: line.split()[1])
        standard = ["import builtins"] if self.needs_builtins else []
        if self._uuid:
            standard.append("import uuid" + (f" as {self._uuid}" if self._uuid != "uuid" else ""))
        return [*standard, "", *found] if standard else found

    def uuid(self) -> str:
        """The class ``uuid.UUID``."""
        self._uuid = self._uuid or self._free("uuid")
        return f"{self._uuid}.UUID"

    def _module(self, path: str) -> str:
        if path not in self.modules:
            self.modules[path] = self._free(self.module_of(path).rpartition(".")[2])
        return self.modules[path]

    def _free(self, alias: str) -> str:
        """A unique name for a module, derived from this one."""
        while alias in self.taken or alias in self._owner:
            alias += "_"
        self._owner[alias] = ""
        return alias


class Scope(ModuleScope):
    """How source outside of ``pyrpc`` names the types of one IDL file."""

    def __init__(self, imports: Imports, path: str) -> None:
        super().__init__(imports.program, imports.program.documents[path], {})
        self._imports = imports
        self._prefix = "builtins." if imports.taken & BUILTINS else ""

    def name(self, path: str, name: str) -> str:
        return self._imports.use(path, name)

    def _uuid(self) -> str:
        return self._imports.uuid()

    def annotation(self, ref: TypeRef) -> str:
        if self._prefix and not isinstance(ref, StructDef):
            self._imports.needs_builtins = True
        return super().annotation(ref)


@dataclass(frozen=True)
class Construct:
    """``name(key=value, …)``"""

    name: str
    arguments: tuple[tuple[str, "Value"], ...]


Value = str | Construct


class Values:
    """Neutral values of IDL types: zeros, empty texts, the first enum member."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._program = imports.program
        self._parts = 0

    def of(self, path: str, ref: TypeRef) -> Value:
        """A value for a type written in the file ``path``."""
        self._parts = 0
        return self._of(self._program.resolve(path, ref), ()) or "None"

    def _of(self, resolved: Resolved, inside: tuple[StructDef, ...]) -> Value | None:
        self._parts += 1
        match resolved.type:
            case BaseRef() as base:
                return self._base(base.name)
            case ListRef() | SetRef() | MapRef() as kind:
                return self._empty(resolved.path, kind)
            case EnumDef() as enum:
                if not enum.members:
                    return None
                name = self._imports.use(resolved.path, enum.name)
                return f"{name}.{member_name(enum.members[0].name)}"
            case StructDef() as struct:
                return self._struct(resolved.path, struct, inside)

    def _base(self, name: str) -> str:
        return f"{self._imports.uuid()}(int=0)" if name == "uuid" else _EMPTY.get(name, "0")

    def _empty(self, path: str, kind: ListRef | SetRef | MapRef) -> Value:
        match kind:
            case MapRef() if self._program.has_hash(path, kind.key):
                return "{}"
            case SetRef() if self._program.has_hash(path, kind.element):
                hidden = bool(self._imports.taken & BUILTINS)
                self._imports.needs_builtins |= hidden
                return "builtins.set()" if hidden else "set()"
        return "[]"

    def _struct(self, path: str, struct: StructDef, inside: tuple[StructDef, ...]) -> Value | None:
        if struct in inside:
            return None  # A value that holds itself cannot be written.
        inside = (*inside, struct)
        exception = struct.kind == "exception"
        arguments: list[tuple[str, Value]] = []
        for each in struct.fields:
            if struct.kind != "union" and not self._is_needed(path, each):
                continue
            value = self._of(self._program.resolve(path, each.type), inside)
            if value is not None:
                arguments.append((field_attr(each.name, exception=exception), value))
                if struct.kind == "union":
                    break
        return Construct(self._imports.use(path, struct.name), tuple(arguments))

    def _is_needed(self, path: str, each: FieldDef) -> bool:
        """Not optional, without a default, and not a Base or BaseResp, which Pie fills."""
        if each.requiredness == "optional" or each.default is not None:
            return False
        if each.id == _BASE_FIELD:
            return not isinstance(self._program.resolve(path, each.type).type, StructDef)
        return each.requiredness == "required" or self._parts < _MAX_PARTS


def laid_out(head: str, value: Value, tail: str = "") -> list[str]:
    """``head`` + value + ``tail`` in one line, or one line per argument where that is too long."""
    indent = head[: len(head) - len(head.lstrip())]
    line = f"{head}{_flat(value)}{tail}"
    if len(line) <= LINE_LENGTH or isinstance(value, str) or not value.arguments:
        return [line]
    lines = [f"{head}{value.name}("]
    for name, argument in value.arguments:
        lines += laid_out(f"{indent}    {name + '=' if name else ''}", argument, ",")
    return [*lines, f"{indent}){tail}"]


def _flat(value: Value) -> str:
    if isinstance(value, str):
        return value
    arguments = (f"{name}={_flat(each)}" if name else _flat(each) for name, each in value.arguments)
    return f"{value.name}({', '.join(arguments)})"


def _import_line(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
