"""Rows as lines of JSON. Lone surrogates, which are no valid Unicode, are shown escaped.

Texts that are longer than their field allows are cut: a record is not lost because of one of them.
"""

from typing import Any

import msgspec

from pie.observe.facts.fields import cuts_of


def encode(row: msgspec.Struct) -> bytes:
    """A row as a line."""
    try:
        return msgspec.json.encode(_cut(row)) + b"\n"
    except UnicodeEncodeError:
        valid = {name: _valid(getattr(row, name)) for name in row.__struct_fields__}
        return msgspec.json.encode(_cut(msgspec.structs.replace(row, **valid))) + b"\n"


def encode_value(value: Any, limit: int | None = None) -> bytes:
    """One value of a row, a text up to ``limit`` code points."""
    valid = _valid(value)
    return msgspec.json.encode(valid[:limit] if isinstance(valid, str) else valid)


def _cut(row: msgspec.Struct) -> msgspec.Struct:
    """The row, or one that replaces it, with no text that is too long."""
    changed: dict[str, str | list[str]] = {}
    for name, limit in cuts_of(type(row)).items():
        value = getattr(row, name)
        if isinstance(value, str):
            if len(value) > limit:
                changed[name] = value[:limit]
        elif any(len(each) > limit for each in value):
            changed[name] = [each[:limit] for each in value]
    return msgspec.structs.replace(row, **changed) if changed else row


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_valid(each) for each in value] if isinstance(value, list) else value
