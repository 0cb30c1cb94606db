"""A clock that moves only when a test advances it."""


class FakeClock:
    """Implements ``pie.model.Clock``; both readings move together. Seconds."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass; usable as the ``sleep`` of a driver."""
        self._monotonic += seconds
        self._wall += seconds
