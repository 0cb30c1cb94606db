"""Source text of enums, structs, unions and exceptions."""

from dataclasses import dataclass

from pie.thrift.errors import IdlError
from pie.thrift.generate.names import definition_name, docstring, field_attr, member_name, quote
from pie.thrift.generate.scope import ModuleScope, is_mutable
from pie.thrift.idl.ast import EnumDef, FieldDef, StructDef
from pie.thrift.idl.values import Constant, evaluate

_BASES = {"struct": "_t.Struct", "union": "_t.Union", "exception": "_t.StructException"}
_INDENT = " " * 4


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with all that is written of it more than once."""

    definition: FieldDef
    attr: str
    annotation: str
    optional: bool
    default: Constant | None
    default_text: str

    @property
    def made_fresh(self) -> bool:
        return self.default is not None and is_mutable(self.default)

    @property
    def parameter(self) -> str:
        if self.made_fresh:
            return f"{self.attr}: {self.annotation} | None = None"
        if self.optional:
            return f"{self.attr}: {self.annotation} | None = {self.default_text or 'None'}"
        return f"{self.attr}: {self.annotation} = {self.default_text or '_t.UNSET'}"


def enum_source(enum: EnumDef) -> list[str]:
    """The class of an enum."""
    lines = [f"class {definition_name(enum.name)}(_t.IntEnum):"]
    doc = docstring(enum.doc, _INDENT)
    lines += [*doc, ""] if doc else []
    for member in enum.members:
        lines.append(f"{_INDENT}{member_name(member.name)} = {member.value}")
        lines += docstring(member.doc, _INDENT)
    return lines if enum.members else [*lines, f"{_INDENT}pass"]


class StructSource:
    """Source text of one struct: its class, functions that make its defaults, its fields."""

    def __init__(self, scope: ModuleScope, struct: StructDef) -> None:
        self._scope = scope
        self._struct = struct
        self._name = definition_name(struct.name)
        self._fields = [self._field(definition) for definition in struct.fields]
        attrs: dict[str, FieldDef] = {}
        for field in self._fields:
            other = attrs.setdefault(field.attr, field.definition)
            if other is not field.definition:
                raise IdlError(
                    field.definition.position,
                    f"{other.name} and {field.definition.name} are both {field.attr} in Python",
                    "rename one of them",
                )

    def class_lines(self) -> list[str]:
        """The class statement."""
        struct = self._struct
        lines = [f"class {self._name}({_BASES[struct.kind]}):"]
        doc = docstring(struct.doc, _INDENT)
        lines += [*doc, ""] if doc else []
        attrs = [quote(field.attr) for field in self._fields]
        lines += _call(f"{_INDENT}__slots__ = ", attrs, tuple_of=True)
        lines.append("")
        if not self._fields:
            return [*lines, f"{_INDENT}def __init__(self) -> None:", f"{_INDENT * 2}pass"]
        lines.append(f"{_INDENT}def __init__(")
        lines.append(f"{_INDENT * 2}self,")
        lines += [f"{_INDENT * 2}{field.parameter}," for field in self._fields]
        lines.append(f"{_INDENT}) -> None:")
        for field in self._fields:
            lines.append(f"{_INDENT * 2}self.{field.attr} = {self._initial(field)}")
            lines += docstring(field.definition.doc, _INDENT * 2)
        return lines

    def default_functions(self) -> list[list[str]]:
        """The code that makes mutable defaults."""
        return [
            [
                f"def {self._maker(field)}() -> {field.annotation}:",
                f"{_INDENT}return {field.default_text}",
            ]
            for field in self._fields
            if field.made_fresh
        ]

    def descriptor_lines(self) -> list[str]:
        """The assignment of the class's fields, for the codec."""
        if not self._fields:
            return []
        head = f"{self._name}.__fields__ = "
        if len(self._fields) == 1:
            return _call(head, ["".join(self._descriptor(self._fields[0], ""))], tuple_of=True)
        lines = [f"{head}("]
        for field in self._fields:
            lines += self._descriptor(field, _INDENT, ",")
        return [*lines, ")"]

    def _descriptor(self, field: _Field, indent: str, end: str = "") -> list[str]:
        definition = field.definition
        parts = [
            str(definition.id),
            quote(definition.name),
            self._scope.descriptor(definition.type),
        ]
        requiredness = "optional" if field.optional else definition.requiredness
        if requiredness != "default":
            parts.append(quote(requiredness))
        if field.default_text and not field.made_fresh:
            parts.append(f"default={field.default_text}")
        if field.attr != definition.name:
            parts.append(f"attr={quote(field.attr)}")
        return _call(f"{indent}_t.Field", parts, end=end)

    def _field(self, definition: FieldDef) -> _Field:
        scope = self._scope
        default = None
        if definition.default is not None:
            default = evaluate(scope.program, scope.path, definition.type, definition.default)
        return _Field(
            definition,
            field_attr(definition.name, exception=self._struct.kind == "exception"),
            scope.annotation(definition.type),
            definition.requiredness == "optional" or self._struct.kind == "union",
            default,
            "" if default is None else scope.expression(default),
        )

    def _maker(self, field: _Field) -> str:
        return f"_{self._name}_{field.attr}"

    def _initial(self, field: _Field) -> str:
        if not field.made_fresh:
            return field.attr
        return f"{self._maker(field)}() if {field.attr} is None else {field.attr}"


def _call(head: str, parts: list[str], *, end: str = "", tuple_of: bool = False) -> list[str]:
    """``head(parts)`` in one line, or one line per part where that is too long."""
    comma = "," if tuple_of and len(parts) == 1 else ""
    line = f"{head}({', '.join(parts)}{comma}){end}"
    if len(line) <= 100:
        return [line]
    inner = " " * (len(head) - len(head.lstrip()) + 4)
    return [f"{head}(", *(f"{inner}{part}," for part in parts), f"{inner[4:]}){end}"]
