"""Answers the parent of the facts process: rows to commit, questions, signs of life."""

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import msgspec

from pie.model import Failure, Kind, failure_of
from pie.platform.facts.answer import IngestAnswer, RejectedLine
from pie.platform.facts.budget import ByteBudget
from pie.platform.facts.dead_letter import DeadLetters
from pie.platform.facts.decode import count_rows, decode_rows, gunzip
from pie.platform.facts.errors import StoreError
from pie.platform.facts.frames import (
    MAX_FRAME,
    Answer,
    IngestRequest,
    Noted,
    Ping,
    QueryRequest,
    Refusal,
    read_message,
    write_message,
)
from pie.platform.facts.ingest import TableIngest
from pie.platform.facts.opening import OpenStore
from pie.platform.facts.schema import TABLES

_QUERY_THREADS = 5
"""Two of them may be busy with search tasks."""
_SHOWN_REJECTIONS = 10
_CARE_S = 20.0
"""Seconds between two looks at the rows that are there and the disk that is left."""
_MOST_NOTES = 20
_HELD_BYTES = 192 << 20
"""Memory for the posts that are being decoded and committed, as ``_weight`` estimates it."""

_json = msgspec.json.Encoder()


class FactsServer:
    """Answers requests against an open store.

    Ingest and questions have threads of their own, so that neither waits for the other's queue.
    """

    def __init__(self, opened: OpenStore, insert_interval: float) -> None:
        self._engine = engine = opened.engine
        self._home = home = opened.home
        self._inventory = opened.inventory
        self._notes = opened.notes
        self._tables = {table.name: TableIngest(engine, table, insert_interval) for table in TABLES}
        self._dead_letters = DeadLetters(home.directory.parent / "dead-letter.ndjson")
        self._query_threads = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="query")
        self._probe_thread = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._care_thread = ThreadPoolExecutor(1, thread_name_prefix="care")
        self._decode_thread = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._decode_turn = asyncio.Lock()
        self._room = ByteBudget(_HELD_BYTES, patience=20.0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the parent's end is closed."""
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(table.run()) for table in self._tables.values()]
            background.append(tasks.create_task(self._take_care()))
            answers: set[asyncio.Task[None]] = set()
            while (message := await read_message(reader)) is not None:
                if isinstance(message, IngestRequest | QueryRequest | Ping):
                    answer = asyncio.create_task(self._reply(message, writer))
                    answers.add(answer)
                    answer.add_done_callback(answers.discard)
            for task in (*background, *answers):
                task.cancel()
            await self._write_inventory()

    async def _take_care(self) -> None:
        while True:
            await self._write_inventory()
            await self._quietly(self._watch_disk)
            await asyncio.sleep(_CARE_S)

    def _watch_disk(self) -> None:
        if self._engine.guard is not None:
            self._engine.guard.look()

    async def _write_inventory(self) -> None:
        await self._quietly(self._inventory.write)

    async def _quietly(self, work: Callable[[], None]) -> None:
        """What fails now is tried again later."""
        with contextlib.suppress(OSError, StoreError):
            await asyncio.get_running_loop().run_in_executor(self._care_thread, work)

    async def _reply(
        self, request: IngestRequest | QueryRequest | Ping, writer: asyncio.StreamWriter
    ) -> None:
        reply: Answer | Refusal
        try:
            if isinstance(request, IngestRequest):
                reply = Answer(request.id, _json.encode(await self._ingest(request)))
            elif isinstance(request, QueryRequest):
                reply = Answer(request.id, await self._query(request, writer))
            else:
                reply = Answer(request.id, await self._probe())
        except Failure as failure:
            reply = _refusal(request.id, failure)
        except Exception as error:
            traceback.print_exc()
            reply = _refusal(request.id, failure_of(error))
        write_message(writer, reply)

    async def _ingest(self, request: IngestRequest) -> IngestAnswer:
        table = self._tables.get(request.table)
        if table is None:
            raise Failure(Kind.NOT_FOUND, f"there is no table {request.table!r}")
        run = asyncio.get_running_loop().run_in_executor
        async with AsyncExitStack() as held:
            # One body at a time is unpacked, so at most one stands outside of the bound.
            async with self._decode_turn:
                text = request.body
                if request.gzip:
                    text = await run(self._decode_thread, gunzip, text)
                await held.enter_async_context(self._room.hold(_weight(text)))
                rows, bad = await run(self._decode_thread, decode_rows, request.table, text)
                await run(self._decode_thread, self._dead_letters.keep, request.table, bad)
            committed = await table.commit(rows)
        return IngestAnswer(
            accepted=committed.accepted,
            duplicates=committed.duplicates,
            rejected=[RejectedLine(line.number, line.reason) for line in bad[:_SHOWN_REJECTIONS]],
            rejected_count=len(bad),
        )

    async def _query(self, request: QueryRequest, writer: asyncio.StreamWriter) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.run_in_executor(
                self._query_threads, self._engine.ask, request.sql, request.params
            )
        except StoreError as error:
            if error.damage:
                raise self._note_damage(error, writer) from None
            raise Failure(Kind.UNAVAILABLE, f"{error}: ask for less, or try again") from None
        if len(rows) > MAX_FRAME // 2:
            raise Failure(Kind.EXHAUSTED, f"the answer has {len(rows)} bytes: ask for less")
        return rows

    def _note_damage(self, error: StoreError, writer: asyncio.StreamWriter) -> Failure:
        """A file was found damaged by who reads it; all who look at the platform's health know."""
        note = (
            f"a file of the store cannot be read ({error}): stop the platform, put the files of "
            "this part back from a backup or move it out of its table's folder, and start again; "
            "questions that do not need it are answered"
        )
        if len(self._notes) < _MOST_NOTES and note not in self._notes:
            self._notes.append(note)
            write_message(writer, Noted(self._notes))
            with contextlib.suppress(OSError):
                sys.stderr.write(f"pie platform: {note}\n")
                sys.stderr.flush()
        return Failure(Kind.INTERNAL, note)

    async def _probe(self) -> bytes:
        try:
            self._home.check()
        except StoreError as error:
            raise Failure(Kind.UNAVAILABLE, str(error)) from None
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._probe_thread, self._engine.execute, "SELECT 1")
        return b""


def _weight(text: bytes) -> int:
    """Bytes of memory that a post takes until it is stored: text, rows, and what is inserted."""
    return 3 * len(text) + 500 * count_rows(text)


def _refusal(request_id: int, failure: Failure) -> Refusal:
    return Refusal(request_id, failure.kind.value, failure.code, failure.message)
