"""The query that looks for a text as it stands: what is offered to who pasted a line. Pure."""

import re

from pie.observe.log.colour import without_colours
from pie.observe.log.parse import unescape

MOST = 500
"""Characters of a line that are looked for: enough to tell it from others."""

_LINES = 5
_ALREADY = re.compile(r'~"(?:[^"\\]|\\.)*"', re.DOTALL)
_HEAD = re.compile(r"process=\d{1,18} thread=\d{1,18} data=", re.ASCII)
"""The end of what stands before the message in a line of a service's file."""


def literal_of(query: str) -> str:
    """A query for each line of the text, in the case and with the signs that it has.

    Empty for a query that is of this form already, or has nothing to look for.
    """
    # A sequence that is cut short ends a line: behind a quote it would hide that.
    text = without_colours(query).replace("\x1b", "\n").strip()
    if _ALREADY.fullmatch(text) or text in ("", "*"):
        return ""
    found = []
    head = _HEAD.search(text)
    if head is not None:
        # The store has what stands before as fields: logid and span are the last two of them.
        before = text[: head.start()].split()
        if len(before) > 1 and before[-2] != "0":
            found.append(f"logid:{quoted(before[-2])}")
        text = unescape(text[head.end() :])
    lines = list(filter(None, map(str.strip, text.splitlines())))
    return " ".join(found + [f"~{quoted(line[:MOST].strip())}" for line in lines[:_LINES]])


def quoted(text: str) -> str:
    """The text between quotes, as a query has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
