"""What a command prints holds no character that steers a terminal, but for Pie's own colours.

Everything printed passes here, errors too. What a command gives to ``buffer`` stays as it is.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import click

from pie.observe.log.terminal import clean, escaped


class CleanStream:
    """A text stream that cleans what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write the text, cleaned."""
        return self.stream.write(clean(text))

    def writelines(self, lines: Any) -> None:
        """Write the texts, cleaned."""
        for line in lines:
            self.write(line)


class CleanMain:
    """Mixed into a click command that is a program of its own."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; no output of it steers the terminal."""
        with clean_streams():
            return super().main(*args, **kwargs)  # type: ignore[misc]


class CleanGroup(CleanMain, click.Group):
    """A group of commands whose output is cleaned."""


def json_text(value: object, indent: int | None = None) -> str:
    """The value as JSON, with escapes for the characters that ``clean`` would replace."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent))


def steer(sequence: str) -> None:
    """Write a sequence of Pie's own that steers the terminal on stdout."""
    stream: Any = _inner(sys.stdout)
    stream.write(sequence)
    stream.flush()


def own_streams() -> None:
    """Give stdout and stderr to the program that this command goes on as."""
    sys.stdout, sys.stderr = _inner(sys.stdout), _inner(sys.stderr)


@contextlib.contextmanager
def clean_streams() -> Iterator[None]:
    """Clean whatever is printed inside."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_cleaned, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _cleaned(stream: Any) -> Any:
    return stream if stream is None or isinstance(stream, CleanStream) else CleanStream(stream)


def _inner(stream: Any) -> Any:
    while isinstance(stream, CleanStream):
        stream = stream.stream
    return stream
