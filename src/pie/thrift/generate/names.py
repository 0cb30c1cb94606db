"""Python names for the names of an IDL, and Python literals for its texts."""

import keyword
import posixpath
import re
from collections.abc import Iterable

from pie.thrift.errors import IdlError, Position
from pie.thrift.idl.program import Program

BUILTINS = frozenset({"bool", "int", "float", "str", "bytes", "list", "set", "dict", "tuple"})
"""What annotations of generated code are made of."""

MODULE_NAMES = frozenset({"_rpc", "_t", "_idl", "_idl_files", "builtins"})
"""What every generated module has beside the definitions of its IDL."""

_IN_SIGNATURES = frozenset({"self", "cls"})
_IN_ENUMS = frozenset(
    {
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "denominator",
        "from_bytes",
        "imag",
        "is_integer",
        "mro",
        "name",
        "numerator",
        "real",
        "to_bytes",
        "value",
    }
)
"""What members have themselves. Written out: the text shall not depend on which Python makes it."""

_IN_CLASSES = "_pie_"
"""How everything begins that the codec keeps on a class."""

_IN_EXCEPTIONS = frozenset({"add_note", "args", "with_traceback"})
_IN_CLIENTS = frozenset({"_call", "_invoke", "_use"})
"""What clients have beside the methods of their service."""


def safe(name: str, taken: Iterable[str] = ()) -> str:
    """A name with ``_`` behind it where Python, or the class it goes into, has it for itself.

    Of several ``_`` before it one is left: Python changes such names within classes.
    """
    if name.startswith("__"):
        name = f"_{name.lstrip('_')}"
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name


def definition_name(name: str) -> str:
    """A definition of an IDL file, in its module."""
    return safe(name, MODULE_NAMES)


def field_attr(name: str, *, exception: bool) -> str:
    """The attribute of a field, and the constructor's argument."""
    if name.startswith(_IN_CLASSES):
        return f"{name}_"
    return safe(name, _IN_SIGNATURES | (_IN_EXCEPTIONS if exception else frozenset()))


def member_name(name: str) -> str:
    """A member of an enum; Python keeps names like _this_ for itself."""
    found = safe(name, _IN_ENUMS)
    return f"{found}_" if found.startswith("_") and found.endswith("_") else found


def method_name(name: str) -> str:
    """A method of clients and handlers."""
    return safe(name, _IN_CLIENTS)


def argument_name(name: str) -> str:
    """An argument of such a method."""
    return safe(name, _IN_SIGNATURES)


def module_names(program: Program) -> dict[str, tuple[str, ...]]:
    """IDL path → the parts of its module's name, below what all paths have in common.

    Raises:
        IdlError: two files would be one module.
    """
    paths = {path: path.lstrip("/") for path in program.documents}
    common = posixpath.commonpath([posixpath.dirname(path) for path in paths.values()])
    modules: dict[str, tuple[str, ...]] = {}
    for path, relative in paths.items():
        parts = relative.removeprefix(common).lstrip("/").removesuffix(".thrift").split("/")
        modules[path] = tuple(map(_module_part, parts))
    packages = {parts[:n] for parts in modules.values() for n in range(1, len(parts))}
    owner: dict[tuple[str, ...], str] = {}
    for path, name in modules.items():
        if name in packages:
            modules[path] = (*name[:-1], f"{name[-1]}_")
        other = owner.setdefault(modules[path], path)
        if other != path:
            raise IdlError(
                Position(path, 1, 1),
                f"this file and {other} would both be the module {'.'.join(modules[path])}",
                "rename one of them",
            )
    return modules


def _module_part(part: str) -> str:
    if part == "..":
        return "parent"
    name = re.sub(r"\W", "_", part, flags=re.ASCII)
    return safe(f"_{name}" if name[:1].isdigit() else name)


def relative_import(source: tuple[str, ...], target: tuple[str, ...], alias: str) -> str:
    """The statement by which one module imports another of the same tree."""
    here, there = source[:-1], target[:-1]
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    dots = "." * (len(here) - shared + 1)
    rename = "" if alias == target[-1] else f" as {alias}"
    return f"from {dots}{'.'.join(there[shared:])} import {target[-1]}{rename}"


def quote(text: str) -> str:
    """A string literal, in double quotes where that needs no escapes."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in text:
        return f'"{literal[1:-1]}"'
    return literal


def triple_quote(text: str) -> str:
    """A literal of many lines."""
    lines = [
        "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
        for line in _between_quotes(text).split("\n")
    ]
    body = "\n".join(lines)
    return f'"""\\\n{body}"""'


def _between_quotes(text: str) -> str:
    """A text as it stands between triple quotes: none of its own may end it."""
    escaped = text.replace("\\", "\\\\")
    return re.sub(r'"{3,}|"+\Z', lambda match: '\\"' * len(match.group()), escaped)


def docstring(text: str, indent: str) -> list[str]:
    """The lines of a docstring; none for an empty text."""
    plain = "".join(c for c in text if c.isprintable() or c == "\n").strip()
    if not plain:
        return []
    lines = [f"{indent}{line}".rstrip() for line in _between_quotes(plain).split("\n")]
    lines[0] = f'{indent}"""{lines[0].lstrip()}'
    if len(lines) == 1:
        lines[0] += '"""'
    else:
        lines.append(f'{indent}"""')
    return lines
