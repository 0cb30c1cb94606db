"""The handler of a service and an example of its client, derived from the IDL."""

import ast
from dataclasses import dataclass
from pathlib import Path

from pie.thrift import Program
from pie.thrift.generate.names import argument_name, docstring, method_name
from pie.thrift.idl.ast import FunctionDef, ServiceDef
from pie.tool.generate.idl import Idl
from pie.tool.generate.source import (
    LINE_LENGTH,
    Construct,
    Imports,
    Scope,
    Value,
    Values,
    laid_out,
)

HANDLER = "Handler"
_INDENT = " " * 4


@dataclass(frozen=True)
class Function:
    """A function of a service and the file in which its types are named."""

    path: str
    definition: FunctionDef


def functions_of(program: Program, path: str, service: ServiceDef) -> dict[str, Function]:
    """The functions of a service by name, with those of the services it extends."""
    found: dict[str, Function] = {}
    if service.extends is not None:
        parent = program.find(path, service.extends.name)
        if parent is not None and isinstance(parent.definition, ServiceDef):
            found |= functions_of(program, parent.path, parent.definition)
    return found | {each.name: Function(path, each) for each in service.functions}


class HandlerSource:
    """``handler.py``: every method of a service, returning an empty value of its type."""

    def __init__(self, idl: Idl, service: ServiceDef) -> None:
        program = idl.program
        self._functions = functions_of(program, program.root, service)
        taken = {HANDLER}
        for function in self._functions.values():
            taken.add(method_name(function.definition.name))
            taken |= {argument_name(each.name) for each in function.definition.arguments}
        self._imports = Imports(program, taken)
        self.methods = {
            method_name(name): self._method(function) for name, function in self._functions.items()
        }
        """Lines of each method, by its name in Python."""

    @property
    def imports(self) -> list[str]:
        """The import statements."""
        return self._imports.lines()

    def missing_from(self, path: Path) -> list[str]:
        """Methods that the handler in a file lacks; none if the file cannot be analysed."""
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return []
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        present = _names_of(HANDLER, classes)
        return [] if present is None else [name for name in self.methods if name not in present]

    def _method(self, function: Function) -> list[str]:
        definition = function.definition
        scope = Scope(self._imports, function.path)
        parameters = ["self"]
        for argument in definition.arguments:
            hint = scope.annotation(argument.type)
            if argument.requiredness == "optional":
                hint += " | None"
            parameters.append(f"{argument_name(argument.name)}: {hint}")
        returns = "None" if definition.returns is None else scope.annotation(definition.returns)
        head = f"{_INDENT}def {method_name(definition.name)}("
        lines = [f"{head}{', '.join(parameters)}) -> {returns}:"]
        if len(lines[0]) > LINE_LENGTH:
            lines = [head, *(f"{_INDENT * 2}{each}," for each in parameters)]
            lines.append(f"{_INDENT}) -> {returns}:")
        doc = docstring(definition.doc, _INDENT * 2)
        lines += doc
        if definition.returns is not None:
            value = Values(self._imports).of(function.path, definition.returns)
            lines += laid_out(f"{_INDENT * 2}return ", value)
        elif not doc:
            lines.append(f"{_INDENT * 2}pass")
        return lines


class ExampleSource:
    """``test.py``: one call of each service, with the answer printed."""

    def __init__(self, idl: Idl, services: tuple[ServiceDef, ...]) -> None:
        program = idl.program
        self._imports = Imports(program, {"bootstrap", "print", "client"})
        self.calls: list[dict[str, object]] = []
        for service in services:
            functions = list(functions_of(program, program.root, service).values())
            answering = [each for each in functions if each.definition.returns is not None]
            chosen = next(iter(answering or functions), None)
            name = "client" if len(services) == 1 else f"client_of_{service.name}"
            stub = self._imports.use(program.root, service.name, "Client")
            lines = [f"{name} = {stub}()"]
            if chosen is not None:
                lines += self._call(name, chosen)
            self.calls.append({"service": service.name, "client": stub, "lines": lines})

    @property
    def imports(self) -> list[str]:
        """The import statements."""
        return self._imports.lines()

    def _call(self, name: str, function: Function) -> list[str]:
        definition = function.definition
        values = Values(self._imports)
        wanted = list(definition.arguments)
        while wanted and (wanted[-1].requiredness == "optional" or wanted[-1].default is not None):
            wanted.pop()
        arguments: list[tuple[str, Value]] = []
        for argument in wanted:
            optional = argument.requiredness == "optional"
            value = "None" if optional else values.of(function.path, argument.type)
            arguments.append(("", value))
        call = Construct(f"{name}.{method_name(definition.name)}", tuple(arguments))
        if definition.returns is not None:
            return laid_out("", Construct("print", (("", call),)))
        return [*laid_out("", call), f'print("{definition.name}: done")']


def _names_of(name: str, classes: dict[str, ast.ClassDef]) -> set[str] | None:
    """Attributes of a class and its bases; None when one of them is not in this file."""
    node = classes.get(name)
    if node is None:
        return None
    found = set()
    for item in node.body:
        match item:
            case ast.FunctionDef(name=own) | ast.AsyncFunctionDef(name=own):
                found.add(own)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    for base in node.bases:
        others = classes.copy()
        others.pop(name)
        more = _names_of(base.id, others) if isinstance(base, ast.Name) else None
        if more is None:
            return None
        found |= more
    return found
