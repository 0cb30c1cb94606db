"""Log lines from the files of this machine, for when the platform is away.

Reads what the services of this root wrote to ``<product>/log/<folder>/<psm>.<hour>.log``; knows
nothing of other hosts, nor of files that were compressed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from pie.agent.names import HUMAN_FOLDERS, LogFile, parse_name
from pie.agent.options import AgentOptions
from pie.observe.facts.rows import LogRow
from pie.observe.log.colour import without_colours
from pie.observe.log.parse import LineParser
from pie.tool.logs.lines import Line
from pie.tool.logs.query import LocalQuery
from pie.tool.logs.remote import Found, Wanted

_BLOCK = 64 * 1024
_MOST_BYTES = 64 << 20
"""Read back at most so much of one file."""

_MOST_LINE = 1 << 20
_LOOK_S = 0.3
_DEFAULT_S = 3600.0
_LATE_S = 60.0
"""Processes that share a file write their lines in order but for so much."""


class _Matcher(NamedTuple):
    """Which lines are wanted; ``query`` tells whether one matches the person's query."""

    wanted: Wanted
    since: float
    until: float
    query: Callable[[Line], bool]

    def takes(self, line: Line) -> bool:
        """Whether the line is wanted."""
        wanted = self.wanted
        return (
            self.since <= line["ts"] < self.until
            and (not wanted.host or line["host"] in wanted.host)
            and (not wanted.cluster or line["cluster"] in wanted.cluster)
            and self.query(line)
        )


class _File(NamedTuple):
    path: Path
    about: LogFile


class LocalLogs:
    """The log road under one log root.

    Args:
        log_root: where it is.
        query: what the person asked for, options included.
    """

    def __init__(self, log_root: Path, query: LocalQuery | None = None) -> None:
        self._root = log_root
        self._query = query or LocalQuery()
        self._zone = ZoneInfo(AgentOptions().zone)
        self._parse = LineParser(self._zone)

    def has_any(self) -> bool:
        """Whether anything was ever written here."""
        return next(self._files(()), None) is not None

    def psms(self) -> list[str]:
        """The services that wrote here."""
        return sorted({file.about.psm for file in self._files(())})

    def search(self, wanted: Wanted, count: int) -> Found:
        """The newest ``count`` lines, in order of time."""
        now = time.time()
        until = now + _LATE_S if wanted.until is None else wanted.until
        since = (until - _DEFAULT_S) if wanted.since is None else wanted.since
        if wanted.since is None and wanted.logid:
            since = 0.0
        every = _Matcher(wanted, since, until, lambda _: True)
        texts = self._query.settle(self._matching(every, sys.maxsize))
        matcher = every._replace(query=self._query)
        found = sorted(self._matching(matcher, count), key=lambda line: float(line["ts"]))
        return Found(found[-count:] if count else [], texts)

    def follow(self, wanted: Wanted, count: int) -> Iterator[list[Line]]:
        """The newest ``count`` lines, then those that are written, also to the files of the next
        hour."""
        # Where each file ends is noted first: what comes meanwhile is read then, not twice.
        ends = {file.path: _size(file.path) for file in self._files(wanted.psm)}
        matcher = _Matcher(wanted, 0.0, float("inf"), self._query)
        started = time.time()
        lines = self.search(wanted._replace(until=None), count).lines
        yield [line for line in lines if line["ts"] <= started]
        while True:
            new: list[Line] = []
            for file in self._files(wanted.psm):
                begin = ends.get(file.path, 0)
                size = _size(file.path)
                if size < begin:
                    begin = 0  # begun anew
                if size > begin:
                    rows, ends[file.path] = self._forward(file, begin, size)
                    new += [line for line in rows if matcher.takes(line)]
            new.sort(key=lambda line: float(line["ts"]))
            if new:
                yield new
            time.sleep(_LOOK_S)

    def _files(self, psms: Any) -> Iterator[_File]:
        for folder in HUMAN_FOLDERS:
            for path in sorted(self._root.glob(f"*/log/{folder}/*.log")):
                if path.is_symlink():
                    continue  # to the newest, which is listed itself
                about = parse_name(folder, path.name, self._zone)
                if about is not None and (not psms or about.psm in psms):
                    yield _File(path, about)

    def _matching(self, matcher: _Matcher, count: int) -> Iterator[Line]:
        """The newest of each file, as many as ``count``."""
        for file in self._files(matcher.wanted.psm):
            hour = file.about.hour
            if hour is None or (hour.start < matcher.until and hour.end > matcher.since):
                yield from self._newest(file, matcher, count)

    def _newest(self, file: _File, matcher: _Matcher, count: int) -> list[Line]:
        found: list[Line] = []
        for raw, end in _backwards(file.path):
            line = self._line(raw, file, end)
            if line["ts"] < matcher.since - _LATE_S:
                break
            if matcher.takes(line):
                found.append(line)
                if len(found) >= count:
                    break
        return found

    def _forward(self, file: _File, begin: int, size: int) -> tuple[list[Line], int]:
        """Whole lines from ``begin`` on, and where they end."""
        try:
            with file.path.open("rb") as opened:
                opened.seek(begin)
                data = opened.read(min(size - begin, _MOST_BYTES))
        except OSError:
            return [], begin
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) > _MOST_LINE:
            whole = len(data)
        lines, at = [], begin
        for raw in data[:whole].splitlines(keepends=True):
            at += len(raw)
            lines.append(self._line(raw.rstrip(b"\r\n"), file, at))
        return lines, at

    def _line(self, raw: bytes, file: _File, end: int) -> Line:
        text = without_colours(raw.decode("utf-8", "replace"))
        row = self._parse(text, file.about.folder, file.about.owner)
        if row is None:
            row = LogRow(
                ts=_mtime(file.path), folder=file.about.folder, psm=file.about.psm, message=text
            )
        row.cluster = file.about.cluster
        return {**msgspec.structs.asdict(row), "id": f"{file.path}:{end}"}


def _backwards(path: Path) -> Iterator[tuple[bytes, int]]:
    """The lines of a file from its end, each with the offset behind it; not an unfinished last."""
    try:
        with path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            lowest = max(0, position - _MOST_BYTES)
            rest, complete = b"", False
            while position > lowest:
                block = min(_BLOCK, position - lowest)
                position -= block
                file.seek(position)
                rest = file.read(block) + rest
                pieces = rest.split(b"\n")
                end = position + len(rest)
                for piece in reversed(pieces[1:]):
                    if complete and piece:
                        yield piece.rstrip(b"\r"), end + 1
                    complete = True
                    end -= len(piece) + 1
                rest = pieces[0]
            if complete and rest and not lowest:
                yield rest.rstrip(b"\r"), len(rest) + 1
    except OSError:
        return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
