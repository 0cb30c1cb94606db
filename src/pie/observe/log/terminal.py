"""What a terminal may be shown. Pure.

Names, messages and logids come from anywhere. A terminal obeys what is hidden in them: it changes
its title, its clipboard, what was printed before.
"""

import re

_STEERING = re.compile(
    r"(?P<plain>\x1b\[(?:0|1|2|(?:1;)?3[1-7])m)|(?P<colour>\x1b\[[0-9;:]*m)"
    # C0 but for tab and newline, DEL, C1, line separators, and what turns the direction of text.
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """The text with a space for each character that would steer a terminal.

    The plain colours that Pie's own commands print stay; other colours go.
    """
    if text.isprintable():
        return text
    return _STEERING.sub(_replacement, text.replace("\r\n", "\n"))


def escaped(json: str) -> str:
    """A JSON text with escapes for the characters that ``clean`` would replace."""
    if json.isascii() and "\x7f" not in json:
        return json
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def _replacement(found: re.Match[str]) -> str:
    return found["plain"] or ("" if found["colour"] else " ")
