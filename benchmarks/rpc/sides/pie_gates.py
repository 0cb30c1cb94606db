"""Variants of Pie's server that have more gates, or fewer, than a service gets by itself.

More are given to the server, as a service's author gives them, or come of rules. Fewer is no face
of Pie: observation has no switch, so the gates of the course that the server gets are replaced.
What was seen is counted, so that a variant without effect is noticed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pie.call import Course, Policies
from pie.govern import AccessRule, Key, NoRules, RateRule, RuleSet, Scope
from pie.model import Call
from pie.observe import Record, ServerTrace

MIDDLEWARES = 3
CALLER = "bench.load.generator"
"""How the generator names itself."""


class Counter:
    """What all gates of this process saw."""

    seen = 0


class Middleware:
    """A gate as a service's author would write one: looks at the call, keeps a number."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._open: dict[str, int] = {}

    def enter(self, call: Call) -> None:
        self._counter.seen += 1
        self._open[call.method] = self._open.get(call.method, 0) + 1

    def leave(self, call: Call) -> None:
        self._open[call.method] -= 1


def own_gates(variant: str, counter: Counter) -> list[Middleware]:
    """The gates that a variant gives to the server."""
    return [Middleware(counter) for _ in range(MIDDLEWARES)] if variant == "middlewares" else []


class Published(NoRules):
    """Rules as the owner of a service would publish them: twenty callers may call it, one of them
    not more than so often, nobody a method of long ago, and nobody too often."""

    def __init__(self, psm: str) -> None:
        callers = frozenset([CALLER, *(f"bench.caller.number{each}" for each in range(20))])
        access = [
            (Scope(caller=callers), AccessRule("allow")),
            (Scope(method="Old*"), AccessRule("deny")),
            (Scope(caller="bench.caller.number7"), AccessRule("deny", dry_run=True)),
        ]
        rate = [(Scope(), RateRule(qps=1e6)), (Scope(caller=CALLER), RateRule(qps=9e5, burst=60))]
        found: list[RuleSet[Any]] = [
            RuleSet(AccessRule, psm, "server", 1, access),
            RuleSet(RateRule, psm, "server", 1, rate),
        ]
        self._sets = {each.key: each for each in found}

    def rule_sets(self) -> Mapping[Key, RuleSet[Any]]:
        return self._sets


def decided(root: Path) -> int:
    """How often a rule decided on a call, as a process wrote it down."""
    files = root.rglob("*.rules.2*.ndjson")
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return sum(row["calls"] for row in rows)


@contextmanager
def unobserved(variant: str, counter: Counter) -> Iterator[None]:
    """Servers made inside have no trace and no record, if the variant is that one."""
    original = Policies.server

    def changed(policies: Policies, *arguments: Any) -> Course:
        course = original(policies, *arguments)
        gates = [gate for gate, _ in course.gates.gates]
        counter.seen += 1  # A gate that counts would cost what the others do.
        course.gates.replace(each for each in gates if not isinstance(each, Record | ServerTrace))
        return course

    if variant == "unobserved":
        Policies.server = changed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Policies.server = original  # type: ignore[method-assign]
