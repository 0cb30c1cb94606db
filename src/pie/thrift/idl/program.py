"""An IDL file with everything it includes, and the definitions of its names."""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple, TypeAlias

from pie.thrift.errors import IdlError, Position, shown
from pie.thrift.idl.ast import (
    BaseRef,
    Definition,
    Document,
    EnumDef,
    Include,
    ListRef,
    MapRef,
    NamedRef,
    SetRef,
    StructDef,
    Typedef,
    TypeRef,
)
from pie.thrift.idl.parser import MAX_NESTING, parse_idl

Loader: TypeAlias = Callable[[str], str]
"""Text of the IDL file at a path; raises OSError or LookupError when there is none."""

MAX_INCLUDE_DEPTH = 32
ResolvedType: TypeAlias = BaseRef | ListRef | SetRef | MapRef | EnumDef | StructDef


class Found(NamedTuple):
    """A definition and the file it stands in."""

    path: str
    definition: Definition


class Resolved(NamedTuple):
    """A type behind its typedefs, and the file in which its own parts are named."""

    path: str
    type: ResolvedType


@dataclass(frozen=True)
class Program:
    """Parsed files by path, included ones before those that include them.

    ``includes`` maps a file's path and a prefix used in it to the path the prefix stands for.
    """

    root: str
    documents: Mapping[str, Document]
    includes: Mapping[str, Mapping[str, str]]

    def find(self, path: str, name: str) -> Found | None:
        """The definition that a name in a file refers to; None if there is none."""
        prefix, _, own = name.rpartition(".")
        target = self.includes[path].get(prefix) if prefix else path
        if target is None:
            return None
        definition = self._by_name[target].get(own)
        return Found(target, definition) if definition is not None else None

    @cached_property
    def _by_name(self) -> dict[str, dict[str, Definition]]:
        return {
            path: {definition.name: definition for definition in document.definitions}
            for path, document in self.documents.items()
        }

    def resolve(self, path: str, ref: TypeRef) -> Resolved:
        """The type that a reference in a file stands for, typedefs followed.

        Raises:
            IdlError: there is no such type, or its typedefs go in a circle.
        """
        for _ in range(MAX_NESTING):
            if not isinstance(ref, NamedRef):
                return Resolved(path, ref)
            found = self.find(path, ref.name)
            if found is None or not isinstance(found.definition, (Typedef, EnumDef, StructDef)):
                raise self._unknown_type(path, ref, found)
            if not isinstance(found.definition, Typedef):
                return Resolved(found.path, found.definition)
            path, ref = found.path, found.definition.type
        raise IdlError(
            ref.position,
            f"typedefs go in a circle, or through more than {MAX_NESTING} names",
            "name a type that is not a typedef",
        )

    def has_hash(self, path: str, ref: TypeRef) -> bool:
        """Whether Python sets and dicts can hold values of a type written in a file."""
        return isinstance(self.resolve(path, ref).type, (BaseRef, EnumDef))

    def names(self, path: str) -> Iterator[tuple[str, Definition]]:
        """Every name that can be written in a file."""
        for definition in self.documents[path].definitions:
            yield definition.name, definition
        for prefix, target in self.includes[path].items():
            for definition in self.documents[target].definitions:
                yield f"{prefix}.{definition.name}", definition

    def hint(self, path: str, name: str, kinds: tuple[type, ...]) -> str:
        """The known names most like an unknown one."""
        names = [known for known, d in self.names(path) if isinstance(d, kinds)]
        close = get_close_matches(name, names, n=1)
        if close:
            return f"did you mean {close[0]}?"
        prefix = name.rpartition(".")[0]
        if prefix and prefix not in self.includes[path]:
            return f'no file is included as {prefix}: add include "{prefix}.thrift"'
        return "define it in this file, or include the file that does"

    def _unknown_type(self, path: str, ref: NamedRef, found: Found | None) -> IdlError:
        if found is not None:
            kind = type(found.definition).__name__.removesuffix("Def").lower()
            return IdlError(ref.position, f"{ref.name} is a {kind}, not a type")
        hint = self.hint(path, ref.name, (Typedef, EnumDef, StructDef))
        return IdlError(ref.position, f"unknown type {ref.name}", hint)


def load_program(path: str, load: Loader) -> Program:
    """Parse a file and everything it includes. Its meaning is not checked yet.

    An included path is looked for beside the file that includes it, then as it stands.

    Raises:
        IdlError: a file is not IDL, is not there, or includes itself in the end.
    """
    path = posixpath.normpath(path)
    loading = _Loading(load)
    text = loading.text(path)
    if text is None:
        raise IdlError(Position(path, 1, 1), "no such IDL file", "check the path")
    loading.add(path, text, [])
    return Program(path, loading.documents, loading.includes)


class _Loading:
    def __init__(self, load: Loader) -> None:
        self._load = load
        self.documents: dict[str, Document] = {}
        self.includes: dict[str, dict[str, str]] = {}

    def text(self, path: str) -> str | None:
        try:
            return self._load(path)
        except (OSError, LookupError):
            return None
        except UnicodeDecodeError as error:
            raise IdlError(
                Position(path, 1, 1), f"not UTF-8 text: byte {error.start}", "save it as UTF-8"
            ) from None

    def add(self, path: str, text: str, opened: list[str]) -> None:
        """Add a file after those it includes. ``opened`` are the files that led to it."""
        document = parse_idl(text, path)
        opened = [*opened, path]
        prefixes: dict[str, str] = {}
        for include in document.includes:
            target, included = self._locate(path, include)
            if target in opened:
                circle = " -> ".join([*opened[opened.index(target) :], target])
                raise IdlError(
                    include.position,
                    f"files include each other: {circle}",
                    "move what both need into a third file",
                )
            if prefixes.setdefault(include.prefix, target) != target:
                raise IdlError(
                    include.position,
                    f"two included files are called {include.prefix}",
                    "rename one of them: names of included files are written prefix.Name",
                )
            if len(opened) > MAX_INCLUDE_DEPTH:
                raise IdlError(
                    include.position, f"includes go deeper than {MAX_INCLUDE_DEPTH} files"
                )
            if target not in self.documents:
                self.add(target, included, opened)
        self.documents[path] = document
        self.includes[path] = prefixes

    def _locate(self, path: str, include: Include) -> tuple[str, str]:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), include.path))
        for target in dict.fromkeys([beside, posixpath.normpath(include.path)]):
            text = self.text(target)
            if text is not None:
                return target, text
        raise IdlError(
            include.position,
            f"included file {shown(include.path)} is not there",
            f"looked for {beside}",
        )
