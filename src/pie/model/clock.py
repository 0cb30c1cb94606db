"""Time and chance as parameters, so that every policy can be tested without waiting."""

import os
import random
import time
from typing import Protocol

from pie._core import native


class Clock(Protocol):
    """Two readings: one for durations, one for dates. Seconds, both."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...


class SystemClock:
    """The machine's own time."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


SYSTEM_CLOCK = SystemClock()
if native is not None:
    native.setup_clock(SYSTEM_CLOCK)


class Random(Protocol):
    """The part of ``random.Random`` that Pie draws from."""

    def random(self) -> float: ...

    def getrandbits(self, k: int, /) -> int: ...


_generator = random.Random()
os.register_at_fork(after_in_child=_generator.seed)
SYSTEM_RANDOM: Random = _generator
"""Seeded by the system, again in every forked child: workers must not draw the same ids."""
