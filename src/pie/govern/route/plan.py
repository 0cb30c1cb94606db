"""Plans: where calls of one kind go, as a tree of forks and leaves. Twin: ``call/route_plan.c``.

A plan is made once (``build``) for a list of endpoints, the rules that hold, and what a call asks
for; the way of each call is then a few draws (``sticky``) and no look at any endpoint.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from pie.govern.route.sticky import draw, number_of
from pie.govern.rules import Ruling
from pie.model import Call, Endpoint


class Leaf(NamedTuple):
    """Where a call goes.

    Attributes:
        kept: the endpoints that are left; at least one.
        cluster: of these.
        notes: what was decided and why, for the call.
    """

    kept: tuple[Endpoint, ...]
    cluster: str
    notes: tuple[str, ...]


class Fork(NamedTuple):
    """Ways between which calls are shared.

    Attributes:
        salt: of the draw.
        bounds: the way with this index takes draws below, and above those of the ways before it;
            the last way takes the rest.
        ways: one more than there are bounds.
        begins, seconds: of a shift, in Unix time: its first bound grows from 0 to what it is here.
            0 seconds = the bounds stand.
    """

    salt: int
    bounds: tuple[float, ...]
    ways: tuple["Node", ...]
    begins: float = 0.0
    seconds: float = 0.0

    def bounds_at(self, now: float) -> tuple[float, ...]:
        """The bounds at a time (Unix seconds)."""
        if not self.seconds:
            return self.bounds
        passed = min(max((now - self.begins) / self.seconds, 0.0), 1.0)
        return (self.bounds[0] * passed, *self.bounds[1:])


Node: TypeAlias = Leaf | Fork


class Plan(NamedTuple):
    """The way of calls of one kind.

    Attributes:
        root: where it begins.
        user_key: the persisted key by whose value calls draw; empty = by their logid.
        by_call: calls draw by their span, which is random.
        ruling: the rule of route that made it; None = there is none.
    """

    root: Node
    user_key: str = ""
    by_call: bool = False
    ruling: Ruling[Any] | None = None


class Outcome(NamedTuple):
    """One way of a plan, with its part of the calls (0 to 1)."""

    share: float
    leaf: Leaf


def walk(plan: Plan, call: Call, now: float) -> Leaf:
    """Where a call goes at a time (Unix seconds)."""
    node = plan.root
    if isinstance(node, Leaf):
        return node
    number = number_of(_key(plan, call))
    while isinstance(node, Fork):
        drawn = draw(number, node.salt)
        bounds = node.bounds_at(now)
        node = node.ways[next((n for n, bound in enumerate(bounds) if drawn < bound), len(bounds))]
    return node


def outcomes(plan: Plan, now: float) -> Iterator[Outcome]:
    """All ways of a plan that get calls at a time (Unix seconds)."""
    return _outcomes(plan.root, 1.0, now)


def _outcomes(node: Node, share: float, now: float) -> Iterator[Outcome]:
    if isinstance(node, Leaf):
        yield Outcome(share, node)
        return
    below = 0.0
    for bound, way in zip((*node.bounds_at(now), 1.0), node.ways, strict=True):
        if bound > below:
            yield from _outcomes(way, share * (bound - below), now)
        below = max(below, bound)


def _key(plan: Plan, call: Call) -> str:
    if plan.by_call:
        return call.span_id
    return (call.persist.get(plan.user_key) if plan.user_key else "") or call.logid
