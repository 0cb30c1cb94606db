"""A log line as a person reads it: time, level, service, logid, message; stacks stand back."""

import re
from typing import Any, NamedTuple

from pie.tool.terminal.table import BAD, DIM, LINK, PLAIN, WARN, Style, one_line, pad, paint
from pie.tool.terminal.text import clock, fit_name, visible_width, wrap

Line = dict[str, Any]
"""A line, with the names of the API."""

_LEVELS = {
    "DEBUG": DIM,
    "INFO": Style(fg="green"),
    "WARNING": WARN,
    "WARN": WARN,
    "ERROR": BAD,
    "CRITICAL": Style(fg="red", bold=True),
    "FATAL": Style(fg="red", bold=True),
}
_SHORT = {"WARNING": "WARN", "CRITICAL": "CRIT"}
_FOUND = Style(fg="yellow", bold=True)
_INDENT = "    "
_OUTSIDE = {"", "0", "-"}

_TERM = re.compile(
    r'(?P<not>NOT\s+|-)?(?P<field>[\w.]+:)?(?:~?"(?P<phrase>[^"]+)"|(?P<word>[^\s()"]+))'
)
_OPERATORS = {"AND", "OR", "NOT"}


class Look(NamedTuple):
    """The parts of a line that are shown. ``found`` marks the words that were searched for."""

    date: bool = False
    psm: int = 0
    """Columns for the service's name; 0 for none."""
    host: bool = False
    logid: int = 0
    """Number of characters of the logid, from its end; 0 for none."""
    found: re.Pattern[str] | None = None
    room: int = 0
    """Columns after which a line is broken; 0 leaves that to the terminal."""


def show_line(line: Line, look: Look) -> list[str]:
    """The line, and indented below it what more its message and stack hold."""
    level: str = one_line(line["level"])
    psm, host = one_line(line["psm"]), one_line(line["host"])
    parts = [
        paint(clock(line["ts"], date=look.date), DIM),
        paint(pad(_SHORT.get(level, level)[:5] or "-", 5), _LEVELS.get(level.upper(), DIM)),
    ]
    if look.psm:
        parts.append(paint(pad(fit_name(psm, look.psm), look.psm), LINK))
    if look.host:
        parts.append(paint(pad(host, 15), DIM))
    if look.logid:
        logid = "" if line.get("logid", "") in _OUTSIDE else one_line(line["logid"])
        parts.append(paint(pad(logid[-look.logid :] or "-", look.logid), DIM))
    head = " ".join(parts) + " "
    taken = visible_width(head)
    first, *more = line["message"].strip().expandtabs(4).splitlines() or [""]
    texts = [(each, PLAIN) for each in more]
    texts += [(each, DIM) for each in line["stack"].expandtabs(4).rstrip().splitlines()]
    broken = _broken(first, look.room - taken, look.room)
    lines = [head + _marked(broken[0], look.found)]
    lines += [_INDENT + _marked(each, look.found) for each in broken[1:]]
    for text, style in texts:
        pieces = _broken(text, look.room - len(_INDENT), look.room)
        lines += [_INDENT + _marked(each, look.found, style) for each in pieces]
    return lines


def _broken(text: str, first: int, room: int) -> list[str]:
    text = one_line(text)
    least = 20
    return wrap(text, max(least, first), max(least, room - len(_INDENT))) if room else [text]


def words_of(query: str) -> re.Pattern[str] | None:
    """The words and phrases of a query to mark in its lines, without those after NOT."""
    wanted = []
    for match in _TERM.finditer(query):
        text = match["phrase"] or match["word"]
        field = (match["field"] or "").rstrip(":")
        if match["not"] or text in _OPERATORS or field not in ("", "message", "stack"):
            continue
        text = text.strip("*~")
        if text:
            wanted.append(re.escape(text))
    if not wanted:
        return None
    return re.compile("|".join(sorted(wanted, key=len, reverse=True)), re.IGNORECASE)


def _marked(text: str, found: re.Pattern[str] | None, style: Style = PLAIN) -> str:
    """The text in its style, with what was searched for standing out."""
    if found is None:
        return paint(text, style)
    pieces, end = [], 0
    for match in found.finditer(text):
        pieces += [text[end : match.start()], match[0]]
        end = match.end()
    pieces.append(text[end:])
    return "".join(
        paint(piece, _FOUND if at % 2 else style) for at, piece in enumerate(pieces) if piece
    )
