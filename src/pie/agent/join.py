"""Joins the lines of a printed Python traceback to one record. Pure.

Tracebacks of exceptions that led to one another are one record too. Where a record ends is told by
its own lines and the few that would lead on to the next traceback, as far as these have come, so
that a file read again, from any record on, gives the same records at the same positions. Further
lines of a message are not told from what comes after it.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

MOST_LINES = 1000
MOST_BYTES = 128 * 1024

MARK = b"(most recent call last):"
"""What every line that begins a record of several lines holds."""

_HEADER = re.compile(rb"( *)(\+ Exception Group )?Traceback \(most recent call last\):[ \r]*")
_GROUP_END = re.compile(rb" *\+-{20,}[ \r]*")
_ERROR = re.compile(rb"\s*[A-Za-z_][\w.]*(?::.*)?\s*", re.DOTALL)
_BLANK = re.compile(rb"[ \r]{0,8}")
_LINK = (
    _BLANK,
    re.compile(
        rb" *(?:During handling of the above exception, another exception occurred"
        rb"|The above exception was the direct cause of the following exception):[ \r]*"
    ),
    _BLANK,
    _HEADER,
)
"""What stands between two tracebacks of one chain, and the first line of the second."""


class Stretch(NamedTuple):
    """``lines`` lines are one record; ``open``: more of it may follow them."""

    lines: int
    open: bool


class _End(NamedTuple):
    """The line after a traceback, the record's bytes until there, and how it ended."""

    line: int
    size: int
    how: Literal["whole", "broken", "open"]


_ALONE = Stretch(1, False)


def stretch(lines: Sequence[bytes], first: int) -> Stretch:
    """The record that begins with this line."""
    begin, size = first, 0
    while (header := _HEADER.fullmatch(lines[begin])) is not None:
        end = _traceback(lines, begin, header, first, size)
        if end.how != "whole":
            return Stretch(end.line - first, end.how == "open")
        leads_on = _leads_on(lines, end.line)
        if not leads_on:
            return Stretch(end.line - first, leads_on is None)
        begin = end.line + len(_LINK) - 1
        size = end.size + sum(len(line) + 1 for line in lines[end.line : begin])
        if begin - first >= MOST_LINES or size > MOST_BYTES:
            return Stretch(end.line - first, False)
    return _ALONE


def _traceback(
    lines: Sequence[bytes], begin: int, header: re.Match[bytes], first: int, size: int
) -> _End:
    """The end of the traceback with this header, in a record of ``size`` bytes before it."""
    indent = len(header[1])
    is_group = header[2] is not None
    size += len(lines[begin]) + 1
    for number in range(begin + 1, len(lines)):
        line = lines[number]
        before, size = size, size + len(line) + 1
        if number - first >= MOST_LINES or size > MOST_BYTES:
            return _End(number, before, "broken")
        depth = len(line) - len(line.lstrip(b" \t"))
        if depth == len(line):
            return _End(number, before, "broken")  # a blank line
        if depth > indent or (is_group and line[indent : indent + 1] in (b"|", b"+")):
            if is_group and depth == indent + 2 and _GROUP_END.fullmatch(line):
                return _End(number + 1, size, "whole")
            continue
        # The line that names the error, unless that never came.
        if depth == indent and not is_group and _ERROR.fullmatch(line) is not None:
            return _End(number + 1, size, "whole")
        return _End(number, before, "broken")
    return _End(len(lines), size, "open")


def _leads_on(lines: Sequence[bytes], end: int) -> bool | None:
    """Whether another traceback of the chain follows one that ended there; None: too early."""
    for number, form in enumerate(_LINK, end):
        if number >= len(lines):
            return None
        if form.fullmatch(lines[number]) is None:
            return False
    return True
