"""Defaults by which a struct would contain itself."""

from collections.abc import Iterator

from pie.thrift.errors import IdlError
from pie.thrift.idl.ast import StructDef
from pie.thrift.idl.parser import MAX_NESTING
from pie.thrift.idl.program import Program
from pie.thrift.idl.values import Constant, ListConstant, MapConstant, StructConstant, evaluate


class DefaultsCheck:
    """Follows what the constructors of structs make: their defaults, and the defaults of those."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._done: set[tuple[str, str, frozenset[str]]] = set()

    def check(self, path: str, struct: StructDef) -> None:
        """Check a struct that is made without arguments.

        Raises:
            IdlError: it would contain itself, or hold more structs in each other than are allowed.
        """
        self._follow(path, struct, frozenset(), [])

    def _follow(
        self, path: str, struct: StructDef, given: frozenset[str], outer: list[str]
    ) -> None:
        key = (path, struct.name, given)
        if key in self._done:
            return
        if len(outer) >= MAX_NESTING:
            raise IdlError(
                struct.position,
                f"the defaults of {outer[0]} make structs in structs without end: "
                f"{' in '.join(reversed(outer[:3]))}, and so on",
                "leave one of the defaults out",
            )
        for field in struct.fields:
            if field.default is None or field.name in given:
                continue
            value = evaluate(self._program, path, field.type, field.default)
            for inner in _structs_in(value):
                names = frozenset(name for name, _ in inner.fields)
                self._follow(inner.path, inner.struct, names, [*outer, struct.name])
        self._done.add(key)


def _structs_in(value: Constant) -> Iterator[StructConstant]:
    match value:
        case StructConstant():
            yield value
            for _, item in value.fields:
                yield from _structs_in(item)
        case ListConstant():
            for item in value.items:
                yield from _structs_in(item)
        case MapConstant():
            for pair in value.items:
                for item in pair:
                    yield from _structs_in(item)
