"""What the platform itself answers: sessions, its health, and the one form of all errors."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import ConfigDict


@dataclass(slots=True)
class Session:
    """Who is asking. An admin is a person, too.

    ``token`` is the id of the personal token in use, empty for a token of the platform's directory:
    its bearer is called ``user`` because they say so.
    """

    role: Literal["admin", "person", "service"]
    user: str
    token: str


@dataclass(slots=True)
class LoginPost:
    """A login. ``user`` counts only with the token in admin.token, which names nobody."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    token: str
    user: str = ""


@dataclass(slots=True)
class StateMember:
    """A member of the etcd cluster that holds the state; ``trouble`` is empty when it answers."""

    endpoint: str
    version: str
    leader: bool
    bytes: int
    bytes_in_use: int
    watchers: int
    trouble: str


@dataclass(slots=True)
class StateHealth:
    """The store of desired state.

    ``kind`` is ``embedded`` or ``etcd``; ``trouble`` says why it cannot be written, ``notes`` what
    needs care. The fields after ``watches`` are about etcd: its quota in bytes, its alarms, the
    revision up to which this platform has compacted, and whether that is this platform's job.
    """

    kind: str
    trouble: str
    notes: list[str]
    keys: int
    characters: int
    most_characters: int
    revision: int
    watches: int
    address: str = ""
    members: list[StateMember] = field(default_factory=list)
    quota: int = 0
    alarms: list[str] = field(default_factory=list)
    compacted: int = 0
    compacts: bool = False


@dataclass(slots=True)
class Health:
    """``degraded`` means that the facts process is down, or the state store cannot be written.

    ``facts_trouble`` says why it is down and what to do; ``facts_notes`` what people should know of
    an open store, e.g. which of its parts are damaged. ``state`` is None for strangers.
    """

    status: Literal["ok", "degraded"]
    facts: Literal["up", "down"]
    version: str
    facts_trouble: str
    facts_notes: list[str]
    state: StateHealth | None


@dataclass(slots=True)
class ErrorPlace:
    """A part of the text that was sent, in characters."""

    offset: int
    length: int


@dataclass(slots=True)
class ErrorBody:
    """One error: its HTTP status, its kind, and what happened and what to do.

    ``reason`` names what happened and ``parts`` has the names and numbers in it, for who says it in
    another language; many errors have none. ``at`` is there only for a query that cannot be
    understood: the part that is wrong.
    """

    code: int
    kind: str
    message: str
    reason: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    at: ErrorPlace | None = None
    literal: str = ""


@dataclass(slots=True)
class ErrorAnswer:
    """The one form of all errors."""

    error: ErrorBody
