"""Search tasks: who asked for what, run one after the other, kept for all to see.

The platform's parent runs them, two at a time. A platform that ends leaves them as they are, and
the next one begins them again; one that was begun too often has failed.
"""

import asyncio
import itertools

from pie.model import SYSTEM_CLOCK, Clock, Failure, Kind
from pie.platform.pages.logs.filters import window_of
from pie.platform.pages.logs.sql import LogSearch
from pie.platform.pages.logs.tasks.run import TaskRun, filter_of
from pie.platform.pages.logs.tasks.store import Kept, Result, TaskStore
from pie.platform.pages.logs.tasks.views import Task, TaskParams, TaskRequest, TaskResult, TaskState
from pie.platform.server.blocking import blocking

MAX_WAITING = 100
MAX_VALUES = 100

_AT_ONCE = 2
_MOST_RUNS = 3
_NAME = 200
_VALUE = 1000


class _Live:
    """A task that waits or runs."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.run: TaskRun | None = None
        self.work: asyncio.Task[None] | None = None
        self.cancelled = False
        self.ended = asyncio.Event()


class Tasks:
    """All tasks. To be used from one event loop; ``run`` does the work."""

    def __init__(self, store: TaskStore, search: LogSearch, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._search = search
        self._clock = clock
        self._live: dict[int, _Live] = {}
        self._waiting: asyncio.Queue[_Live] = asyncio.Queue()

    async def run(self) -> None:
        """Begin again what was not ended, and work until cancelled."""
        for kept in await blocking(self._store.all):
            if kept.task.state == "running" and kept.task.id not in self._live:
                await self._begin_again(kept)
        async with asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(self._work())

    async def create(self, request: TaskRequest, operator: str) -> Task:
        """Take a task.

        Raises:
            Failure: its query or time makes no sense (``invalid``, a ``QueryError`` for the
                query), or too many wait (``exhausted``).
        """
        if len(self._live) >= MAX_WAITING:
            raise Failure(
                Kind.EXHAUSTED, f"{len(self._live)} search tasks wait already: try again later"
            )
        _check(request)
        now = self._clock.wall()
        params = TaskParams(
            q=request.q,
            psm=request.psm,
            cluster=request.cluster,
            host=request.host,
            level=request.level,
            folder=request.folder,
            since=0.0,
            until=0.0,
        )
        logid = filter_of(request.type, params).logid
        # A chain is looked for where it is, whatever time is chosen for other searches.
        asked = (None, None) if request.type == "chain" else (request.since, request.until)
        params.since, params.until = window_of(now, *asked, logid).seconds
        task = Task(
            id=await blocking(self._store.new_id),
            name=" ".join(request.q.split())[:_NAME] or "*",
            type=request.type,
            operator=operator,
            started=now,
            ended=None,
            state="running",
            progress=0.0,
            found=0,
            message="",
            logid=logid,
            params=params,
        )
        kept = Kept(task)
        await blocking(lambda: self._store.put(kept))
        self._enqueue(kept)
        await blocking(self._store.prune)
        return task

    async def list(self, operator: str | None, limit: int) -> list[Task]:
        """The newest tasks, of one person if named."""
        tasks = [self._current(kept).task for kept in await blocking(self._store.all)]
        wanted = [task for task in tasks if operator is None or task.operator == operator]
        return wanted[::-1][:limit]

    async def get(self, number: int) -> TaskResult:
        """A task and what it found, until now if it runs."""
        kept = await self._kept(number)
        live = self._live.get(number)
        if live is not None:
            result = live.run.result if live.run is not None else Result()
        else:
            stored = await blocking(lambda: self._store.result(number))
            result = stored or Result()
        return TaskResult(
            task=kept.task,
            lines=result.lines,
            levels=result.levels,
            histogram=result.histogram,
            truncated=result.truncated,
        )

    async def cancel(self, number: int, by: str, *, admin: bool) -> Task:
        """Stop a task; one that has ended stays as it is.

        Raises:
            Failure: ``denied``: it is another person's, and who asks is no admin.
        """
        kept = await self._kept(number)
        if not admin and kept.task.operator != by:
            raise Failure(
                Kind.DENIED,
                f"search task {number} is {kept.task.operator}'s: they or an admin may stop or "
                f"delete it, and {by} is neither",
            )
        live = self._live.get(number)
        running = kept.task.state == "running"  # else its result is just being written
        if live is not None and running and not live.cancelled:
            live.cancelled = True
            if live.work is not None:
                live.work.cancel()
            else:
                await self._end(live, "cancelled", "cancelled before its turn came")
        if live is not None:
            await live.ended.wait()  # also who cancels second, so that nothing is written later
        return kept.task

    async def delete(self, number: int, by: str, *, admin: bool) -> None:
        """Stop and forget a task. Raises as ``cancel``."""
        await self.cancel(number, by, admin=admin)
        kept = await self._kept(number)
        await blocking(lambda: self._store.delete(kept, by))

    async def _kept(self, number: int) -> Kept:
        live = self._live.get(number)
        kept = live.kept if live else await blocking(lambda: self._store.get(number))
        if kept is None:
            raise Failure(Kind.NOT_FOUND, f"there is no search task {number}: old ones are dropped")
        return kept

    def _current(self, kept: Kept) -> Kept:
        live = self._live.get(kept.task.id)
        return live.kept if live is not None else kept

    async def _begin_again(self, kept: Kept) -> None:
        if kept.runs >= _MOST_RUNS:
            kept.task.state = "failed"
            kept.task.ended = self._clock.wall()
            kept.task.message = f"the platform ended {kept.runs} times while this task ran"
            await blocking(lambda: self._store.put(kept))
            return
        kept.task.progress = 0.0
        kept.task.found = 0
        self._enqueue(kept)

    def _enqueue(self, kept: Kept) -> None:
        live = self._live[kept.task.id] = _Live(kept)
        kept.task.message = "waits for its turn"
        self._waiting.put_nowait(live)

    async def _work(self) -> None:
        while True:
            live = await self._waiting.get()
            if live.cancelled:
                continue
            live.work = asyncio.create_task(self._one(live))
            try:
                await asyncio.wait({live.work})
            except asyncio.CancelledError:
                # The platform ends: the task stays as it is, to be begun again.
                live.work.cancel()
                raise
            if not live.ended.is_set():  # it was cancelled before its first step
                await self._end(live, "cancelled", "cancelled")

    async def _one(self, live: _Live) -> None:
        kept = live.kept
        try:
            kept.runs += 1
            kept.task.message = ""
            await blocking(lambda: self._store.put(kept))
            live.run = TaskRun(self._search, kept.task)
            async for share in live.run.steps():
                kept.task.progress = round(share, 3)
            await self._end(live, "done", kept.task.message)
        except asyncio.CancelledError:
            if not live.cancelled:
                raise
            await self._end(live, "cancelled", "cancelled")
        except Failure as failure:
            await self._end(live, "failed", failure.message)
        except Exception as error:  # a task must not take its worker along
            await self._end(live, "failed", f"the platform failed on it: {error!r}")

    async def _end(self, live: _Live, state: TaskState, message: str) -> None:
        kept = live.kept
        task = kept.task
        task.state, task.message, task.ended = state, message, self._clock.wall()
        if state == "done":
            task.progress = 1.0
        result = live.run.result if live.run is not None else Result()
        try:
            kept.size = await blocking(lambda: self._store.put_result(task.id, result))
            await blocking(lambda: self._store.put(kept))
        except Failure as failure:
            task.state, task.message = "failed", f"its result could not be kept: {failure.message}"
        finally:
            self._live.pop(task.id, None)
            live.ended.set()


def _check(request: TaskRequest) -> None:
    """Raises ``Failure`` for what is too much, or cannot be kept."""
    lists = (request.psm, request.cluster, request.host, request.level, request.folder)
    if any(len(values) > MAX_VALUES for values in lists):
        raise Failure(Kind.INVALID, f"more than {MAX_VALUES} values are chosen: choose fewer")
    for text in (request.q, *itertools.chain(*lists)):
        if text is not request.q and len(text) > _VALUE:
            raise Failure(
                Kind.INVALID, f"{text[:80]!r}… has {len(text)} characters, {_VALUE} are the most"
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Failure(
                Kind.INVALID, f"{text[:80]!r} is no text: half a surrogate pair"
            ) from None
