"""For tests: time that moves only when told to, and callees that are functions."""

from pie.rpc import over
from pie.testing.clock import FakeClock

__all__ = ["FakeClock", "over"]
