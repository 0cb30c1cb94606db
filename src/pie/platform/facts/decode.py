"""From the body of a post to typed rows; bad rows are refused one by one."""

import zlib
from dataclasses import dataclass

import msgspec

from pie.model import Failure, Kind
from pie.platform.facts.rows import ROW_TYPES, StoredRow, settle

MAX_BODY = 16 << 20
"""Bytes of a post's body, before and after gzip."""

MAX_ROWS = 50_000
"""Rows of a post: a body of few bytes, even less under gzip, may hold millions of them."""

_DECODERS: dict[str, msgspec.json.Decoder[StoredRow]] = {
    table: msgspec.json.Decoder(row_type) for table, row_type in ROW_TYPES.items()
}


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is not a row: its number from 1, why, and its bytes."""

    number: int
    reason: str
    text: bytes


def gunzip(body: bytes, limit: int = MAX_BODY) -> bytes:
    """The content of a gzip body.

    Raises:
        Failure: 413 beyond ``limit`` bytes (never unpacked), ``invalid`` when it is not gzip.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise Failure(Kind.INVALID, f"the body is not gzip as it says: {error}") from None
    if len(text) > limit:
        raise Failure(
            Kind.INVALID,
            f"the body is larger than {limit} bytes without gzip: split it and send the parts",
            code=413,
        )
    if not stream.eof or stream.unused_data:
        raise Failure(Kind.INVALID, "the gzip body is cut off, or something follows it")
    return text


def count_rows(text: bytes) -> int:
    """How many rows an NDJSON text may hold.

    Raises:
        Failure: 413 beyond ``MAX_ROWS`` (none is decoded).
    """
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    if lines > MAX_ROWS:
        raise Failure(
            Kind.INVALID,
            f"the post has {lines} lines, and {MAX_ROWS} are the most: split it and send the parts",
            code=413,
        )
    return lines


def decode_rows(table: str, text: bytes) -> tuple[list[StoredRow], list[BadLine]]:
    """All rows of an NDJSON text, and the lines that are none."""
    decoder = _DECODERS[table]
    try:
        rows = decoder.decode_lines(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    else:
        if all(map(settle, rows)):
            return rows, []
    return _decode_one_by_one(decoder, text)


def _decode_one_by_one(
    decoder: msgspec.json.Decoder[StoredRow], text: bytes
) -> tuple[list[StoredRow], list[BadLine]]:
    rows: list[StoredRow] = []
    bad: list[BadLine] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad.append(BadLine(number, str(error)[:300], line))
            continue
        if settle(row):
            rows.append(row)
        else:
            bad.append(BadLine(number, "a number does not fit 64 bits", line))
    return rows, bad
