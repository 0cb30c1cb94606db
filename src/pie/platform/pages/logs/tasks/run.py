"""How a search task finds its lines: slices of time from the newest on, counting exactly."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from pie.model import Failure, Kind
from pie.platform.ask.chain_rows import calls_of
from pie.platform.ask.chain_tree import build_tree
from pie.platform.ask.params import checked_logid
from pie.platform.ask.query.tree import Logid
from pie.platform.pages.logs.build import step_of
from pie.platform.pages.logs.filters import MICROS, LogFilter, Tab, Window, log_filter, settle
from pie.platform.pages.logs.lines import find_lines
from pie.platform.pages.logs.sql import LogSearch
from pie.platform.pages.logs.tasks.store import Result
from pie.platform.pages.logs.tasks.views import Task, TaskParams, TaskType
from pie.platform.pages.logs.tokens import with_tokens
from pie.platform.pages.logs.views import Bucket, Histogram, Line

MAX_LINES = 200
MAX_LINE_BYTES = 512 << 10

_BUCKETS = 60
_LEVELS = 20
_OTHER = "…"
_FIRST_SLICE = 3600 * MICROS
_SHORTEST_SLICE = 60 * MICROS
_LONGEST_SLICE = 24 * 3600 * MICROS
_QUICK_S = 1.0
_SLOW_S = 4.0
_PAUSE_S = 2.0
_PATIENCE_S = 120.0
"""How long a slice is retried: the facts process may be down, or the slice too large."""

_encode = msgspec.json.Encoder().encode
_TAB_OF: dict[TaskType, Tab] = {
    "normal": "keyword", "chain": "keyword", "stack": "stack", "client": "client",
}  # fmt: skip


def filter_of(kind: TaskType, params: TaskParams) -> LogFilter:
    """The lines a task looks for.

    Raises:
        QueryError: the query cannot be understood.
        Failure: a chain task's query is no logid.
    """
    if kind == "chain":
        return LogFilter(Logid(checked_logid(params.q)))
    chosen = {
        "psm": params.psm,
        "cluster": params.cluster,
        "host": params.host,
        "level": params.level,
        "folder": params.folder,
    }
    return log_filter(params.q, _TAB_OF[kind], chosen)  # type: ignore[arg-type]


class TaskRun:
    """One run of a task; ``result`` grows while ``steps`` goes on."""

    def __init__(self, search: LogSearch, task: Task) -> None:
        self._search = search
        self._task = task
        self._wanted = filter_of(task.type, task.params)
        params = task.params
        self._window = Window(int(params.since * MICROS), int(params.until * MICROS))
        self._buckets: dict[int, Counter[str]] = {}
        self._step = step_of(self._window, _BUCKETS)
        self._bytes = 0
        self._settled = False
        self._began = time.monotonic()
        self.result = Result()

    async def steps(self) -> AsyncIterator[float]:
        """Search on; what comes is the share that is done."""
        if self._task.type == "chain":
            await self._chain()
            yield 0.1
        until = self._window.until
        size = _FIRST_SLICE
        give_up = time.monotonic() + _PATIENCE_S
        while until > self._window.since:
            since = max(self._window.since, until - size)
            began = time.monotonic()
            try:
                await self._settle()
                await self._slice(Window(since, until))
            except Failure as failure:
                patient = failure.kind in (Kind.UNAVAILABLE, Kind.EXHAUSTED)
                if not patient or time.monotonic() > give_up:
                    raise
                size = max(size // 4, _SHORTEST_SLICE)
                await asyncio.sleep(_PAUSE_S)
                continue
            took = time.monotonic() - began
            if took < _QUICK_S:
                size = min(2 * size, _LONGEST_SLICE)
            elif took > _SLOW_S:
                size = max(size // 2, _SHORTEST_SLICE)
            give_up = time.monotonic() + _PATIENCE_S
            until = since
            done = self._window.until - until
            yield done / (self._window.until - self._window.since)

    async def _chain(self) -> None:
        logid = self._wanted.logid
        assert logid is not None, "a chain task's query is a logid"
        calls = await calls_of(self._search.ask, logid)
        if not calls.rows:
            self._task.message = "no call of this chain is stored"
            return
        tree = build_tree(calls.rows)
        self._task.message = f"{_many(len(tree.nodes), 'node')}, {_many(tree.call_count, 'call')}"

    async def _settle(self) -> None:
        """Once: read as text what is no field, for the whole time of the task alike."""
        if self._settled:
            return
        self._wanted = await settle(self._search.ask, self._wanted, self._window)
        self._settled = True
        names = sorted({each.name for each in self._wanted.as_text})
        if names:
            self._task.message = f"no line has a field {', '.join(names)}: searched as text"

    async def _slice(self, window: Window) -> None:
        """Ask first, then count: a slice that fails counts nothing."""
        counted = await self._search.counts(self._wanted, window, self._step)
        found = sum(row.count for row in counted)
        lines: list[Line] = []
        room = MAX_LINES - len(self.result.lines)
        if found and room and not self.result.truncated:
            wanted = await with_tokens(self._search.ask, self._wanted)
            answer = await find_lines(self._search.ask, wanted, window, "desc", room)
            lines = answer.lines
        for row in counted:
            self._buckets.setdefault(row.bucket, Counter())[row.level] += row.count
        self._task.found += found
        for line in lines:
            self._bytes += len(_encode(line))
            if self._bytes > MAX_LINE_BYTES:
                break
            self.result.lines.append(line)
        self.result.truncated = len(self.result.lines) < self._task.found
        self._summarise()

    def _summarise(self) -> None:
        levels: Counter[str] = Counter()
        for counts in self._buckets.values():
            levels.update(counts)
        shown = {level for level, _ in levels.most_common(_LEVELS)}
        since, until = self._window.seconds
        first, last = self._window.since // self._step, (self._window.until - 1) // self._step
        buckets = [
            _bucket(number * self._step / MICROS, self._buckets.get(number, Counter()), shown)
            for number in range(first, last + 1)
        ]
        self.result.levels = _folded(levels, shown)
        self.result.histogram = Histogram(
            since=since,
            until=until,
            step_s=self._step / MICROS,
            buckets=buckets,
            total=levels.total(),
            took_ms=round((time.monotonic() - self._began) * 1000, 1),
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _bucket(ts: float, counts: Counter[str], shown: set[str]) -> Bucket:
    return Bucket(ts, counts.total(), _folded(counts, shown))


def _folded(counts: Counter[str], shown: set[str]) -> dict[str, int]:
    """The counts of the levels shown, and of all others together."""
    folded: Counter[str] = Counter()
    for level, count in counts.items():
        folded[level if level in shown else _OTHER] += count
    return dict(folded)
