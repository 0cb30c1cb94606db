"""Past or imagined calls, decided by what decides on real ones.

Policies without memory of load say the same of a call today as of the same call last week; so a
group of equal calls is decided once. For rules with percentages the answer is a share of the calls.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pie.govern import (
    NONE,
    AccessList,
    Degradation,
    DegradeState,
    RuleSet,
    Ruling,
    Subject,
)
from pie.govern.balance import weighed
from pie.govern.route import Leaf, outcomes
from pie.govern.route.build import Asked, build
from pie.govern.route.members import Index
from pie.model import SYSTEM_CLOCK, Endpoint

_SHARE: Final = re.compile(r" \([\d.e+-]+%\)")


@dataclass(frozen=True, slots=True)
class World:
    """What decisions depend on beside the call: the endpoints of the callee that are registered
    now, the drains and weights in force, the time (Unix seconds), the data centre of the caller."""

    endpoints: Sequence[Endpoint] = ()
    drains: RuleSet[Any] | None = None
    weights: RuleSet[Any] | None = None
    now: float = 0.0
    idc: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What rules do to the calls of one subject, in shares of them.

    Attributes:
        acts: share that is rejected, sent elsewhere, answered by a fallback.
        records: share on which a rule with ``dry_run`` would act.
        rules: number (from 0) of each rule that has a say, with the share that it acts on.
        targets: of a route, the share that goes each way: ``cluster canary``.
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
    kind = rules.kind.kind
    if kind == "access":
        return _access(rules)
    if kind == "route":
        return _route(rules, world)
    return _degrade(rules) if kind == "degrade" else None


def _access(rules: RuleSet[Any]) -> Decide:
    decides = AccessList(rules)

    def decide(subject: Subject) -> Effect:
        found = decides.decide(subject)
        if found.refused is not None:
            number = found.refused.number
            return Effect(
                1.0, 0.0, {number: 1.0}, verdict="rejected", text=_refusal(found.refused, subject)
            )
        shares = {ruling.number: 0.0 for ruling, _ in found.verdicts}
        if found.would_refuse is not None:
            shares[found.would_refuse.number] = 1.0
            text = found.would_refuse.said("would reject") + " (dry_run: it is admitted)"
            return Effect(0.0, 1.0, shares, verdict="would_reject", text=text)
        return Effect(rules=shares, text=_admission(found.verdicts))

    return decide


def _refusal(ruling: Ruling[Any], subject: Subject) -> str:
    if ruling.rule.effect == "deny":
        return f"{ruling.name} denies it"
    return f"{subject.caller or NONE} is not among those whom {ruling.name} allows it"


def _admission(verdicts: Sequence[tuple[Ruling[Any], Any]]) -> str:
    names = [ruling.name for ruling, verdict in verdicts if verdict == "admitted"]
    return f"{names[0]} allows it" if names else "no access rule is about it: it is open"


def _degrade(rules: RuleSet[Any]) -> Decide:
    degradation = Degradation(rules, DegradeState(), SYSTEM_CLOCK)

    def decide(subject: Subject) -> Effect:
        shares: dict[int, float] = {}
        texts = []
        verdict = "admitted"
        for switch in ("", *sorted(degradation.switches)):
            found = degradation.decide(switch, subject, None)
            if found is None:
                continue
            rule, name = found[0].rule, found[0].name
            shares[found[0].number] = rule.percent / 100
            part = "" if rule.percent == 100 else f" for {rule.percent:g} % of them, by {rule.by}"
            if switch:
                after = f" after {', '.join(sorted(rule.on))}" if rule.on else ""
                texts.append(f"the switch {switch} is off{after}{part}: {name}")
            else:
                texts.append(f"calls are refused{part}: {name}")
            if rule.percent and verdict != "rejected":
                verdict = "fallback" if switch or rule.percent < 100 else "rejected"
        acts = max(shares.values(), default=0.0)
        return Effect(acts, 0.0, shares, {}, verdict, "; ".join(texts))

    return decide


def _route(rules: RuleSet[Any], world: World) -> Decide:
    plain = Index(world.endpoints)
    by_rule = {
        ruling: Index(weighed(world.endpoints, ruling.rule), ruling.name)
        for ruling in (world.weights.rules if world.weights is not None else ())
    }

    def decide(subject: Subject) -> Effect:
        holding = rules.holding(subject)
        weights = world.weights.holding(subject) if world.weights is not None else ()
        index = by_rule[weights[0]] if weights else plain
        ruling = holding[0] if holding else None
        drains = world.drains.holding(subject) if world.drains is not None else ()
        asked = Asked(rules.psm, subject.cluster, subject.lane, world.idc)
        plan = build(index, asked, ruling, drains)
        numbers = () if ruling is None else (ruling.number,)
        if plan is None:
            text = f"{rules.psm} has no instance in the cluster {subject.cluster} for this call"
            return Effect(0.0, 0.0, dict.fromkeys(numbers, 0.0), {}, "none", text)
        targets: dict[str, float] = {}
        texts: dict[str, float] = {}
        acts = 0.0
        for share, leaf in outcomes(plan, world.now):
            way = _way(leaf, ruling)
            targets[way] = targets.get(way, 0.0) + share
            text = "; ".join(leaf.notes) or f"to {way}, as it asks"
            texts[text] = texts.get(text, 0.0) + share
            stays = way == f"cluster {subject.cluster}" or way.startswith("not canary")
            acts += 0.0 if stays else share
        ways = sorted(texts.items(), key=lambda each: -each[1])
        said = [f"{share * 100:.3g} % {_SHARE.sub('', text)}" for text, share in ways]
        verdict = "admitted" if ruling is None else "routed"
        text = ways[0][0] if len(ways) == 1 else "; ".join(said)
        return Effect(acts, 0.0, dict.fromkeys(numbers, acts), targets, verdict, text)

    return decide


def _way(leaf: Leaf, ruling: Ruling[Any] | None) -> str:
    """Where a leaf leads, without the share that the rule says."""
    if ruling is None:
        return f"cluster {leaf.cluster}"
    said = leaf.notes[0].removeprefix("routed to ").removesuffix(f": {ruling.name}")
    return _SHARE.sub("", said)
