"""Ingest of one table: the posts of all senders merged into one insert at a time."""

import asyncio
import itertools
import time
import traceback
from collections import defaultdict, deque
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from pie.model import SYSTEM_CLOCK, Clock, Failure, Kind
from pie.platform.facts.dedupe import HighWater, Position, fresh_rows
from pie.platform.facts.engine import Engine
from pie.platform.facts.errors import StoreError
from pie.platform.facts.marks import Marks
from pie.platform.facts.rows import StoredRow
from pie.platform.facts.schema import FactTable
from pie.platform.facts.window import TimeWindow, partition

MAX_INSERT_ROWS = 100_000

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a post's rows, all of them stored."""

    accepted: int
    duplicates: int


@dataclass(slots=True, eq=False)
class _Post:
    rows: list[StoredRow]
    done: "asyncio.Future[Committed]"
    accepted: int = 0
    error: StoreError | None = None


@dataclass(slots=True)
class _Insert:
    """The rows of one day from all posts: committed as a whole or not at all."""

    rows: list[StoredRow] = field(default_factory=list)
    shares: list[tuple[_Post, int]] = field(default_factory=list)
    """The posts that have rows of this day, with how many of them are fresh."""
    reached: dict[Position, int] = field(default_factory=dict)


class TableIngest:
    """Commits the rows of one table, in one thread of its own.

    A post is answered when all its rows are stored. One that came while an equal one was on its
    way waits its turn and then finds its rows committed: that is what makes a repeat count once.

    Args:
        clock: the time rows are received at.
        interval: seconds from one insert to the next at least; the first after a pause is at once.
    """

    def __init__(
        self, engine: Engine, table: FactTable, interval: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._engine = engine
        self._table = table
        self._interval = interval
        self._clock = clock
        self._marks = Marks(engine, table.name)
        self._high = HighWater(self._marks.load)
        self._received = 0.0
        self._numbers = itertools.count(time.time_ns())
        self._posts: deque[_Post] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"insert-{table.name}")

    async def commit(self, rows: list[StoredRow]) -> Committed:
        """Store rows.

        Raises:
            Failure: ``unavailable`` when the store failed: some rows may be stored, and sending
                the same again is safe; ``invalid`` when it cannot read one of the rows.
        """
        post = _Post(rows, asyncio.get_running_loop().create_future())
        self._posts.append(post)
        self._arrived.set()
        return await post.done

    async def run(self) -> None:
        """Merge and insert until cancelled."""
        loop = asyncio.get_running_loop()
        next_insert = 0.0
        while True:
            await self._arrived.wait()
            pause = next_insert - self._clock.monotonic()
            if pause > 0 and sum(len(post.rows) for post in self._posts) < MAX_INSERT_ROWS:
                await asyncio.sleep(pause)
            next_insert = self._clock.monotonic() + self._interval
            posts = self._take()
            try:
                await loop.run_in_executor(self._thread, self._insert_all, posts)
            except Exception as error:
                # A mistake of ours must not end the ingest. What it stored is not known.
                traceback.print_exc()
                self._high = HighWater(self._marks.load)
                for post in posts:
                    post.error = StoreError(f"the rows cannot be stored: {error!r}")
            for post in posts:
                _answer(post)

    def _take(self) -> list[_Post]:
        taken: list[_Post] = []
        size = 0
        while self._posts and size < MAX_INSERT_ROWS:
            taken.append(self._posts.popleft())
            size += len(taken[-1].rows)
        if not self._posts:
            self._arrived.clear()
        return taken

    def _insert_all(self, posts: list[_Post]) -> None:
        self._merge(posts)
        if len(posts) == 1:
            return
        for post in posts:
            if post.error is not None and post.error.about_data:
                # A row the store cannot read must not hold up the rows of others.
                post.error = None
                self._merge([post])

    def _merge(self, posts: list[_Post]) -> None:
        try:
            self._high.learn({row.src for post in posts for row in post.rows if row.src})
        except StoreError as error:
            for post in posts:
                post.error = error
            return
        for insert in self._by_day(posts):
            self._insert(insert)

    def _by_day(self, posts: list[_Post]) -> Collection[_Insert]:
        window = TimeWindow(self._clock.wall(), self._table.days)
        inserts: dict[int, _Insert] = defaultdict(_Insert)
        for post in posts:
            window.fit(post.rows)
            days: dict[int, list[StoredRow]] = defaultdict(list)
            for row in post.rows:
                days[partition(row)].append(row)
            for day, rows in days.items():
                insert = inserts[day]
                fresh = fresh_rows(rows, self._high.get, insert.reached)
                insert.rows += fresh
                # A post without fresh rows here may repeat one that is in this very insert.
                insert.shares.append((post, len(fresh)))
        return inserts.values()

    def _insert(self, insert: _Insert) -> None:
        if not insert.rows:
            return
        self._stamp(insert.rows)
        try:
            self._engine.insert(self._table.name, _encoder.encode_lines(insert.rows))
        except StoreError as error:
            # Stored or not, we cannot tell: the marks are read again before they are used.
            self._high.forget({src for src, _ in insert.reached})
            for post, _ in insert.shares:
                post.error = error
            return
        self._high.raise_to(insert.reached)
        self._marks.note(insert.reached)
        for post, fresh in insert.shares:
            post.accepted += fresh

    def _stamp(self, rows: list[StoredRow]) -> None:
        """Say when rows are received: later, by a millisecond at least, than all before them.

        Who has seen a row of one moment has then seen all of it, and all before: that is how a
        live tail goes on. A row without a position gets a number, so that it can be named.
        """
        now = round(self._clock.wall(), 3)
        self._received = received = max(now, round(self._received + 0.001, 3))
        for row in rows:
            row.received = received
            if not row.src:
                row.pos = next(self._numbers)


def _answer(post: _Post) -> None:
    if post.done.done():
        return  # the sender left
    if post.error is None:
        post.done.set_result(Committed(post.accepted, len(post.rows) - post.accepted))
    elif post.error.about_data:
        post.done.set_exception(
            Failure(Kind.INVALID, f"{post.error}: send the rows apart, and leave out the bad one")
        )
    else:
        post.done.set_exception(Failure(Kind.UNAVAILABLE, f"{post.error}: send it again"))
