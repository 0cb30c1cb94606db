"""Rows as lines of JSON. Lone surrogates, which are no valid Unicode, are shown escaped."""

from typing import Any

import msgspec


def encode(row: msgspec.Struct) -> bytes:
    """A row as a line."""
    try:
        return msgspec.json.encode(row) + b"\n"
    except UnicodeEncodeError:
        valid = {name: _valid(getattr(row, name)) for name in row.__struct_fields__}
        return msgspec.json.encode(msgspec.structs.replace(row, **valid)) + b"\n"


def encode_value(value: Any) -> bytes:
    """One value of a row."""
    return msgspec.json.encode(_valid(value))


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_valid(each) for each in value] if isinstance(value, list) else value
