"""One human log line to one row. Pure.

``LEVEL date time,ms file:line host psm logid span process=N thread=N data=message``; ``0`` stands
for no logid and ``-`` for no span. The message has its line breaks escaped, so that a line is a
record.
"""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache

from pie.model import normalise_logid
from pie.observe.facts.rows import LogRow
from pie.observe.log.colour import without_colours
from pie.observe.log.stack import split_stack, stack_hash

MAX_FIELDS = 64

_LINE = re.compile(
    r"(?P<level>\S{1,32}+|Level \d{1,9}) "
    r"(?P<second>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(?P<fraction>\d{3,6}) "
    # The path may hold spaces and colons: the shortest one that lets the rest match.
    r"(?P<file>.{1,4096}?):(?P<line>\d{1,9}) "
    r"(?P<host>\S++) (?P<psm>\S++) (?P<logid>\S++) (?P<span>\S++) "
    r"process=(?P<process>\d{1,18}) thread=(?P<thread>\d{1,18}) data=(?P<data>.*)",
    re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(r"\\([\\nr])")
_PAIR = re.compile(r"(?:^| )([A-Za-z_][A-Za-z0-9_.]*)=")
_UNESCAPED = {"\\": "\\", "n": "\n", "r": "\r"}


class LineParser:
    """Reads lines whose times are in one zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._epoch: Callable[[str], int] = lru_cache(maxsize=1024)(
            lambda second: int(datetime.fromisoformat(second).replace(tzinfo=zone).timestamp())
        )

    def __call__(self, text: str, folder: str, owner: str = "") -> LogRow | None:
        """The row, or None for a line of another format. Its position is left to the caller.

        Args:
            text: of the line, without its end.
            folder: in which its file stands.
            owner: the PSM that the file is named by. What a service prints is its own, also when
                it looks like the line of another one.
        """
        match = _LINE.fullmatch(text)
        if match is None:
            return None
        (level, second, fraction, file, line, host, psm, logid, span, process, thread, data) = (
            match.groups()
        )
        try:
            ts = self._epoch(second) + int(fraction) / 10 ** len(fraction)
        except (ValueError, OverflowError):
            return None
        message = unescape(data)
        fields = pairs(message) if folder == "rpc" else {}
        message, stack = split_stack(message)
        return LogRow(
            ts=round(ts, 6),
            folder=folder,
            host=host,
            psm=owner or psm,
            level=without_colours(level),
            logid="" if logid in {"0", "-"} else normalise_logid(logid) or logid,
            span_id="" if span == "-" else span,
            process=int(process),
            thread=int(thread),
            file=file,
            line=int(line),
            message=message,
            stack=stack,
            stack_hash=stack_hash(stack) if stack else 0,
            fields=fields,
        )


def unescape(text: str) -> str:
    r"""Undo the writer's ``\\``, ``\n`` and ``\r``; any other backslash stays as it is."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _UNESCAPED[match[1]], text)


def pairs(text: str) -> dict[str, str]:
    """``key=value`` pairs of the RPC client's line; empty unless the text starts with one.

    A value reaches to the next key, so it may hold spaces.
    """
    parts = _PAIR.split(text, MAX_FIELDS)
    if len(parts) < 3 or parts[0].strip():
        return {}
    return dict(zip(parts[1::2], parts[2::2], strict=True))
