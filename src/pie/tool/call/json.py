"""Requests as a person types them, and answers as a terminal shows them."""

import json
import re
import sys
from typing import Any

import click

from pie.thrift import Method, Struct, StructType
from pie.thrift.json_example import example
from pie.thrift.json_form import JsonFormError, from_json, struct_from_json, type_name
from pie.tool.terminal.clean import json_text
from pie.tool.terminal.table import Style, paint

_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null)"
)
_LOOKS = {
    "key": Style(fg="cyan"),
    "string": Style(fg="green"),
    "number": Style(fg="yellow"),
    "word": Style(fg="magenta"),
}


class BadRequest(click.ClickException):
    """The request is not JSON, or not the method's."""


def read_json(text: str) -> Any:
    """Parse what was typed; ``-`` reads standard input, nothing is an empty object. Raises as
    ``parse_json``."""
    if text == "-":
        text = sys.stdin.read()
    return parse_json(text) if text.strip() else {}


def parse_json(text: str) -> Any:
    """Parse JSON.

    Raises:
        BadRequest: naming line and column.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as error:
        lines = text.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        start = max(0, error.colno - 40)
        raise BadRequest(
            f"the request is not JSON: line {error.lineno}, column {error.colno}: {error.msg}\n"
            f"  {line[start : error.colno + 40]}\n  {' ' * (error.colno - 1 - start)}^"
        ) from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request is not JSON that can be read: {error}") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twin!r} is there twice in one object")
    return found


def arguments(method: Method, data: Any) -> Struct:
    """The arguments of a method: an object with their names, or, for a method of a single one,
    that argument itself.

    Raises:
        BadRequest: naming the field, and what is right.
    """
    fields = method.args.__fields__
    try:
        if len(fields) == 1 and not _is_named(method, data):
            (only,) = fields
            bare = data == {} and not isinstance(only.type, StructType)
            path = "" if isinstance(only.type, StructType) else only.name
            value = None if bare else from_json(only.type, data, path)
            return method.args(value)
        return struct_from_json(method.args, data)
    except JsonFormError as error:
        raise BadRequest(
            f"{method.service}.{method.name} does not take this: {error}\n"
            "--template prints a request that it takes"
        ) from None


def _is_named(method: Method, data: Any) -> bool:
    (only,) = method.args.__fields__
    if not isinstance(data, dict) or [*data] != [only.name]:
        return False
    # The struct may have a field of the argument's own name.
    kind = only.type
    fields = kind.cls.__fields__ if isinstance(kind, StructType) else ()
    return only.name not in [field.name for field in fields]


def template(method: Method) -> str:
    """A request of a method as it may be typed."""
    fields = method.args.__fields__
    if len(fields) == 1 and isinstance(fields[0].type, StructType):
        return pretty(example(fields[0].type))
    return pretty(example(StructType(method.args)))


def signature(method: Method) -> str:
    """A method as the IDL writes it."""
    takes = ", ".join(f"{type_name(each.type)} {each.name}" for each in method.args.__fields__)
    returns = "void" if method.returns is None else type_name(method.returns)
    throws = ", ".join(each.__name__ for each in method.exceptions)
    oneway = "oneway " if method.oneway else ""
    return f"{oneway}{returns} {method.name}({takes})" + (f" throws {throws}" if throws else "")


def pretty(data: Any) -> str:
    """JSON over several lines, coloured where colour is wanted."""
    text = json_text(data, indent=2)
    # Text of others goes to a terminal: what is not printable stays escaped.
    text = "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)
    return _TOKEN.sub(lambda found: paint(found[0], _LOOKS[found.lastgroup or "word"]), text)
