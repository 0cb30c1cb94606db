"""Retry: whether a failed attempt is worth another, and after which pause.

Only what the peer cannot have seen is tried again, so that no effect happens twice.
"""

from pie.model import SYSTEM_CLOCK, SYSTEM_RANDOM, Call, Clock, Random


class Retry:
    """Up to ``attempts`` attempts, with exponential backoff and equal jitter.

    Args:
        attempts: attempts in all, the first included.
        base: seconds before the first retry, doubled for each further one.
        jitter: part of the pause that is random, both ways.
    """

    def __init__(
        self,
        attempts: int = 3,
        *,
        base: float = 0.005,
        jitter: float = 0.2,
        clock: Clock = SYSTEM_CLOCK,
        random: Random = SYSTEM_RANDOM,
    ) -> None:
        self._attempts = attempts
        self._base = base
        self._jitter = jitter
        self._clock = clock
        self._random = random

    def pause(self, call: Call) -> float | None:
        """Seconds to wait before the next attempt of a call that just failed; None = give up."""
        failure = call.failure
        if failure is None or not failure.never_sent or call.attempts >= self._attempts:
            return None
        if call.target is None:
            return None  # Rejected before an endpoint was chosen: the next try would be, too.
        spread = 1 + self._jitter * (2 * self._random.random() - 1)
        pause: float = self._base * 2.0 ** (call.attempts - 1) * spread
        if call.deadline is not None and self._clock.monotonic() + pause >= call.deadline:
            call.notes.append("not retried: the deadline would pass")
            return None
        call.notes.append(
            f"retry {call.attempts} after {pause * 1000:.0f} ms: attempt {call.attempts} "
            f"was never sent ({failure.message})"
        )
        return pause
