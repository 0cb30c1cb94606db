"""Records and lines of calls that a killed process had made and not written."""

import os
import re
from datetime import tzinfo
from pathlib import Path

from pie.observe.log.line import hour_of
from pie.observe.record.counts import Header, LinesHeader
from pie.observe.record.halves import (
    RELEASE,
    Lines,
    half_note_stores,
    missing,
    read_half,
    written_store,
)
from pie.observe.record.road_files import append_noted, read_noted
from pie.observe.record.slots import DamagedError, Note

_MOST_WRITTEN = 64 << 20
"""Bytes of a file behind a note that are looked through. Other processes write there as well."""


def write_lines(
    descriptor: int, header: Header, begin: int, log: Path, zone: tzinfo, trouble: list[str]
) -> int:
    """Write the lines of all halves, from an offset of the mapping on; returns how many.

    Args:
        descriptor: of the mapping.
        header: of it.
        begin: where the halves begin.
        log: the folder of the log road.
        zone: of the hours of files.
        trouble: what is damaged is added here.

    Raises:
        OSError: lines could not be written.
    """
    found: list[tuple[float, int, LinesHeader, Lines]] = []
    for kind in header.lines:
        for at in (begin, begin + kind.half):
            try:
                lines = read_half(os.pread(descriptor, kind.half, at))
            except DamagedError as error:
                trouble.append(str(error))
                continue
            if lines is not None:
                # The half that is noted was to be written first.
                found.append((lines.ts, at, kind, lines))
        begin += 2 * kind.half
    count = 0
    for _, at, kind, lines in sorted(found, key=lambda each: (each[3].note is None, each[0])):
        try:
            count += _write_half(descriptor, at, header, kind, lines, log, zone)
        except DamagedError as error:
            trouble.append(str(error))
    return count


def _write_half(
    descriptor: int,
    at: int,
    header: Header,
    kind: LinesHeader,
    lines: Lines,
    log: Path,
    zone: tzinfo,
) -> int:
    folder = log / kind.folder
    left = lines.lines
    if lines.note is not None:
        if not _is_ours(header, kind, lines.note.name):
            raise DamagedError(f"a half whose note names the file {lines.note.name!r}")
        written = b""
        for data in read_noted(folder, lines.note):
            written += data
            if len(written) > _MOST_WRITTEN:
                break
        left = missing(left, written)
        # Before the note is made anew: what it tells is forgotten then.
        offset, stored = written_store(lines.written + len(lines.lines) - len(left))
        os.pwrite(descriptor, stored, at + offset)

    def note(new: Note) -> None:
        for offset, stored in half_note_stores(new):
            os.pwrite(descriptor, stored, at + offset)

    if left:
        append_noted(folder, _file_of(header, kind, lines.ts, zone), left, note)
    os.pwrite(descriptor, RELEASE, at)
    return left.count(b"\n")


def _file_of(header: Header, kind: LinesHeader, ts: float, zone: tzinfo) -> str:
    try:
        hour = hour_of(ts, zone)
    except (OverflowError, ValueError, OSError):
        raise DamagedError(f"a half of the time {ts}") from None
    return f"{header.psm}.recovered{kind.file.removeprefix(header.psm)}.{hour}.{kind.suffix}"


def _is_ours(header: Header, kind: LinesHeader, name: str) -> bool:
    rest = kind.file.removeprefix(header.psm)
    pattern = rf"{re.escape(header.psm)}(\.recovered)?{re.escape(rest)}\.[0-9]{{10}}\.{kind.suffix}"
    return re.fullmatch(pattern, name) is not None
