"""For tests of services and policies: time that moves only when told to."""

from pie.testing.clock import FakeClock

__all__ = ["FakeClock"]
