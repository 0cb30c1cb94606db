"""The window a question is about, and how much of it the edges cover; slots of a series."""

from dataclasses import dataclass

import msgspec

from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.account import EDGE_SPAN
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.span import Span

MAX_SLOTS = 240
STEPS = (10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 172_800)
"""Seconds that one slot of a series may be wide."""
_FEW_SECONDS = 60
_BEFORE = 3_600
"""Seconds before a window in which a report says that the fleet ran when the window began."""

_REACH = f"""
SELECT toUnixTimestamp(min(ts)) AS first, toUnixTimestamp(max(ts)) AS latest FROM edge_10s
WHERE {EDGE_SPAN}
"""


_COVERED = f"""
SELECT DISTINCT toUInt32(intDiv(toUnixTimestamp(ts) - {{since:Int64}}, {{step:UInt32}})) AS slot
FROM edge_10s WHERE {EDGE_SPAN}
"""


class _Reach(msgspec.Struct):
    first: int
    latest: int


class _Covered(msgspec.Struct):
    slot: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of a span that the edges of the fleet cover.

    They begin at ``began``: at ``since``, or later where the fleet is younger than that; and reach
    to ``until``, since the newest have not come yet.
    """

    since: int
    began: int
    until: int
    window: int

    @property
    def seconds(self) -> float:
        """The time that counts cover, by which rates divide: not less than a minute, or half of a
        shorter window, so that a few calls are no rate."""
        return max(self.until - self.began, min(self.window / 2, _FEW_SECONDS))

    @property
    def params(self) -> dict[str, int]:
        """What it covers, as parameters of a question."""
        return {"since": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class Slots:
    """``count`` slots of ``step`` seconds each, from ``since`` on."""

    since: int
    step: int
    count: int

    @property
    def until(self) -> int:
        """Where the last slot ends."""
        return self.since + self.step * self.count


async def coverage(ask: Ask, span: Span) -> Coverage:
    """How much of a span the edges of the whole fleet cover."""
    around = {"since": span.since - _BEFORE, "until": span.until}
    rows = decode(await ask(_REACH, around), _Reach)
    first, latest = (rows[0].first, rows[0].latest) if rows else (0, 0)
    until = span.until - (EDGE_SECONDS if span.moving else 0)
    if not span.settled and latest >= span.since:
        until = min(latest + EDGE_SECONDS, span.until)
    return Coverage(span.since, max(span.since, first), until, span.window)


def slots_of(until: int, window: int) -> Slots:
    """At most ``MAX_SLOTS`` slots that cover the ``window`` seconds before ``until``.

    Slots stand still while time goes on, so the newest one is often not over yet.
    """
    step = _step(window)
    count = -(-window // step)
    return Slots(-(-until // step) * step - count * step, step, count)


def slots_in(span: Span, until: int) -> Slots:
    """The slots of a span whose edges reach to ``until``: the newest window of a moving one, the
    whole of a fixed one."""
    if span.moving:
        return slots_of(until, span.window)
    step = _step(span.window)
    since = span.since // step * step
    return Slots(since, step, -(-(span.until - since) // step))


def _step(window: int) -> int:
    return next((step for step in STEPS if step * MAX_SLOTS >= window), STEPS[-1])


async def covered(ask: Ask, slots: Slots) -> frozenset[int]:
    """The slots of which anything is known: some service of the fleet reported a call in them.

    In the others the fleet or the road from it stood still: that nothing was counted there does
    not say that nothing happened.
    """
    params = {"since": slots.since, "step": slots.step, "until": slots.until}
    return frozenset(row.slot for row in decode(await ask(_COVERED, params), _Covered))
