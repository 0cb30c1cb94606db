"""For tests: time that moves only when a test advances it, and callees that are functions."""

from pie.rpc import over
from pie.testing.clock import FakeClock

__all__ = ["FakeClock", "over"]
