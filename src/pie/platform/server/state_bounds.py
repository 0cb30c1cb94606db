"""What keeps clients of the state store from taking the whole platform."""

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

from pie.model import SYSTEM_CLOCK, Clock
from pie.state.store.interface import Range, Ranges, Refused, StoreAway
from pie.state.store.served import ServedStore

R = TypeVar("R")
_THREADS = 40
_RANGES_PER_S = 200
_RANGES_BURST = 200
_RANGES_CHARS = 8 << 20
"""Of the values in one answer to ``ranges``, after which it is cut off."""


class RangeBound:
    """How many reads of ranges begin in a second: a fleet that comes back all at once must not
    take the time in which the leases of those that are there are renewed. Followers try again
    after a random time."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._tokens = float(_RANGES_BURST)
        self._at = clock.monotonic()

    def admit(self) -> None:
        """Raise `StoreAway` when there were too many of late."""
        now = self._clock.monotonic()
        self._tokens = min(_RANGES_BURST, self._tokens + (now - self._at) * _RANGES_PER_S)
        self._at = now
        if self._tokens < 1:
            raise StoreAway("too many clients read the state at once; it is read in turn")
        self._tokens -= 1


def some_ranges(store: ServedStore, prefixes: list[str]) -> Ranges:
    """As many as make one answer, at least one."""
    found: dict[str, Range] = {}
    refused: list[Refused] = []
    size = 0
    for prefix in prefixes:
        one = store.ranges([prefix])
        found |= one.found
        refused += one.refused
        size += sum(len(entry.value) for each in one.found.values() for entry in each.entries)
        if size > _RANGES_CHARS:
            break
    return Ranges(found, tuple(refused))


class Threads:
    """Threads of the state routes alone: an etcd that hangs must not hold up the pages."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[[], R]) -> R:
        """Call it in one of them."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_THREADS)
        return await run_sync(function, limiter=self._limiter)
