"""Source text of services: argument and result structs, descriptor, client, handler."""

from dataclasses import replace

from pie.thrift.generate.names import argument_name, definition_name, docstring, method_name, quote
from pie.thrift.generate.scope import ModuleScope, is_mutable
from pie.thrift.generate.structs import StructSource
from pie.thrift.idl.ast import FieldDef, FunctionDef, ServiceDef, StructDef
from pie.thrift.idl.values import evaluate

_INDENT = " " * 4
_LINE_LENGTH = 100


class ServiceSource:
    """Source text of one service."""

    def __init__(self, scope: ModuleScope, inside: ModuleScope, service: ServiceDef) -> None:
        self._scope = scope
        self._inside = inside
        self._service = service
        self._name = definition_name(service.name)

    def structs(self) -> list[StructSource]:
        """The structs that carry arguments and answers."""
        found = []
        for function in self._service.functions:
            found.append(self._struct(function, "args", function.arguments))
            if not function.oneway:
                found.append(self._struct(function, "result", _result_fields(function)))
        return found

    def descriptor_lines(self) -> list[str]:
        """The class that describes the service."""
        service = self._service
        lines = [f"class {self._name}({self._parent('', '_t.Service')}):"]
        doc = docstring(service.doc, _INDENT)
        lines += [*doc, ""] if doc else []
        lines += [
            f"{_INDENT}name = {quote(service.name)}",
            f"{_INDENT}doc = {quote(service.doc)}",
            f"{_INDENT}idl_path = {quote(self._scope.path)}",
            f"{_INDENT}idl_files = _idl_files",
            f"{_INDENT}idl = _idl",
            f"{_INDENT}methods = {{",
        ]
        if service.extends is not None:
            lines.append(f"{_INDENT * 2}**{self._scope.reference(service.extends.name)}.methods,")
        for function in service.functions:
            lines += self._method_lines(function)
        return [*lines, f"{_INDENT}}}"]

    def client_lines(self) -> list[str]:
        """The class of typed calls."""
        return self._client(asynchronous=False)

    def async_client_lines(self) -> list[str]:
        """The class of typed calls that are awaited."""
        return self._client(asynchronous=True)

    def _client(self, *, asynchronous: bool) -> list[str]:
        prefix, wait = ("Async", "await ") if asynchronous else ("", "")
        lines = [
            f"class {prefix}{self._name}Client({self._parent_client(prefix)}):",
            f'{_INDENT}"""Calls of {self._service.name}{", awaited" if asynchronous else ""}."""',
            "",
            f"{_INDENT}__slots__ = ()",
            f"{_INDENT}__service__ = {self._name}",
        ]
        for function in self._service.functions:
            names = [argument_name(argument.name) for argument in function.arguments]
            call = f"{wait}self._call({', '.join([quote(function.name), *names])})"
            head = "async def" if asynchronous else "def"
            lines += ["", *self._signature(function, handler=False, head=head)]
            lines += docstring(function.doc, _INDENT * 2)
            if function.returns is None:
                lines.append(f"{_INDENT * 2}{call}")
            else:
                lines.append(f"{_INDENT * 2}return {call}  # type: ignore[no-any-return]")
        return lines

    def handler_lines(self) -> list[str]:
        """The interface of a handler."""
        parent = self._parent("Handler", "")
        bases = f"{parent}, _t.Protocol" if parent else "_t.Protocol"
        lines = [
            f"class {self._name}Handler({bases}):",
            f'{_INDENT}"""What serves {self._service.name}."""',
        ]
        for function in self._service.functions:
            lines += ["", *self._signature(function, handler=True)]
            doc = docstring(function.doc, _INDENT * 2)
            if doc:
                lines += [*doc, f"{_INDENT * 2}..."]
            else:
                lines[-1] += " ..."
        return lines

    def _parent(self, suffix: str, otherwise: str) -> str:
        extends = self._service.extends
        return self._scope.reference(extends.name) + suffix if extends else otherwise

    def _parent_client(self, prefix: str) -> str:
        extends = self._service.extends
        if extends is None:
            return f"_rpc.{prefix}ServiceClient"
        module, dot, name = self._scope.reference(extends.name).rpartition(".")
        return f"{module}{dot}{prefix}{name}Client"

    def _struct_name(self, function: FunctionDef, part: str) -> str:
        return f"{self._name}_{function.name}_{part}"

    def _struct(
        self, function: FunctionDef, part: str, fields: tuple[FieldDef, ...]
    ) -> StructSource:
        name = self._struct_name(function, part)
        struct = StructDef("struct", name, fields, "", {}, function.position)
        return StructSource(self._scope, struct)

    def _method_lines(self, function: FunctionDef) -> list[str]:
        result = "None" if function.oneway else self._struct_name(function, "result")
        parts = [
            quote(function.name),
            quote(self._service.name),
            self._struct_name(function, "args"),
            result,
        ]
        attr = method_name(function.name)
        if attr != function.name:
            parts.append(f"attr={quote(attr)}")
        if function.doc:
            parts.append(f"doc={quote(function.doc)}")
        codes = self._service.failure_codes(function)
        if codes:
            parts.append(f"failure_codes={quote(codes)}")
        return [
            f"{_INDENT * 2}{quote(function.name)}: _t.Method(",
            *(f"{_INDENT * 3}{part}," for part in parts),
            f"{_INDENT * 2}),",
        ]

    def _signature(self, function: FunctionDef, *, handler: bool, head: str = "def") -> list[str]:
        """The ``def`` line. A handler may call its arguments as it likes."""
        parts = ["self", *self._parameters(function.arguments, handler=handler)]
        if handler and len(parts) > 1:
            parts.append("/")
        returns = "None" if function.returns is None else self._inside.annotation(function.returns)
        head, tail = f"{_INDENT}{head} {method_name(function.name)}(", f") -> {returns}:"
        line = f"{head}{', '.join(parts)}{tail}"
        if len(line) <= _LINE_LENGTH:
            return [line]
        return [head, *(f"{_INDENT * 2}{part}," for part in parts), f"{_INDENT}{tail}"]

    def _parameters(self, arguments: tuple[FieldDef, ...], *, handler: bool) -> list[str]:
        """Callers may leave out arguments at the end that are optional or have a default."""
        parameters: list[str] = []
        can_omit = not handler
        for argument in reversed(arguments):
            name, hint = argument_name(argument.name), self._inside.annotation(argument.type)
            default = self._default(argument)
            optional = argument.requiredness == "optional"
            can_omit = can_omit and (optional or argument.default is not None)
            if optional or (can_omit and default == "None"):
                hint += " | None"
            parameters.append(f"{name}: {hint} = {default}" if can_omit else f"{name}: {hint}")
        return parameters[::-1]

    def _default(self, argument: FieldDef) -> str:
        """The default in a signature; None where the struct makes the default itself."""
        if argument.default is None:
            return "None"
        scope = self._inside
        value = evaluate(scope.program, scope.path, argument.type, argument.default)
        return "None" if is_mutable(value) else scope.expression(value)


def _result_fields(function: FunctionDef) -> tuple[FieldDef, ...]:
    fields = [replace(thrown, requiredness="optional") for thrown in function.throws]
    if function.returns is not None:
        success = FieldDef(
            0, "success", function.returns, "optional", None, "", {}, function.position
        )
        fields.insert(0, success)
    return tuple(fields)
