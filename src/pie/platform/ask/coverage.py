"""The window a question is about, and how much of it the edges cover; slots of a series."""

from dataclasses import dataclass

import msgspec

from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.account import EDGE_SINCE
from pie.platform.ask.asking import Ask, decode

MAX_SLOTS = 240
STEPS = (10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)
"""Seconds that one slot of a series may be wide."""

_LATEST = f"""
SELECT toUnixTimestamp(max(ts)) AS latest FROM edge_10s
WHERE {EDGE_SINCE} AND edge_10s.ts <= fromUnixTimestamp({{now:Int64}})
"""


_COVERED = f"""
SELECT DISTINCT toUInt32(intDiv(toUnixTimestamp(ts) - {{since:Int64}}, {{step:UInt32}})) AS slot
FROM edge_10s WHERE {EDGE_SINCE} AND edge_10s.ts < fromUnixTimestamp({{until:Int64}})
"""


class _Latest(msgspec.Struct):
    latest: int


class _Covered(msgspec.Struct):
    slot: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The window a question is about: it begins at ``since``, the edges reach to ``until``."""

    since: int
    until: int
    window: int

    @property
    def seconds(self) -> float:
        """The time that counts cover: the newest buckets have not arrived yet."""
        return min(max(self.until - self.since, self.window / 2), self.window + EDGE_SECONDS)


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


async def coverage(ask: Ask, now: float, window: int) -> Coverage:
    """How much of the last ``window`` seconds the edges of the whole fleet cover."""
    since = int(now) // EDGE_SECONDS * EDGE_SECONDS - window
    rows = decode(await ask(_LATEST, {"since": since, "now": int(now)}), _Latest)
    latest = rows[0].latest if rows else 0
    until = latest + EDGE_SECONDS if latest else int(now) // EDGE_SECONDS * EDGE_SECONDS
    return Coverage(since, until, window)


def slots_of(until: int, window: int) -> Slots:
    """At most ``MAX_SLOTS`` slots that cover the ``window`` seconds before ``until``.

    Slots stand still while time goes on, so the newest one is often not over yet.
    """
    step = next(step for step in STEPS if step * MAX_SLOTS >= window)
    count = -(-window // step)
    return Slots(-(-until // step) * step - count * step, step, count)


async def covered(ask: Ask, slots: Slots) -> frozenset[int]:
    """The slots of which anything is known: some service of the fleet reported a call in them.

    In the others the fleet or the road from it stood still: that nothing was counted there does
    not say that nothing happened.
    """
    params = {"since": slots.since, "step": slots.step, "until": slots.until}
    return frozenset(row.slot for row in decode(await ask(_COVERED, params), _Covered))
