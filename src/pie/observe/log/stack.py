"""Error stacks: cut out of a message, and hashed so that one mistake has one number. Pure."""

import hashlib
import re

_BEGIN = re.compile(
    r"^[ |+]*(?:Exception Group )?Traceback \(most recent call last\):[ ]*$", re.MULTILINE
)
_FRAME = re.compile(
    r'\s*(?:\|\s*)*File "(?P<file>[^"]*)", line (?P<line>\d+)(?:, in (?P<func>.+))?'
)
_GROUP_BEGIN = "+ Exception Group Traceback "
"""Stands in the outermost groups only."""
_GROUP_ERROR = re.compile(r"^ *\| ([A-Za-z_][\w.]*: .*)$", re.MULTILINE)
_VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\d+")
_MASK_63 = (1 << 63) - 1


def hash63(text: bytes) -> int:
    """A stable positive 63-bit number; 0 is kept for "none"."""
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big") & _MASK_63 or 1


def split_stack(text: str) -> tuple[str, str]:
    """``(message, stack)``; a message that is nothing but a stack is named by its last line."""
    if "Traceback (most recent call last):" not in text:
        return text, ""
    begin = _BEGIN.search(text)
    if begin is None:
        return text, ""
    stack = text[begin.start() :]
    message = text[: begin.start()].removesuffix("\n")
    return message or error_line(stack), stack


def error_line(stack: str) -> str:
    """The line that names the error: the last one, or that of the last exception group."""
    last = stack.rstrip().rpartition("\n")[2]
    if last[:1].isspace():
        group = _GROUP_ERROR.search(stack, max(0, stack.rfind(_GROUP_BEGIN)))
        return group[1] if group is not None else last.strip()
    return last


def stack_hash(stack: str) -> int:
    """63 bits of the frames and the error; without source text, addresses and numbers in it."""
    kept = []
    for line in stack.split("\n"):
        frame = _FRAME.match(line)
        if frame is not None:
            kept.append(f"{frame['file']}:{frame['line']}:{frame['func'] or ''}")
        elif line and not line[0].isspace():
            kept.append(_VARIABLE.sub("#", line))
    return hash63("\n".join(kept).encode("utf-8", "surrogatepass"))
