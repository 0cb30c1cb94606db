"""How much each of many senders may do, with memory for a bounded number of them."""

from collections import OrderedDict

from pie.model import SYSTEM_CLOCK, Clock


class RateLimit:
    """A token bucket for each key.

    Args:
        per_second: what a bucket regains.
        burst: what it holds when full.
        keys: senders remembered; beyond that the one unseen for longest is forgotten.
    """

    def __init__(
        self, per_second: float, burst: float, keys: int = 20_000, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._keys = keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, amount: float) -> float:
        """Seconds until ``amount`` may be taken, 0 if it may be now. Takes nothing."""
        missing = min(amount, self._burst) - self._left(key)
        return max(0.0, missing / self._per_second)

    def take(self, key: str, amount: float) -> None:
        """Take it, also when it is more than there is."""
        self._buckets[key] = (self._left(key) - amount, self._clock.monotonic())
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)

    def _left(self, key: str) -> float:
        left, at = self._buckets.get(key, (self._burst, 0.0))
        return min(self._burst, left + (self._clock.monotonic() - at) * self._per_second)
