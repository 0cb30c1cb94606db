"""Texts in a terminal: numbers, times and notes, shortened for a narrow one."""

import re
import time
from collections.abc import Sequence
from datetime import datetime

from pie.tool.terminal.table import (
    BAD,
    DIM,
    GAP,
    WARN,
    Cell,
    Column,
    Style,
    echo,
    paint,
    terminal_width,
    width,
)

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def note(text: str, style: Style = WARN) -> None:
    """A remark beside the output: on stderr, so that a pipe gets none of it."""
    echo(paint(text, style), err=True)


def number(value: float) -> str:
    """Three digits that matter: 0.048, 5.63, 56.3, 563, 35,259."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1:
        return f"{value:.3g}" if size >= 0.001 else "<0.001"
    if size < 9.995:
        return f"{value:.2f}"
    if size < 99.95:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """A duration with its unit, in the unit a person would use."""
    if abs(value) < 9_999.5:
        return f"{number(value)} ms"
    if abs(value) < 599_500:
        return f"{number(value / 1000)} s"
    return f"{number(value / 60_000)} min"


def rate(value: float) -> str:
    """Calls per second, so that a column of them lines up."""
    return "0" if not value else f"{value:.2f}" if value < 99.95 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share of one as percentage; what is not zero does not look like it."""
    if 0 < share < 0.0001:
        return "<0.01 %"
    return f"{number(round(share * 100, 3))} %"


def error_cell(share: float, called: bool) -> Cell:
    """A share of failures that shows how bad it is; nothing where nobody called."""
    if not called:
        return Cell("-", DIM)
    return Cell(percent(share), BAD if share >= 0.01 else WARN if share else DIM)


def mild_cell(share: float, called: bool) -> Cell:
    """A share of calls that were the caller's fault; nothing where nobody called."""
    return Cell(percent(share), WARN if share else DIM) if called else Cell("-", DIM)


def span(seconds: float) -> str:
    """A stretch of time, in one unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds / size)} {unit}"
    return f"{int(max(0.0, seconds))} s"


def ago(ts: float, now: float | None = None) -> str:
    """Time since then, in one unit; ``-`` for never."""
    return f"{span((time.time() if now is None else now) - ts)} ago" if ts else "-"


def moment(ts: float) -> str:
    """Date and time in the zone of this terminal, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ts))


def clock(ts: float, *, date: bool = False) -> str:
    """A time in the zone of this terminal, to the millisecond."""
    form = "%Y-%m-%d %H:%M:%S.%f" if date else "%H:%M:%S.%f"
    # Rounding up at .9995 must carry into the second.
    return datetime.fromtimestamp(round(ts, 3) + 1e-6).strftime(form)[:-3]


def plural(count: int, one: str, many: str = "") -> str:
    """``1 call``, ``2 calls``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def flow(parts: Sequence[str], indent: str = "  ") -> list[str]:
    """Parts joined by dots, broken into lines where the terminal ends."""
    room = terminal_width() or 1_000_000
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]} · {part}" if lines else ""
        if longer and visible_width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(indent + part)
    return lines


def visible_width(text: str) -> int:
    """Columns that a painted text takes."""
    return width(_ESCAPES.sub("", text))


def fit_name(name: str, room: int) -> str:
    """A dotted name, its beginning cut where it is too long: the end tells services apart."""
    if width(name) <= room:
        return name
    return "…" + name[len(name) - max(1, room - 1) :]


def wrap(text: str, first: int, rest: int) -> list[str]:
    """The text in pieces of so many columns, the first of ``first``; broken at spaces if any."""
    pieces, room = list[str](), first
    while width(text) > room:
        end, taken = 0, 0
        while end < len(text) and taken + width(text[end]) <= room:
            taken += width(text[end])
            end += 1
        end = max(end, 1)
        space = text.rfind(" ", 0, end + 1)
        if space > end // 2 and not text[:space].isspace():
            end = space
        pieces.append(text[:end])
        text, room = text[end:].removeprefix(" "), rest
    return [*pieces, text]


def keep_columns(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    dispensable: Sequence[str],
) -> tuple[list[Column], list[list[str | Cell]]]:
    """Leave out columns until the table fits the terminal, by title, the least important first."""
    kept = list(range(len(columns)))
    room = terminal_width()
    widths = [
        max(width(column.title), *(width(_text(row[at])) for row in rows), 0)
        for at, column in enumerate(columns)
    ]
    for title in dispensable:
        if room is None or sum(widths[at] for at in kept) + len(GAP) * (len(kept) - 1) <= room:
            break
        kept = [at for at in kept if columns[at].title != title]
    return [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell
