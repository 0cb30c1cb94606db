"""Tables in a terminal: columns that line up in every script, coloured where colour is wanted."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import click

GAP = "  "
_LEAST = 6
"""A column is not cut narrower than this."""
_INVISIBLE = ("Mn", "Me", "Cf", "Cc")


class Style(NamedTuple):
    """The style of a cell where colour is wanted."""

    fg: str | None = None
    bold: bool = False
    dim: bool = False


PLAIN = Style()
DIM = Style(dim=True)
BOLD = Style(bold=True)
GOOD = Style(fg="green")
WARN = Style(fg="yellow")
BAD = Style(fg="red")
LINK = Style(fg="cyan")


class Cell(NamedTuple):
    """A text and its look. Plain strings do for cells without a look of their own."""

    text: str
    style: Style = PLAIN


class Column(NamedTuple):
    """A column's heading; numbers stand to the right, and only ``cut`` columns lose their ends in a
    terminal that is too narrow."""

    title: str
    right: bool = False
    cut: bool = False


def render(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> str:
    """The lines of a table under dimmed headings.

    In a terminal the columns marked ``cut`` are shortened until it fits; into a pipe or a file
    everything is written whole.
    """
    cells = [[each if isinstance(each, Cell) else Cell(each) for each in row] for row in rows]
    for row in cells:
        row[:] = [Cell(one_line(each.text), each.style) for each in row]
    widths = [
        max(width(column.title), *(width(row[at].text) for row in cells), 0)
        for at, column in enumerate(columns)
    ]
    _shrink(widths, columns, terminal_width())
    heading = [Cell(column.title, DIM) for column in columns]
    return "\n".join(_line(columns, widths, row) for row in [heading, *cells])


def paint(text: str, style: Style) -> str:
    """The text in its colours, or as it is where colour is not wanted."""
    if style == PLAIN or not _wants_colour():
        return text
    # None leaves a property out; False would say it aloud.
    return click.style(text, fg=style.fg, bold=style.bold or None, dim=style.dim or None)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a text that was painted; a stream that is no terminal gets it without its colours,
    unless they are forced."""
    click.echo(text, err=err, color=True if os.environ.get("FORCE_COLOR") else None)


def _wants_colour() -> bool:
    """Output goes to a terminal, and NO_COLOR is not set (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def terminal_width() -> int | None:
    """Columns of the terminal; None where output is not read in one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def width(text: str) -> int:
    """Columns a text takes in a terminal: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def fit(text: str, room: int) -> str:
    """The text, its end cut and marked with … if it takes more than ``room`` columns."""
    if width(text) <= room:
        return text
    taken, kept = 1, []
    for character in text:
        taken += _columns(character)
        if taken > room:
            break
        kept.append(character)
    return "".join(kept) + "…"


def pad(text: str, room: int, *, right: bool = False) -> str:
    """The text with spaces after it, or before it, so that it takes ``room`` columns."""
    spaces = " " * max(0, room - width(text))
    return spaces + text if right else text + spaces


def one_line(text: str) -> str:
    """The text without line breaks and other characters that would steer the terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " for each in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shrink(widths: list[int], columns: Sequence[Column], room: int | None) -> None:
    """Take from the widest of the columns that may be cut until all fit."""
    if room is None:
        return
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - room
    while excess > 0:
        widest = max(
            (at for at, column in enumerate(columns) if column.cut and widths[at] > _least(column)),
            key=lambda at: widths[at],
            default=None,
        )
        if widest is None:
            return
        widths[widest] -= 1
        excess -= 1


def _least(column: Column) -> int:
    return max(_LEAST, width(column.title))


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[Cell]) -> str:
    parts: list[str] = []
    for column, room, cell in zip(columns, widths, row, strict=True):
        # Whatever comes last needs no spaces after it.
        text = fit(cell.text, room)
        last = len(parts) == len(columns) - 1 and not column.right
        padded = text if last else pad(text, room, right=column.right)
        parts.append(padded.replace(text, paint(text, cell.style), 1) if text else padded)
    return GAP.join(parts).rstrip()
