"""Balance: chooses one of the endpoints that are left.

Power of two choices (Mitzenmacher, 2001): of two endpoints drawn at random, the one with fewer
calls of ours in flight.
"""

from pie._core import native
from pie.model import SYSTEM_RANDOM, Call, Endpoint, Random, address_of


class Balance:
    """Sets ``call.target``; prefers endpoints that earlier attempts of the call did not go to.

    Route stands before it, so that there is at least one candidate.
    """

    def __init__(self, *, random: Random = SYSTEM_RANDOM) -> None:
        self._random = random
        self._pending: dict[str, int] = {}

    def enter(self, call: Call) -> None:
        candidates = [each for each in call.candidates if each.id not in call.tried]
        target = self._choose(candidates or list(call.candidates))
        call.target = target
        call.peer = address_of(target)
        call.version = target.version
        self._pending[target.id] = self._pending.get(target.id, 0) + 1

    def leave(self, call: Call) -> None:
        if call.target is None:
            return
        left = self._pending[call.target.id] - 1
        if left:
            self._pending[call.target.id] = left
        else:
            del self._pending[call.target.id]

    def _choose(self, candidates: list[Endpoint]) -> Endpoint:
        if len(candidates) == 1:
            return candidates[0]
        first = int(self._random.random() * len(candidates))
        second = int(self._random.random() * (len(candidates) - 1))
        if second >= first:
            second += 1
        one, other = candidates[first], candidates[second]
        pending = self._pending.get
        return one if pending(one.id, 0) <= pending(other.id, 0) else other


if native is not None:
    native.setup_random(SYSTEM_RANDOM)
    native.setup_gate("Balance", Balance)
