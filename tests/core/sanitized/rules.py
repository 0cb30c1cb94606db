"""Calls at random under rules of access and rate that change, by more callers than tables hold,
with gates that break, beside their twins.

Run it with a number of rounds and a seed.
"""

import gc
import random
import sys
from typing import Any

from tests.core.call.test_rule_twins import Side

from pie._core import native
from pie.govern import AccessRule, RateRule, RateState, Scope

assert native is not None


def rules(chance: random.Random) -> tuple[list[Any], list[Any]]:
    scopes = {
        str(scope): scope
        for _ in range(4)
        for scope in [
            Scope(
                caller=chance.choice(["*", "c1*", "c7", "(none)", frozenset({"c1", "c2"})]),
                lane=chance.choice(["*", "l"]),
            )
        ]
    }
    access = [
        (scope, AccessRule(chance.choice(["allow", "deny"]), chance.random() < 0.5))
        for scope in scopes.values()
        if chance.random() < 0.5
    ]
    rate = [
        (scope, RateRule(chance.choice([0.5, 3, 90]), 1, "service", chance.choice([0, 2])))
        for scope in scopes.values()
        if chance.random() < 0.7
    ]
    return access, rate


class Broken:
    """Breaks some answers of a gate."""

    def __init__(self, gate: Any, chance: random.Random) -> None:
        self._answer, self._chance = gate._answer, chance

    def __call__(self, call: Any, now: float) -> Any:
        step = self._chance.random()
        if step < 0.2:
            raise ValueError("a bug")
        if step < 0.3:
            gc.collect()
            return None
        return self._answer(call, now)


def main(rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    sides = [Side(None), Side(native)]
    for side in sides:
        side.state = RateState(50)
    for _ in range(rounds):
        access, rate = rules(chance)
        for side in sides:
            side.publish(access, rate)
            side.state.shares.count(["default"] * chance.randint(0, 3))
        sides[1].state.shares.count(sides[0].state.shares._clusters)
        for _ in range(30):
            wait = chance.choice([0, 0, 0.2, 1.5, 60])
            who = (f"c{chance.randint(0, 9000)}", chance.choice("mn"), chance.choice(["", "l"]))
            for side in sides:
                side.clock.advance(wait)
            twin, core = (side.call(*who) for side in sides)
            assert core == twin, (core, twin)
    assert sides[0].levels() == sides[1].levels()
    broken = Side(native)
    for _ in range(rounds):
        broken.publish(*rules(chance))
        for gate in broken.gates:
            gate._answer = Broken(gate, chance)
        broken.list.replace(broken.gates)
        for _ in range(20):
            broken.call(f"c{chance.randint(0, 9)}", "m", "")
        broken.verdicts.take()
    for wrong in ((1,), (None, None, (1,)), (None, None, ((native.Counts(), -1),))):
        try:
            native.Decision(*wrong)
        except (TypeError, ValueError):
            continue
        raise AssertionError("a wrong decision was made")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
