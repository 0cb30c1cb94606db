"""The answers about changes. Times are Unix seconds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Change:
    """One change. ``psm`` is the service it is about, empty for the whole fleet; ``subject`` names
    what changed, e.g. ``rule/server/access``; ``version`` is 0 for what has none.

    ``summary`` says in a line what differs; empty when that takes more than a line, and when
    ``hidden``: what happens to people's tokens is shown to them and to admins.
    """

    id: str
    at: float
    kind: str
    psm: str
    subject: str
    version: int
    person: str
    reason: str
    summary: str
    hidden: bool


@dataclass(slots=True)
class ChangeCount:
    """How many changes have this name."""

    name: str
    count: int


@dataclass(slots=True)
class ChangeList:
    """Changes of a span of time, the newest first.

    ``next`` is to be given as `before` for older ones, empty when there are none. ``kinds`` and
    ``people`` count the changes of the span by kind and by person, those filters left aside.
    """

    now: float
    since: float
    until: float
    changes: list[Change]
    next: str
    kinds: list[ChangeCount]
    people: list[ChangeCount]


LineSign = Literal[" ", "+", "-", "…"]
"""The same, new, gone; lines left out."""


@dataclass(slots=True)
class ChangedLine:
    """One line of a diff."""

    sign: LineSign
    text: str


@dataclass(slots=True)
class ChangeDetail:
    """One change with its diff. ``before`` and ``after`` are texts as they stood, mostly JSON.

    ``diff`` is null when they are too large to compare.
    """

    change: Change
    before: str
    after: str
    diff: list[ChangedLine] | None
