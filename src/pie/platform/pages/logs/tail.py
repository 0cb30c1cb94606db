"""Lines as they arrive: rows that were received since the last look, for each one who follows.

Every insert has a time of receipt of its own, later than all before it (see ``TableIngest``). One
question finds the newest time of receipt; each tail then takes the lines between its last one and
that: no line twice, none left out, also when the facts process was down in between.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import msgspec

from pie.model import SYSTEM_CLOCK, Clock, Failure, Kind
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.query.condition import Params
from pie.platform.pages.logs.filters import LogFilter
from pie.platform.pages.logs.lines import columns_sql, order_by
from pie.platform.pages.logs.views import Line

MAX_TAILS = 20
LINES_PER_SECOND = 500
PING_S = 5.0

_PAUSE_S = 0.4
"""Between two looks at the store at least."""
_UNASKED_S = 3.0
"""Without news of a commit, the store is looked at this often."""
_AWAY_S = 1.0
_LATE_S = 3600.0
"""Older lines are not live: they come from an agent that catches up."""

_COLUMNS = columns_sql(message=4_096, stack=16_384)
_encoder = msgspec.json.Encoder()


class _Reached(msgspec.Struct):
    reached: int


class _Total(msgspec.Struct):
    total: int


class Tails:
    """All that follow. To be used from one event loop.

    Args:
        ask: asks the store.
        max_tails: followers at most.
        lines_per_second: what one follower gets at most; the rest is counted.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        max_tails: int = MAX_TAILS,
        lines_per_second: int = LINES_PER_SECOND,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._ask = ask
        self._max_tails = max_tails
        self._lines_per_second = lines_per_second
        self._clock = clock
        self._tails = 0
        self._closed = False
        self._news = asyncio.Event()
        self._moved = asyncio.Condition()
        self._reached = 0
        """When the newest row was received, in milliseconds, as far as it is known."""
        self._watching: asyncio.Task[None] | None = None

    def committed(self, table: str) -> None:
        """Rows of a table were stored."""
        if table == "logs":
            self._news.set()

    def close(self) -> None:
        """End all tails."""
        self._closed = True
        self._news.set()

    @contextlib.contextmanager
    def seat(self) -> Iterator[None]:
        """A seat among the followers while the block runs.

        Raises:
            Failure: ``exhausted`` when all are taken.
        """
        if self._tails >= self._max_tails:
            raise Failure(
                Kind.EXHAUSTED,
                f"{self._tails} live tails are open, which is the most: close one of them",
            )
        self._tails += 1
        if self._watching is None:
            self._reached = self._now()
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._tails -= 1
            if not self._tails:
                self._watching.cancel()
                self._watching = None

    async def follow(self, wanted: LogFilter) -> AsyncIterator[bytes]:
        """Server-sent events with the lines that arrive from now on; within a seat."""
        position = self._now()
        allowance = _Allowance(self._lines_per_second, self._clock)
        yield b"retry: 2000\n\n" + _event("ping", {})
        while not self._closed:
            reached = await self._beyond(position)
            if reached <= position:
                yield _event("ping", {})
                continue
            try:
                lines, dropped = await self._between(position, reached, wanted, allowance.now())
            except Failure:
                await asyncio.sleep(_AWAY_S)  # it is being restarted; the position stays
                yield _event("ping", {})
                continue
            position = reached
            allowance.take(len(lines))
            if lines:
                yield _event("lines", lines)
            if dropped:
                yield _event("dropped", {"count": dropped})

    def _now(self) -> int:
        return int(self._clock.wall() * 1000)

    async def _beyond(self, position: int) -> int:
        """How far the store is: once it is further than that, or after the time of a ping."""
        async with self._moved:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await self._moved.wait_for(lambda: self._closed or self._reached > position)
        return self._reached

    async def _between(
        self, position: int, reached: int, wanted: LogFilter, most: int
    ) -> tuple[list[Line], int]:
        """The newest lines received in between, in their order, and how many more there were."""
        params = Params()
        low, high = params.add(position, "Int64"), params.add(reached, "Int64")
        late = params.add(int((time.time() - _LATE_S) * 1e6), "Int64")
        where = (
            f"received > fromUnixTimestamp64Milli({low}, 'UTC') "
            f"AND received <= fromUnixTimestamp64Milli({high}, 'UTC') "
            f"AND logs.ts >= fromUnixTimestamp64Micro({late}, 'UTC') "
            f"AND {wanted.where(params, None)}"
        )
        sql = f"SELECT {_COLUMNS} FROM logs WHERE {where} ORDER BY {order_by('desc')}"
        lines = decode(await self._ask(f"{sql} LIMIT {most + 1}", params.values), Line)
        if len(lines) <= most:
            return lines[::-1], 0
        count = await self._ask(f"SELECT count() AS total FROM logs WHERE {where}", params.values)
        return lines[:most][::-1], decode(count, _Total)[0].total - most

    async def _watch(self) -> None:
        """Keep ``_reached`` up to date while somebody follows."""
        while not self._closed:
            self._news.clear()
            try:
                reached = await self._look()
            except Failure:
                await asyncio.sleep(_AWAY_S)
                continue
            if reached > self._reached:
                async with self._moved:
                    self._reached = reached
                    self._moved.notify_all()
            await asyncio.sleep(_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_UNASKED_S):
                    await self._news.wait()
        async with self._moved:
            self._moved.notify_all()

    async def _look(self) -> int:
        params = Params()
        low = params.add(self._reached, "Int64")
        rows = await self._ask(
            "SELECT toUnixTimestamp64Milli(max(received)) AS reached FROM logs "
            f"WHERE received > fromUnixTimestamp64Milli({low}, 'UTC')",
            params.values,
        )
        return decode(rows, _Reached)[0].reached


class _Allowance:
    """How many lines one tail may get now: a bucket that fills up to twice its rate."""

    def __init__(self, per_second: int, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = float(2 * per_second)
        self._at = clock.monotonic()

    def now(self) -> int:
        moment = self._clock.monotonic()
        filled = self._left + (moment - self._at) * self._per_second
        self._left = min(2.0 * self._per_second, filled)
        self._at = moment
        return int(self._left)

    def take(self, lines: int) -> None:
        self._left -= lines


def _event(name: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encoder.encode(data))
