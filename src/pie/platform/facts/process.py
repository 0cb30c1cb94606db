"""The child that owns the facts: opens the column store and answers its parent, nobody else.

Started by the platform as ``python -m pie.platform.facts.process FD``, where FD is its end of a
socket pair. It ends when the parent's end is closed, whatever the parent died of.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from pie.model import Failure, Kind, failure_of
from pie.platform.facts.answer import IngestAnswer, RejectedLine
from pie.platform.facts.budget import ByteBudget
from pie.platform.facts.dead_letter import DeadLetters
from pie.platform.facts.decode import MAX_BODY, decode_rows, gunzip
from pie.platform.facts.engine import Engine, StoreError, open_chdb
from pie.platform.facts.frames import (
    MAX_FRAME,
    Answer,
    Fatal,
    Hello,
    IngestRequest,
    Ping,
    QueryRequest,
    Ready,
    Refusal,
    read_message,
    write_message,
)
from pie.platform.facts.ingest import TableIngest
from pie.platform.facts.schema import TABLES
from pie.platform.facts.upgrade import prepare

_QUERY_THREADS = 5
"""Two of them may be busy with search tasks."""
_SHOWN_REJECTIONS = 10
_UNPACKED_BYTES = 4 * MAX_BODY

_json = msgspec.json.Encoder()


class FactsServer:
    """Answers requests against an open store.

    Ingest and questions have threads of their own, so that neither waits for the other's queue.
    """

    def __init__(self, engine: Engine, directory: Path, insert_interval: float) -> None:
        self._engine = engine
        self._tables = {table.name: TableIngest(engine, table, insert_interval) for table in TABLES}
        self._dead_letters = DeadLetters(directory / "dead-letter.ndjson")
        self._query_threads = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="query")
        self._probe_thread = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._decode_thread = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._decode_turn = asyncio.Lock()
        self._room = ByteBudget(_UNPACKED_BYTES, patience=20.0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the parent's end is closed."""
        async with asyncio.TaskGroup() as tasks:
            inserters = [tasks.create_task(table.run()) for table in self._tables.values()]
            answers: set[asyncio.Task[None]] = set()
            while (message := await read_message(reader)) is not None:
                if isinstance(message, IngestRequest | QueryRequest | Ping):
                    answer = asyncio.create_task(self._reply(message, writer))
                    answers.add(answer)
                    answer.add_done_callback(answers.discard)
            for task in (*inserters, *answers):
                task.cancel()

    async def _reply(
        self, request: IngestRequest | QueryRequest | Ping, writer: asyncio.StreamWriter
    ) -> None:
        reply: Answer | Refusal
        try:
            if isinstance(request, IngestRequest):
                reply = Answer(request.id, _json.encode(await self._ingest(request)))
            elif isinstance(request, QueryRequest):
                reply = Answer(request.id, await self._query(request))
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
                await held.enter_async_context(self._room.hold(len(text)))
                rows, bad = await run(self._decode_thread, decode_rows, request.table, text)
                await run(self._decode_thread, self._dead_letters.keep, request.table, bad)
            committed = await table.commit(rows)
        return IngestAnswer(
            accepted=committed.accepted,
            duplicates=committed.duplicates,
            rejected=[RejectedLine(line.number, line.reason) for line in bad[:_SHOWN_REJECTIONS]],
            rejected_count=len(bad),
        )

    async def _query(self, request: QueryRequest) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            rows = await loop.run_in_executor(
                self._query_threads, self._engine.ask, request.sql, request.params
            )
        except StoreError as error:
            raise Failure(Kind.UNAVAILABLE, f"{error}: ask for less, or try again") from None
        if len(rows) > MAX_FRAME // 2:
            raise Failure(Kind.EXHAUSTED, f"the answer has {len(rows)} bytes: ask for less")
        return rows

    async def _probe(self) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._probe_thread, self._engine.execute, "SELECT 1")
        return b""


def _refusal(request_id: int, failure: Failure) -> Refusal:
    return Refusal(request_id, failure.kind.value, failure.code, failure.message)


async def _main(descriptor: int) -> int:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    hello = await read_message(reader)
    if not isinstance(hello, Hello):
        return 1
    directory = Path(hello.directory)
    opening = asyncio.get_running_loop().run_in_executor(None, _open, hello)
    try:
        engine = await opening
    except StoreError as error:
        write_message(writer, Fatal(str(error)))
        await writer.drain()
        return 1
    server = FactsServer(engine, directory, hello.insert_interval)
    write_message(writer, Ready())
    await server.serve(reader, writer)
    return 0


def _open(hello: Hello) -> Engine:
    directory = Path(hello.directory) / "facts"
    engine = open_chdb(directory, memory=hello.memory, patience=hello.lock_patience)
    prepare(engine, free=lambda: shutil.disk_usage(directory).free)
    return engine


def main() -> None:
    """Serve the parent, then leave at once: everything answered is stored already."""
    # Signals to stop may reach the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = asyncio.run(_main(int(sys.argv[1])))
    os._exit(code)


if __name__ == "__main__":
    main()
