"""Text without the escape sequences that colour it in a terminal. Pure.

A colour is no part of a word, and nobody searches for what a terminal does not print. The file
keeps the sequences; the row that is made of its line goes without.
"""

import re

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and moves of the cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # links and titles
    r"|\x1b[ -/]+[0-~]|\x1b[0-Z\\^-~]"  # character sets, and all that is one letter
)


def without_colours(text: str) -> str:
    """The text as a terminal prints it; an escape sequence that is cut short stays."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text
