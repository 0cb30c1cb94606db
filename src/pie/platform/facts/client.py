"""The parent's end of the facts process: sends it questions and rows; fails when it is away."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from pie.model import Failure, Kind
from pie.platform.facts.frames import (
    Answer,
    IngestRequest,
    Message,
    Noted,
    Ping,
    QueryRequest,
    Refusal,
    read_message,
    write_message,
)


class FactsClient:
    """Asks the facts process over the connection it was last attached to.

    To be used from one event loop. Every method raises ``Failure``: ``unavailable`` when the
    process is away, dies before it answers or is asked too much at once (safe to send again), or
    what the process itself refused.

    Args:
        query_limit: questions in flight at most.
        query_patience: seconds to wait for an answer to a question.
        ingest_patience: seconds to wait for a commit.
    """

    def __init__(
        self,
        *,
        query_limit: int = 32,
        query_patience: float = 30.0,
        ingest_patience: float = 60.0,
    ) -> None:
        self._ids = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._query_limit = query_limit
        self._queries = 0
        self._query_patience = query_patience
        self._ingest_patience = ingest_patience
        self._on_commit: list[Callable[[str], None]] = []
        self._trouble = "it is being started"
        self._notes: list[str] = []

    def on_commit(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with the table's name after each commit of rows."""
        self._on_commit.append(listener)

    @property
    def is_up(self) -> bool:
        """Whether a facts process is attached."""
        return self._writer is not None

    @property
    def trouble(self) -> str:
        """Why no facts process is attached, and what to do; empty while one is."""
        return "" if self.is_up else self._trouble

    @property
    def notes(self) -> list[str]:
        """What people should know of the open store, e.g. of damage."""
        return self._notes

    def tell(self, trouble: str) -> None:
        """Say in the next failures why no facts process is attached."""
        self._trouble = trouble

    async def ingest(self, table: str, body: bytes, *, gzip: bool) -> bytes:
        """Commit NDJSON rows; the answer is an ``IngestAnswer`` as JSON."""
        request = IngestRequest(next(self._ids), table, gzip, body)
        answer = await self._ask(request, self._ingest_patience)
        for listener in self._on_commit:
            listener(table)
        return answer

    async def query(self, sql: str, params: dict[str, Any]) -> bytes:
        """Rows of a question, as one JSON object per line."""
        if self._queries >= self._query_limit:
            raise Failure(
                Kind.EXHAUSTED, f"{self._queries} questions are being answered: ask again later"
            )
        self._queries += 1
        try:
            request = QueryRequest(next(self._ids), sql, params)
            return await self._ask(request, self._query_patience)
        finally:
            self._queries -= 1

    async def ping(self, patience: float) -> None:
        """Return when the store answers, within ``patience`` seconds."""
        await self._ask(Ping(next(self._ids)), patience)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: list[str]
    ) -> None:
        """Use this connection until it ends; then fail whatever still waits for an answer."""
        self._writer = writer
        self._notes = notes
        self._trouble = "it has ended"
        try:
            while (message := await read_message(reader)) is not None:
                self._settle(message)
        finally:
            self._writer = None
            self._notes = []
            waiting, self._waiting = self._waiting, {}
            for future in waiting.values():
                if not future.done():
                    future.set_exception(self._away())

    async def _ask(self, request: IngestRequest | QueryRequest | Ping, patience: float) -> bytes:
        writer = self._writer
        if writer is None:
            raise self._away(never_sent=True)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        try:
            async with asyncio.timeout(patience):
                write_message(writer, request)
                await writer.drain()
                return await future
        except TimeoutError:
            raise Failure(
                Kind.UNAVAILABLE,
                f"the facts process gave no answer within {patience:g} s: it is busy, "
                "ask for less or try again later",
            ) from None
        except ConnectionError:
            raise self._away() from None
        finally:
            self._waiting.pop(request.id, None)

    def _away(self, *, never_sent: bool = False) -> Failure:
        return Failure(
            Kind.UNAVAILABLE,
            f"the store of facts is away and is started again by itself: {self._trouble}",
            never_sent=never_sent,
        )

    def _settle(self, message: Message) -> None:
        if isinstance(message, Answer):
            future = self._waiting.get(message.id)
            if future is not None and not future.done():
                future.set_result(message.body)
        elif isinstance(message, Refusal):
            future = self._waiting.get(message.id)
            if future is not None and not future.done():
                failure = Failure(Kind(message.kind), message.message, code=message.code)
                future.set_exception(failure)
        elif isinstance(message, Noted):
            self._notes = message.notes
