"""What the log search answers: the types of its JSON. Times are Unix seconds."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Line:
    """One line. ``cut``: message, stack or a field is longer than shown.

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
class TakenAsText:
    """A condition of the query that was searched as text, since no line has this field.

    ``offset`` and ``length`` say where it stands in the query, in characters.
    """

    field: str
    text: str
    offset: int
    length: int


@dataclass(slots=True)
class SearchAnswer:
    """Lines in the order asked for; ``next`` is the cursor of the lines after them.

    ``literal`` is a query that looks for the text of this one as it stands: for what was pasted and
    is not found as words and fields. Empty when it would be the same.
    """

    lines: list[Line]
    next: str | None
    since: float
    until: float
    took_ms: float
    logid: str | None
    taken_as_text: list[TakenAsText]
    literal: str


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
class Total:
    """How many lines there are."""

    since: float
    until: float
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
