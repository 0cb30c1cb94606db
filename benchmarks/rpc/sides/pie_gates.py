"""Variants of Pie's server that have more gates, or fewer, than a service gets by itself.

More are given to the server, as a service's author gives them. Fewer is no face of Pie: observation
has no switch, so the gates of the course that the server gets are replaced. What was seen is
counted, so that a variant without effect is noticed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pie.call import Course, Policies
from pie.model import Call
from pie.observe import Record, ServerTrace

MIDDLEWARES, RULES = 3, 6


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


class Rule:
    """A rule that looks up who calls what and lets it pass."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._limits = {("bench.load.generator", "default"): 1 << 40}
        self._used = 0

    def enter(self, call: Call) -> None:
        self._counter.seen += 1
        limit = self._limits.get((call.caller, call.caller_cluster), 1 << 41)
        self._used += 1
        if self._used > limit:
            raise AssertionError("no benchmark makes so many calls")

    def leave(self, call: Call) -> None:
        pass


def own_gates(variant: str, counter: Counter) -> list[Middleware] | list[Rule]:
    """The gates that a variant gives to the server."""
    if variant == "middlewares":
        return [Middleware(counter) for _ in range(MIDDLEWARES)]
    if variant == "rules":
        return [Rule(counter) for _ in range(RULES)]
    return []


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
