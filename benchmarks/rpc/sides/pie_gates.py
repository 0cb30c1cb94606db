"""Variants of Pie's server that have more gates, or fewer, than a service gets by itself.

A server takes no gates from outside, so the course it asks for is changed on the way. What the
gates saw is counted, so that a server that stops asking for its course is noticed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pie.rpc.server
from pie.call import Gates
from pie.model import Call
from pie.observe import Record, ServerTrace

MIDDLEWARES, RULES = 3, 6
VARIANTS = ("", "middlewares", "rules", "unobserved")


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


@contextmanager
def applied(variant: str) -> Iterator[Counter]:
    """Servers made inside get the variant's gates.

    Raises:
        NotImplementedError: there is no way to do that.
    """
    counter = Counter()
    if not variant:
        yield counter
        return
    original = getattr(pie.rpc.server, "server_course", None)
    if original is None:
        raise NotImplementedError(f"ThriftServer has no face for the variant {variant!r}")

    def changed(*arguments: Any, **named: Any) -> Any:
        course = original(*arguments, **named)
        gates = [gate for gate, _ in course.gates.gates]
        if variant == "middlewares":
            gates += [Middleware(counter) for _ in range(MIDDLEWARES)]
        elif variant == "rules":
            gates += [Rule(counter) for _ in range(RULES)]
        else:
            gates = [each for each in gates if not isinstance(each, (Record, ServerTrace))]
            counter.seen += 1  # A gate that counts would cost what the others do.
        return course._replace(gates=Gates(gates))

    pie.rpc.server.server_course = changed
    try:
        yield counter
    finally:
        pie.rpc.server.server_course = original
