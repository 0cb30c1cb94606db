"""For tests: time that moves only when a test advances it, callees that are functions, and
configuration for the length of a block."""

from pie.rpc import over
from pie.testing.clock import FakeClock
from pie.testing.config import configured, switched

__all__ = ["FakeClock", "configured", "over", "switched"]
