"""What the log search answers: the types of its JSON. Times are Unix seconds."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Line:
    """One line. ``cut`` says that message, stack or a field is longer than shown.

    ``id`` names it: time in microseconds, source, position. ``stack_hash`` is a decimal number of
    up to 64 bits as text, empty for a line without a stack.
    """

    id: str
    ts: float
    level: str
    psm: str
    cluster: str
    host: str
    folder: str
    file: str
    line: int
    process: int
    thread: int
    logid: str
    span_id: str
    message: str
    stack: str
    stack_hash: str
    fields: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(slots=True)
class SearchAnswer:
    """Lines in the order asked for; ``next`` is the cursor of the lines after them."""

    lines: list[Line]
    next: str | None
    since: float
    until: float
    took_ms: float
    logid: str | None


@dataclass(slots=True)
class Bucket:
    """The lines from ``ts`` on, for one step."""

    ts: float
    total: int
    levels: dict[str, int]


@dataclass(slots=True)
class Histogram:
    """Lines over time by level; ``buckets`` are without gaps."""

    since: float
    until: float
    step_s: float
    buckets: list[Bucket]
    total: int
    took_ms: float


@dataclass(slots=True)
class FacetValue:
    value: str
    count: int


@dataclass(slots=True)
class Facets:
    """The most frequent values of each facet, as if nothing were chosen in that facet itself."""

    facets: dict[str, list[FacetValue]]
    took_ms: float


@dataclass(slots=True)
class StackGroup:
    """Lines with the same stack. ``error`` is its last line."""

    stack_hash: str
    error: str
    count: int
    first: float
    last: float
    psms: list[str]
    sample: Line


@dataclass(slots=True)
class StackGroups:
    """The most frequent stacks first."""

    groups: list[StackGroup]
    took_ms: float


@dataclass(slots=True)
class Context:
    """Lines around the one with id ``target``, in their order; that one is whole."""

    lines: list[Line]
    target: str


@dataclass(slots=True)
class Completions:
    values: list[str]


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

    ``progress`` goes from 0 to 1, ``found`` counts lines. ``message`` says what is to be said: why
    it failed, what it waits for, what a chain is made of. ``logid`` is that of a chain, or the one
    that the query asks for.
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

    ``truncated`` says that there were more lines than are kept. While the task runs, lines and
    counts are those found until now.
    """

    task: Task
    lines: list[Line]
    levels: dict[str, int]
    histogram: Histogram | None
    truncated: bool
