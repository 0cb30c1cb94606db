"""Balance: chooses one of the endpoints that are left.

Algorithm: power of two choices (Mitzenmacher, "The power of two choices in randomized load
balancing", 2001): of two endpoints drawn at random, the one with fewer calls of ours in flight. By
weights: an endpoint is drawn in proportion to its weight, and of the two the one is taken that has
fewer calls in flight for its weight, the first if that is the same. So an endpoint of half the
weight gets half the calls while all are idle, and has half as many in flight when all are busy.

The weights are those of the registry, or of the rule, which *route* puts into the endpoints. The
state is the calls in flight by id of the endpoint; ids come from the registry, and one without a
call in flight is forgotten.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, ClassVar, Final, NamedTuple, cast

import msgspec
from msgspec import Meta

from pie._core import native
from pie.govern.rule import Rule, Side
from pie.model import SYSTEM_RANDOM, Call, Endpoint, Random, StaticEndpoint, address_of

_MAX_LISTS: Final = 64
"""Lists of candidates whose weights are kept."""
ALIKE: Final = ()


class BalanceRule(Rule, frozen=True):
    """How much traffic instances get, decided by the callee's owner for all its callers."""

    kind: ClassVar[str] = "balance"
    sides: ClassVar[tuple[Side, ...]] = ("callers",)

    weights: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=10_000)]],
        Meta(
            max_length=1000,
            description="Weight of instances, by id, host:port or host: 100 = a full share of the "
            "calls, 50 = half of one, 0 = none. The others keep the weight that they registered.",
            extra={"unit": "%"},
        ),
    ] = msgspec.field(default_factory=dict)

    def weight(self, endpoint: Endpoint) -> int:
        """The weight of an endpoint: the rule's where it names it, else its own."""
        for name in (endpoint.id, address_of(endpoint), endpoint.host):
            found = self.weights.get(name)
            if found is not None:
                return max(1, round(found)) if found else 0
        return endpoint.weight


def weighed(endpoints: Sequence[Endpoint], rule: BalanceRule) -> Sequence[Endpoint]:
    """The endpoints with the weights that a rule gives them."""
    return tuple(_with_weight(each, rule.weight(each)) for each in endpoints)


def _with_weight(endpoint: Endpoint, weight: int) -> Endpoint:
    if weight == endpoint.weight:
        return endpoint
    if isinstance(endpoint, msgspec.Struct):
        return msgspec.structs.replace(endpoint, weight=weight)
    return cast(StaticEndpoint, endpoint)._replace(weight=weight)


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
        self._sums: dict[int, tuple[Sequence[Endpoint], Sequence[int]]] = {}

    def native_state(self) -> NativeBalance | None:
        """The counts, which C changes itself; None = not by this source of chance."""
        return NativeBalance(self._pending) if self._random is SYSTEM_RANDOM else None

    def enter(self, call: Call) -> None:
        candidates: Sequence[Endpoint] = call.candidates
        if call.tried:
            candidates = [each for each in candidates if each.id not in call.tried] or candidates
        target = self._choose(candidates)
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

    def _choose(self, candidates: Sequence[Endpoint]) -> Endpoint:
        if len(candidates) == 1:
            return candidates[0]
        sums = self._sums_of(candidates)
        if sums is not ALIKE:
            return self._by_weight(candidates, sums)
        first = int(self._random.random() * len(candidates))
        second = int(self._random.random() * (len(candidates) - 1))
        if second >= first:
            second += 1
        one, other = candidates[first], candidates[second]
        pending = self._pending.get
        return one if pending(one.id, 0) <= pending(other.id, 0) else other

    def _by_weight(self, candidates: Sequence[Endpoint], sums: Sequence[int]) -> Endpoint:
        first = bisect_right(sums, self._random.random() * sums[-1])
        weight = candidates[first].weight
        others = sums[-1] - weight
        if not others:
            return candidates[first]
        drawn = self._random.random() * others
        if drawn >= sums[first] - weight:
            drawn += weight
        second = min(bisect_right(sums, drawn), len(candidates) - 1)
        one, other = candidates[first], candidates[second]
        loads = [self._pending.get(each.id, 0) for each in (one, other)]
        return one if loads[0] * other.weight <= loads[1] * one.weight else other

    def _sums_of(self, candidates: Sequence[Endpoint]) -> Sequence[int]:
        """The sums of the weights up to each candidate; ``ALIKE`` if all have the same."""
        found = self._sums.get(id(candidates))
        if found is not None and found[0] is candidates:
            return found[1]
        weights = [each.weight for each in candidates]
        sums = ALIKE if len(set(weights)) == 1 else tuple(accumulate(weights))
        if isinstance(candidates, tuple):  # Others may change and stay the same object.
            if len(self._sums) >= _MAX_LISTS:
                self._sums.clear()
            self._sums[id(candidates)] = (candidates, sums)
        return sums


if native is not None:
    native.setup_gate("Balance", Balance)
