"""A block of bytes out of a file to the rows of its table. Pure.

A human line that is not of the format is a row too: its whole text is the message, and a traceback
is one row. A fact is passed on unparsed, with its position put in front.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from pie.agent.join import MARK, stretch
from pie.agent.names import Hour, LogFile
from pie.observe.facts.rows import LogRow
from pie.observe.log.colour import without_colours
from pie.observe.log.parse import LineParser
from pie.observe.log.stack import split_stack, stack_hash

_encode = msgspec.json.Encoder().encode
_NO_POSITION = b'{"src":0,"pos":0,'
"""How a writer that encodes the whole struct begins its rows."""


class Block(NamedTuple):
    """Consecutive lines of one file.

    ``data`` ends at a line's end, or else is one piece of a line: one too long for a row, or the
    last of a file that nobody writes any more. ``continued``: its first line began in the block
    before. ``at_end``: when it was read, at most an unfinished line followed it. ``quiet``: nobody
    has written for a while, so what is there may be all.
    """

    data: bytes
    start: int
    continued: bool
    at_end: bool
    mtime: float
    quiet: bool = True


class Row(NamedTuple):
    """``json`` is None for a line that gives no row; ``bad`` says why, blank lines have ''."""

    json: bytes | None
    pos: int
    bad: str = ""


class RowMaker:
    """Makes rows for one agent: it knows the host and the zone."""

    def __init__(self, parse: LineParser, host: str) -> None:
        self._parse = parse
        self._host = host

    def rows(self, block: Block, file: LogFile, src: int) -> Iterator[Row]:
        """One Row per record, in order; ``pos`` is the offset just after its last line.

        Ends before a record whose rest is to come: with more of the file, or within a moment.
        """
        lines = block.data.split(b"\n")
        tail = lines.pop()
        pos = block.start
        cut = "tail" if block.continued else ""
        joins = file.table == "logs"
        number = 0
        while number < len(lines):
            line = lines[number]
            number += 1
            if joins and MARK in line and not cut:
                count, is_open = stretch(lines, number - 1)
                if count > 1 or is_open:
                    if is_open and not tail and self._waits(block, pos):
                        return
                    line = b"\n".join(lines[number - 1 : number - 1 + count])
                    number += count - 1
            if not joins and line.rfind(b"{") > 0:
                *torn, line = _facts_in(line)
                for fact in torn:
                    pos += len(fact)
                    yield self._row(fact, pos, src, file, block.mtime, cut)
                    cut = ""
            pos += len(line) + 1
            yield self._row(line, pos, src, file, block.mtime, cut)
            cut = ""
        if tail:
            cut = "middle" if block.continued and not lines else "head"
            for piece in [tail] if joins else _facts_in(tail):
                pos += len(piece)
                yield self._row(piece, pos, src, file, block.mtime, cut)
                cut = "head"

    @staticmethod
    def _waits(block: Block, pos: int) -> bool:
        """Whether to wait for the rest of a record that begins at ``pos``."""
        return not block.quiet if block.at_end else pos > block.start

    def _row(self, line: bytes, pos: int, src: int, file: LogFile, mtime: float, cut: str) -> Row:
        if not line:
            return Row(None, pos)
        if file.table == "logs":
            return Row(self._log_row(line, pos, src, file, mtime, cut), pos)
        if cut and not (
            line.startswith(_NO_POSITION) and (cut == "tail" or (cut == "head" and _is_whole(line)))
        ):
            return Row(None, pos, "a fact without end, or longer than a row may be")
        return fact_row(line, pos, src)

    def _log_row(
        self, line: bytes, pos: int, src: int, file: LogFile, mtime: float, cut: str
    ) -> bytes:
        text = without_colours(line.decode("utf-8", "replace"))
        row = None if cut in {"middle", "tail"} else self._parse(text, file.folder, file.owner)
        if row is None:
            row = LogRow(
                ts=round(_within(mtime, file.hour), 6),
                folder=file.folder,
                host=self._host,
                psm=file.psm,
                message=text.removesuffix("\r"),
            )
            if "\n" in text:
                row.message, row.stack = split_stack(text.replace("\r\n", "\n").rstrip("\r"))
                row.stack_hash = stack_hash(row.stack)
                row.level = "ERROR"
        row.cluster = file.cluster
        if cut:
            row.fields = {**row.fields, "cut": cut}
        row.src = src
        row.pos = pos
        return _encode(row)


def _facts_in(line: bytes) -> list[bytes]:
    """The facts of a line: a process that is killed may leave one without its end, and the next
    one to write goes on behind it. Inside of a fact there are no such bytes: JSON escapes quotes.
    """
    begins = [0]
    while (at := line.find(_NO_POSITION, begins[-1] + 1)) > 0:
        begins.append(at)
    return [line[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]


def _is_whole(line: bytes) -> bool:
    """Whether the last line of a file lacks its end alone: no beginning of an object is one."""
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def fact_row(line: bytes, pos: int, src: int) -> Row:
    """The fact with its position in front; a line that is no JSON object is bad."""
    line = line.strip()
    if not (line.startswith(b"{") and line.endswith(b"}")):
        return Row(None, pos, "not a JSON object")
    rest = line[len(_NO_POSITION) :] if line.startswith(_NO_POSITION) else line[1:].lstrip()
    comma = b"" if rest == b"}" else b","
    return Row(b'{"src":%d,"pos":%d%b%b' % (src, pos, comma, rest), pos)


def _within(time: float, hour: Hour | None) -> float:
    """The time of a line that gives none: the file's last write, inside the file's hour."""
    return time if hour is None else min(max(time, hour.start), hour.end)
