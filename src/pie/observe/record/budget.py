"""The record budget: how many call records a second one process keeps.

Below the budget every record is kept. Beyond it, failed and slow calls stay, and the rest is
chosen by the logid, so that every process on a chain chooses the same chains.
"""

import zlib

RECORDS_PER_SECOND = 2000
SLOW_US = 1_000_000


class Budget:
    """Decides per call. Not thread-safe: its owner holds a lock.

    Args:
        per_second: records kept of ordinary calls, about.
        slow_us: calls at least this long are always kept.
    """

    def __init__(self, per_second: int = RECORDS_PER_SECOND, *, slow_us: int = SLOW_US) -> None:
        self.per_second = per_second
        self.slow_us = slow_us
        self._second = 0
        self._seen = 0
        self._seen_before = 0

    def weight(self, logid: str, ended: float, duration_us: int, failed: bool) -> float:
        """How many calls the record stands for; 0 = do not keep it. ``ended`` in Unix seconds."""
        second = int(ended)
        if second > self._second:
            self._seen_before = self._seen if second == self._second + 1 else 0
            self._seen = 0
            self._second = second
        self._seen += 1
        if failed or duration_us >= self.slow_us:
            return 1.0
        expected = max(self._seen, self._seen_before)
        if expected <= self.per_second:
            return 1.0
        share = self.per_second / expected
        return (
            1 / share
            if zlib.crc32(logid.encode("utf-8", "backslashreplace")) < share * 2**32
            else 0.0
        )
