"""How long to wait before trying again."""

from pie.model.clock import SYSTEM_RANDOM, Random

FIRST_S = 0.1
MAX_S = 5.0


class Backoff:
    """Doubling waits with jitter, so that a fleet does not come back in step."""

    def __init__(
        self, *, first: float = FIRST_S, longest: float = MAX_S, random: Random = SYSTEM_RANDOM
    ) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self._wait = first

    def next(self) -> float:
        """Seconds to wait now: between half and all of the current step."""
        wait = self._wait
        self._wait = min(wait * 2, self._longest)
        return wait * (0.5 + 0.5 * self._random.random())

    def reset(self) -> None:
        """It worked: the next trouble starts small again."""
        self._wait = self._first
