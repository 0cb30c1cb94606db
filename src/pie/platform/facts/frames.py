"""Messages of the platform's two processes: framed msgpack over one socket pair.

A socket pair has no name, so nobody else can connect, and its end tells each side at once that
the other is gone. Requests carry an id and may be answered in any order.
"""

import asyncio
import struct
from typing import Any

import msgspec

MAX_FRAME = 128 << 20
BUFFER = 4 << 20
"""Bytes that either side reads ahead: by default reading stops and goes on every 128 KiB."""

_LENGTH = struct.Struct("!I")


class Hello(msgspec.Struct, tag=True, kw_only=True):
    """Parent, first: what to open. Sizes in bytes, times in seconds."""

    directory: str
    memory: int
    insert_interval: float
    lock_patience: float


class IngestRequest(msgspec.Struct, tag=True):
    """Parent: commit these rows; ``body`` is NDJSON, perhaps under gzip."""

    id: int
    table: str
    gzip: bool
    body: bytes


class QueryRequest(msgspec.Struct, tag=True):
    """Parent: answer this question, as one JSON object per row."""

    id: int
    sql: str
    params: dict[str, Any]


class Ping(msgspec.Struct, tag=True):
    """Parent: is the store alive? Answered with an empty body, past the queue of questions."""

    id: int


class Ready(msgspec.Struct, tag=True):
    """Child: the store is open; ``notes`` are sentences for people."""

    notes: list[str]


class Noted(msgspec.Struct, tag=True):
    """Child: the notes of the open store have changed."""

    notes: list[str]


class Unopened(msgspec.Struct, tag=True):
    """Child, last: the store cannot be opened now, why, and what to do."""

    reason: str


class Answer(msgspec.Struct, tag=True):
    """Child: what request ``id`` asked for."""

    id: int
    body: bytes


class Refusal(msgspec.Struct, tag=True):
    """Child: why request ``id`` has no answer, in the terms of ``Failure``."""

    id: int
    kind: str
    code: int
    message: str


Message = Hello | IngestRequest | QueryRequest | Ping | Ready | Noted | Unopened | Answer | Refusal

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def write_message(writer: asyncio.StreamWriter, message: Message) -> None:
    """Queue a message; the caller drains."""
    body = _encoder.encode(message)
    writer.write(_LENGTH.pack(len(body)))
    writer.write(body)


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message, None at the end of the connection.

    Raises:
        ValueError: what came is not a message of ours.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MAX_FRAME:
            raise ValueError(f"a frame of {length} bytes is over the limit of {MAX_FRAME}")
        return _decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
