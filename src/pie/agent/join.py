"""Which lines are one record: a Python traceback that nothing put on one line. Pure.

Where a record ends is told by its own lines alone, as far as these have come, so that a file read
again, from any record on, gives the same records at the same positions. What follows a traceback
(a chained one, further lines of a message) is not waited for.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

MOST_LINES = 1000
MOST_BYTES = 128 * 1024

MARK = b"(most recent call last):"
"""What every line that begins a record of several lines holds."""

_HEADER = re.compile(rb"( *)(\+ Exception Group )?Traceback \(most recent call last\):[ \r]*")
_GROUP_END = re.compile(rb" *\+-{20,}[ \r]*")
_ERROR = re.compile(rb"\s*[A-Za-z_][\w.]*(?::.*)?\s*", re.DOTALL)


class Stretch(NamedTuple):
    """``lines`` lines are one record; ``open``: more of it may follow them."""

    lines: int
    open: bool


_ALONE = Stretch(1, False)


def stretch(lines: Sequence[bytes], first: int) -> Stretch:
    """The record that begins with this line."""
    line = lines[first]
    header = _HEADER.fullmatch(line)
    if header is None:
        return _ALONE
    indent = len(header[1])
    is_group = header[2] is not None
    size = len(line) + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        size += len(line) + 1
        count = number - first
        if count >= MOST_LINES or size > MOST_BYTES:
            return Stretch(count, False)
        depth = len(line) - len(line.lstrip(b" \t"))
        if depth == len(line):
            return Stretch(count, False)  # a blank line: it broke off
        if depth > indent or (is_group and line[indent : indent + 1] in (b"|", b"+")):
            if is_group and depth == indent + 2 and _GROUP_END.fullmatch(line):
                return Stretch(count + 1, False)
            continue
        # The line that names the error, unless that never came.
        named = depth == indent and not is_group and _ERROR.fullmatch(line) is not None
        return Stretch(count + 1 if named else count, False)
    return Stretch(len(lines) - first, True)
