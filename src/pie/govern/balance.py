"""Balance: chooses one of the endpoints that are left.

Algorithm: power of two choices (Mitzenmacher, "The power of two choices in randomized load
balancing", 2001): of two endpoints drawn at random, the one with fewer calls of ours in flight.
There is no rule. The state is the calls in flight by id of the endpoint; ids come from the
registry, and one without a call in flight is forgotten.
"""

from typing import NamedTuple

from pie._core import native
from pie.model import SYSTEM_RANDOM, Call, Endpoint, Random, address_of


class BalanceState:
    """Calls of this process in flight, by id of their endpoint."""

    def __init__(self) -> None:
        self.pending: dict[str, int] = {}


class NativeBalance(NamedTuple):
    """What C reads of the gate."""

    pending: dict[str, int]


class Balance:
    """Sets ``call.target``; prefers endpoints that earlier attempts of the call did not go to.

    Route stands before it, so that there is at least one candidate.
    """

    policy = "balance"

    def __init__(
        self, state: BalanceState | None = None, *, random: Random = SYSTEM_RANDOM
    ) -> None:
        self._pending = (BalanceState() if state is None else state).pending
        self._random = random

    def native_state(self) -> NativeBalance | None:
        """The counts, which C changes itself; None = not by this source of chance."""
        return NativeBalance(self._pending) if self._random is SYSTEM_RANDOM else None

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
        left = self._pending.get(call.target.id, 0) - 1
        if left > 0:
            self._pending[call.target.id] = left
        else:
            self._pending.pop(call.target.id, None)

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
    native.setup_gate("Balance", Balance)
