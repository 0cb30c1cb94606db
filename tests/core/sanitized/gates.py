"""Calls at random through lists of gates: dropped inside gates, rejected, replaced meanwhile.

Run it with a number of rounds and a seed.
"""

import contextlib
import gc
import random
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from pie._core import native
from pie.call import Course, GateLock, Gates
from pie.govern import (
    Balance,
    BalanceState,
    ClientDeadline,
    LimitsRule,
    Retry,
    RetryRule,
    Route,
    RouteRule,
    RuleSet,
    Scope,
    TimeoutRule,
)
from pie.model import SYSTEM_CLOCK, Call, Failure, Kind, StaticEndpoint

assert native is not None
ENDPOINTS = tuple(
    StaticEndpoint(
        f"{n}", ("default", "canary")[n % 2], "127.0.0.1", n, "framed", idc="ab"[n // 5], weight=n
    )
    for n in range(1, 9)
)
SHARED = RouteRule(clusters={"default": 1, "canary": 1, "gone": 1}, own_idc=True, by="user")
SHIFT = RouteRule(
    shift_to="canary", shift_begins=datetime(2020, 1, 1, tzinfo=UTC), shift_most=50, by="call"
)


def some(chance: random.Random, kind: Any, psm: str, side: Any, *rules: Any) -> Any:
    """A set with one of the rules, or None."""
    if chance.random() < 0.3:
        return None
    return RuleSet(kind, psm, side, 1, [(Scope(), chance.choice(rules))])


class Wild:
    """A gate that lets go of other calls, rejects, repairs, delays, and breaks."""

    def __init__(self, chance: random.Random, open_calls: list[Any]) -> None:
        self._chance = chance
        self._open = open_calls

    def enter(self, call: Call) -> float | None:
        return self._do(call)

    def leave(self, call: Call) -> None:
        self._do(call)

    def _do(self, call: Call) -> float | None:
        step = self._chance.random()
        if step < 0.2:
            self._open.clear()
        elif step < 0.25:
            gc.collect()
        elif step < 0.3:
            raise Failure(Kind.UNAVAILABLE, "down", never_sent=True)
        elif step < 0.33:
            raise ValueError("a bug")
        elif step < 0.4:
            call.succeed("repaired")
        return 0.001 if step > 0.9 else None


def main(rounds: int, seed: int) -> None:
    chance, lock, state = random.Random(seed), GateLock(), BalanceState()
    open_calls: list[Any] = []

    def gates() -> list[Any]:
        deadline = ClientDeadline(
            some(chance, TimeoutRule, "a.b.c", "client", TimeoutRule(total=1.0, attempt=0.5)),
            some(chance, LimitsRule, "d.e.f", "callers", LimitsRule(least_timeout=2.0)),
        )
        found = [deadline, *(Wild(chance, open_calls) for _ in range(2))]
        return found[: chance.randint(0, 3)]

    def attempts() -> list[Any]:
        rules = some(chance, RouteRule, "d.e.f", "callers", SHARED, SHIFT)
        route = Route(lambda psm, cluster: "nobody", rules=rules, idc="a")
        return [route, Balance(state), Wild(chance, open_calls)]

    whole, each_attempt = Gates(gates(), lock), Gates(attempts(), lock)
    retry = Retry(RetryRule(attempts=3, base=0))
    course = Course(whole, SYSTEM_CLOCK, each_attempt, retry, lambda call: None)

    def run() -> None:
        for _ in range(rounds):
            call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
            call.candidates = chance.choice((ENDPOINTS, ENDPOINTS[:2], ENDPOINTS[1:]))
            call.logid, call.env = str(chance.random()), chance.choice(("", "", "lane", "\ud800"))
            call.callee_cluster = chance.choice(("", "", "canary", "gone"))
            call.persist["PIE_USER"] = chance.choice(("one", "", "\udc80"))
            opened = native.OpenCall(call, course, lambda seconds: None)
            with contextlib.suppress(Failure, ValueError):
                if chance.random() < 0.5:
                    opened.run(lambda each: None)
                elif opened.start():
                    open_calls.append(opened)
            if chance.random() < 0.2:
                whole.replace(gates())
                each_attempt.replace(attempts())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    open_calls.clear()
    gc.collect()
    assert state.pending == {}, state.pending


if __name__ == "__main__":
    # Errors of gates that leave a dropped call are reported, not raised.
    sys.unraisablehook = lambda unraisable: None
    main(int(sys.argv[1]), int(sys.argv[2]))
