"""The record budget: how many call records a second one process keeps.

Below the budget every record is kept. Beyond it, records are chosen by the logid, so that every
process on a chain chooses the same chains, and each kept one has a weight: the number of calls that
it stands for. Notable calls, which failed or were slow, have a budget of their own, so that they
stay while ordinary ones are thinned, and yet no stranger who makes all calls fail fills the disk.
"""

import zlib

RECORDS_PER_SECOND = 2000
SLOW_US = 1_000_000
_CLOCK_SET_BACK = 10
"""Seconds: a call that ends so long before the newest shows that the clock was set back."""


class Budget:
    """Decides per call. Not thread-safe: its owner holds a lock.

    Args:
        per_second: records kept of ordinary calls, about.
        slow_us: calls at least this long are notable.
        notable_per_second: records kept of notable calls, about; None = ``per_second``.
    """

    def __init__(
        self,
        per_second: int = RECORDS_PER_SECOND,
        *,
        slow_us: int = SLOW_US,
        notable_per_second: int | None = None,
    ) -> None:
        self.per_second = per_second
        self.slow_us = slow_us
        self.notable_per_second = per_second if notable_per_second is None else notable_per_second
        self._ordinary = Share(self.per_second)
        self._notable = Share(self.notable_per_second)

    def weight(self, logid: str, ended: float, duration_us: int, failed: bool) -> float:
        """How many calls the record stands for; 0 = do not keep it. ``ended`` in Unix seconds."""
        notable = failed or duration_us >= self.slow_us
        return (self._notable if notable else self._ordinary).weight(logid, int(ended))


class Share:
    """The budget of one kind of calls."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._second = 0
        self._seen = 0
        self._seen_before = 0

    def weight(self, logid: str, second: int) -> float:
        """How many calls the record stands for; 0 = do not keep it."""
        if second > self._second or second < self._second - _CLOCK_SET_BACK:
            self._seen_before = self._seen if second == self._second + 1 else 0
            self._seen = 0
            self._second = second
        self._seen += 1
        expected = max(self._seen, self._seen_before)
        if expected <= self._per_second:
            return 1.0
        share = self._per_second / expected
        number = zlib.crc32(logid.encode("utf-8", "backslashreplace"))
        return 1 / share if number < share * 2**32 else 0.0
