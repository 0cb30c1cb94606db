"""Changes that people make, on their way from the state store to the facts.

Who changes desired state puts the event into the same commit (the *outbox*): so a change without
its event, or an event without its change, cannot be. The platform moves events from there to the
table ``events``, where they stay for two years.
"""

import secrets
from typing import Literal

import msgspec

from pie.model import SYSTEM_CLOCK, Clock
from pie.state.store.interface import Write

PREFIX = "/pie/events/"
MAX_REASON = 2000
"""Characters of a reason or comment."""

EventKind = Literal[
    "config",
    "degrade",
    "drain",
    "freeze",
    "owner",
    "people",
    "release",
    "rollout",
    "rule",
    "switch",
    "task",
]


class ChangeEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change that a person made, or a platform on behalf of one.

    Attributes:
        id: unique; ids sort by time.
        at: Unix seconds.
        psm: the service that it is about; empty = the whole fleet.
        subject: what was changed, e.g. ``rule/server/access`` or ``switch/recommend``.
        person: who did it.
        reason: in that person's words.
        version: that the subject has since then; 0 = it has none.
        before: what it was, as JSON; empty where nothing was, and where the two together are too
            large for one commit: then the event of the version before has it.
        after: what it is, as JSON; secrets are masked by who makes the event.
    """

    id: str
    at: float
    kind: EventKind
    psm: str = ""
    subject: str
    person: str
    reason: str = ""
    version: int = 0
    before: str = ""
    after: str = ""


def new_event_id(clock: Clock = SYSTEM_CLOCK) -> str:
    """An id that no other event has: the time in microseconds and 32 random bits."""
    return f"{int(clock.wall() * 1e6):017d}-{secrets.token_hex(4)}"


def outbox(event: ChangeEvent) -> Write:
    """What to put into the commit that makes the change."""
    return Write(PREFIX + event.id, msgspec.json.encode(event).decode())


def read_event(value: str) -> ChangeEvent:
    """An event as the outbox holds it.

    Raises:
        ValueError: it is none.
    """
    return msgspec.json.decode(value, type=ChangeEvent)
