"""Errors of IDL text, bytes and values."""

from typing import NamedTuple

from pie.model import repr_of

MAX_SHOWN = 80


class ThriftError(Exception):
    """Base of every error of this room."""


class Position(NamedTuple):
    """A position in an IDL file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class IdlError(ThriftError):
    """An IDL file that cannot be used: where, what, and what to write instead."""

    def __init__(self, position: Position, message: str, hint: str = "") -> None:
        super().__init__(f"{position}: {message}" + (f"; {hint}" if hint else ""))
        self.position = position
        self.message = message
        self.hint = hint


class CodecError(ThriftError):
    """Bytes that are not the struct they should be, or values that do not fit their fields.

    ``path`` names the field from the outermost struct, e.g. ``Demo2Request.items[3].price``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def under(self, prefix: str) -> "CodecError":
        """The same error, with a prefix put before its path."""
        self.path = prefix + self.path
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class FrameError(ThriftError):
    """The byte stream cannot be cut into frames any further: close the connection."""


def shown(value: object) -> str:
    """A value for an error message: its repr, cut to a length people read."""
    text = repr_of(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
