"""The answers about degradation. Times are Unix seconds, 0 = never or not known."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import ConfigDict

SwitchState = Literal["on", "off", "partial", "failing"]
"""``off``: what it stands for is not done. ``partial``: for a share of the calls, or for some calls
alone. ``failing``: the fallback answers after chosen failures."""
Share = Literal["chain", "user", "chance"]


@dataclass(slots=True)
class SwitchScope:
    """A rule about the switch for some calls alone, as text, and its state."""

    scope: str
    state: SwitchState
    percent: float


@dataclass(slots=True)
class SwitchRow:
    """A switch of a service, or (``name`` empty) the methods that are switched off by scope.

    ``known``: some process of the last ten days has it in its code. ``fallbacks`` and ``calls`` are
    counts of the last ten minutes: calls that the fallback answered, or that were refused, and all
    that a rule about it decided on; None when the store of facts does not answer. ``at_version`` of
    ``running`` instances have the rules of ``version``.
    """

    psm: str
    name: str
    state: SwitchState
    percent: float
    by: Share
    on: list[str]
    since: float
    until: float
    person: str
    reason: str
    scopes: list[SwitchScope]
    users_see: str
    fallback_on: list[str]
    owners: list[str]
    known: bool
    last_seen: float
    version: int
    running: int
    at_version: int | None
    fallbacks: int | None
    calls: int | None
    may_flip: bool


@dataclass(slots=True)
class SwitchName:
    """A switch of a service."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    psm: str
    name: str


@dataclass(slots=True)
class SwitchGroup:
    """Switches that are flipped together; ``off`` of them are off now."""

    name: str
    description: str
    switches: list[SwitchName]
    off: int
    author: str
    at: float


@dataclass(slots=True)
class DegradePage:
    """All switches of all services that are known or touched.

    ``facts``: whether the store of facts answered; without it switches that nobody touched are
    missing.
    """

    now: float
    facts: bool
    frozen: str
    switches: list[SwitchRow]
    groups: list[SwitchGroup]


@dataclass
class FlipPut:
    """Switch off (or on again): why, until when (Unix seconds, null = until somebody does), and for
    whom. ``force`` flips a name that no process has reported."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    off: bool
    reason: str
    until: float | None = None
    percent: float = 100.0
    by: Share = "chain"
    on: list[str] = field(default_factory=list)
    force: bool = False


@dataclass
class GroupPut:
    """All of a group."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    switches: list[SwitchName]
    description: str = ""


@dataclass(slots=True)
class Flipped:
    """What became of one switch of a group; ``error`` empty = it was flipped, or was so already."""

    psm: str
    name: str
    error: str


@dataclass(slots=True)
class GroupFlipped:
    """What became of each switch of a group."""

    switches: list[Flipped]
