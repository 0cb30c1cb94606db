"""Past or imagined calls, decided by what decides on real ones.

Policies without memory of load say the same of a call today as of the same call last week; so a
group of equal calls is decided once. For rules with percentages the answer is a share of the calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pie.govern import RuleSet, Subject
from pie.model import Endpoint


@dataclass(frozen=True, slots=True)
class World:
    """What decisions depend on beside the call: the endpoints of the callee that are registered
    now, the drains in force, and the time (Unix seconds)."""

    endpoints: Sequence[Endpoint] = ()
    drains: RuleSet[Any] | None = None
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What rules do to the calls of one subject, in shares of them.

    Attributes:
        acts: share that is rejected, sent elsewhere, answered by a fallback.
        records: share on which a rule with ``dry_run`` would act.
        rules: number (from 0) of each rule that has a say, with the share that it acts on.
        targets: of a route, the share that goes to each cluster.
        verdict: of the call if all go one way; the verdict of most of them else.
        text: the decision in words.
    """

    acts: float = 0.0
    records: float = 0.0
    rules: Mapping[int, float] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    verdict: str = "admitted"
    text: str = ""


Decide = Callable[[Subject], Effect]


def replay(rules: RuleSet[Any], world: World) -> Decide | None:
    """What decides on calls by a rule set; None for a kind that depends on what it remembers."""
    return None
