"""The answers about search tasks. Times are Unix seconds."""

from dataclasses import dataclass, field
from typing import Literal

from pie.platform.pages.logs.views import Histogram, Line

TaskType = Literal["normal", "chain", "stack", "client"]
TaskState = Literal["running", "done", "failed", "cancelled"]


@dataclass(slots=True)
class TaskParams:
    """What a task searches for: the query, the chosen values, and the time."""

    q: str
    psm: list[str]
    cluster: list[str]
    host: list[str]
    level: list[str]
    since: float
    until: float
    folder: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Task:
    """A search that runs by itself. Its name is the text it searches for.

    ``progress`` goes from 0 to 1, ``found`` counts lines. ``message`` is why it failed, what it
    waits for, or what its chain consists of. ``logid`` is that of a chain, or the one that the
    query asks for.
    """

    id: int
    name: str
    type: TaskType
    operator: str
    started: float
    ended: float | None
    state: TaskState
    progress: float
    found: int
    message: str
    logid: str | None
    params: TaskParams


@dataclass(slots=True)
class TaskRequest:
    """A search to be run as a task. Without a time it is the last hour, or that of the logid."""

    q: str = ""
    type: TaskType = "normal"
    psm: list[str] = field(default_factory=list)
    cluster: list[str] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    level: list[str] = field(default_factory=list)
    folder: list[str] = field(default_factory=list)
    since: float | None = None
    until: float | None = None


@dataclass(slots=True)
class TaskList:
    """The newest first."""

    tasks: list[Task]


@dataclass(slots=True)
class TaskResult:
    """What a task found: the newest lines, and the exact counts of all.

    ``truncated``: there were more lines than are kept. While the task runs, lines and
    counts are those found until now.
    """

    task: Task
    lines: list[Line]
    levels: dict[str, int]
    histogram: Histogram | None
    truncated: bool
