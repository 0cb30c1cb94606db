"""Generated modules without files, for tests and consoles: IDL text in, module out."""

import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

from pie.thrift.generate import generate
from pie.thrift.generate.names import module_names
from pie.thrift.idl.check import load_idl

_numbers = itertools.count()


def load_module(
    text: str, includes: Mapping[str, str] | None = None, *, path: str = "main.thrift"
) -> ModuleType:
    """The module generated for an IDL text. The code is compiled: give it only IDL you trust.

    Args:
        text: of the IDL file.
        includes: path → text of the files it includes.
        path: its own name, from which the module has its name.

    Raises:
        IdlError: the text is not valid IDL.
    """
    program = load_idl(path, {**(includes or {}), path: text}.__getitem__)
    package = f"_pie_idl_{next(_numbers)}"
    finder = _MemoryFinder(package, generate(program))
    sys.meta_path.append(finder)
    try:
        return importlib.import_module(".".join((package, *module_names(program)[program.root])))
    finally:
        sys.meta_path.remove(finder)


class _MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of one generated tree, under one package name."""

    def __init__(self, package: str, files: Mapping[str, str]) -> None:
        self._sources: dict[str, str] = {}
        self._packages: set[str] = set()
        for path, source in files.items():
            parts = [package, *path.removesuffix(".py").split("/")]
            if parts[-1] == "__init__":
                parts.pop()
                self._packages.add(".".join(parts))
            self._sources[".".join(parts)] = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._sources:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def is_package(self, fullname: str) -> bool:
        return fullname in self._packages

    def get_source(self, fullname: str) -> str:
        return self._sources[fullname]
