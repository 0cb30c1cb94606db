"""Drain: instances and hosts to which no calls are to go, though they are registered and serve.

Algorithm: their weight is 0. Route leaves endpoints of weight 0 out, be that by a rule of this kind
or because they registered with it; where nothing else is left, it uses them all and says so. There
is no state, and no gate of its own.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta

from pie.govern.rule import Rule, Side
from pie.model import Endpoint, address_of


class DrainRule(Rule, frozen=True):
    """Which instances get no calls, decided by the callee's owner for all its callers."""

    kind: ClassVar[str] = "drain"
    sides: ClassVar[tuple[Side, ...]] = ("callers",)
    every: ClassVar[bool] = True

    instances: Annotated[
        frozenset[str],
        Meta(max_length=1000, description="Instances that get no calls, by id or host:port."),
    ] = frozenset()
    hosts: Annotated[
        frozenset[str],
        Meta(
            max_length=1000,
            description="Hosts whose instances get no calls, by the address they registered.",
        ),
    ] = frozenset()

    def drains(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is one of those named."""
        return (
            endpoint.host in self.hosts
            or endpoint.id in self.instances
            or address_of(endpoint) in self.instances
        )


def is_drained(endpoint: Endpoint, rules: Iterable[DrainRule]) -> bool:
    """Whether an endpoint is to get no calls."""
    return not endpoint.weight or any(rule.drains(endpoint) for rule in rules)
