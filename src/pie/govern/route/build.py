"""Plans are made here: of the endpoints, of what a call asks for, and of the rules that hold.

Every choice is a share of the calls, and only ways that have an endpoint take part in it. So a plan
has endpoints in each leaf, and what a rule asks for in vain is passed over with a note.

Own data centre first (after the zone-aware routing of Envoy and Finagle's ``WeightedAperture``,
without knowing other callers): the own one keeps the part w / (a · s) of the calls, 1 at most,
where w is the weight of its instances, a the average weight of a data centre, s ``spill_below``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pie.govern.drain import DrainRule, is_drained
from pie.govern.route.members import Index
from pie.govern.route.plan import Fork, Leaf, Node, Plan
from pie.govern.route.rule import RouteRule
from pie.govern.route.sticky import number_of
from pie.govern.rules import Ruling
from pie.model import Endpoint, address_of

DEFAULT = "default"
_Way = tuple[float, Node]


class Asked(NamedTuple):
    """What the plan is for: the same for many calls."""

    callee: str
    cluster: str
    lane: str
    idc: str
    """Of the caller; empty = not known."""


class _Trail(NamedTuple):
    """What was decided on the way to a leaf.

    Attributes:
        cluster: the calls are in now.
        parts: of the decision of the rule of route.
        notes: what else is to be said.
    """

    cluster: str
    parts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def decided(self, part: str) -> "_Trail":
        return self._replace(parts=(*self.parts, part))

    def noted(self, note: str) -> "_Trail":
        return self._replace(notes=(*self.notes, note))


def build(
    index: Index,
    asked: Asked,
    ruling: Ruling[RouteRule] | None,
    drains: Sequence[Ruling[DrainRule]] = (),
) -> Plan | None:
    """The plan of calls; None = there is no endpoint for them.

    Args:
        index: the endpoints that are there.
        asked: what the calls ask for.
        ruling: of route that holds; None = none.
        drains: that hold.
    """
    builder = _Builder(index, asked, ruling, drains)
    if ruling is None:
        root = builder.in_cluster(asked.cluster, _Trail(asked.cluster))
        return None if root is None else Plan(root)
    root = builder.ruled(ruling.rule)
    rule = ruling.rule
    user_key = rule.user_key if rule.by == "user" else ""
    return None if root is None else Plan(root, user_key, rule.by == "call", ruling)


class _Builder:
    def __init__(
        self,
        index: Index,
        asked: Asked,
        ruling: Ruling[RouteRule] | None,
        drains: Sequence[Ruling[DrainRule]],
    ) -> None:
        self._index = index
        self._asked = asked
        self._ruling = ruling
        self._rule = RouteRule() if ruling is None else ruling.rule
        self._drains = drains

    def ruled(self, rule: RouteRule) -> Node | None:
        """The whole tree of a rule."""
        trail = _Trail(self._asked.cluster)
        if rule.instances:
            named = self._named(rule.instances)
            if named:
                return self._leaf(named, trail.decided("named instances"))
            trail = trail.noted(self._vain("none of the named instances is registered"))
        target, moves = rule.shift_to, self._may_move()
        shifts = moves and target not in ("", self._asked.cluster)
        if shifts and not self._is_alive(target):
            trail = trail.noted(self._vain(f"no instance to shift to in the cluster {target}"))
            shifts = False
        if rule.clusters and moves:
            root = self._by_cluster(rule, trail)
        else:
            root = self.in_cluster(trail.cluster, trail)
        return self._shifted(rule, root, trail) if shifts else root

    def in_cluster(self, cluster: str, trail: _Trail) -> Node | None:
        """From a cluster down; None = it has no endpoint for these calls."""
        members, fallen = self._index.of(cluster, self._asked.lane)
        if not members:
            return None
        trail = trail._replace(cluster=cluster)
        if fallen:
            trail = trail.noted(
                f"routed to the base lane: the call's own has no instance of {self._asked.callee} "
                f"in the cluster {cluster}"
            )
        elif self._asked.lane:
            trail = trail.noted(f"routed to lane {self._asked.lane}")
        return self._by_canary(*self._undrained(members, trail))

    # --- named instances ---

    def _named(self, names: frozenset[str]) -> tuple[Endpoint, ...]:
        everywhere = self._index.endpoints
        return tuple(each for each in everywhere if each.id in names or address_of(each) in names)

    # --- clusters ---

    def _may_move(self) -> bool:
        """Whether another cluster than the one asked for is right: for calls that ask for none, or
        for one that the scope names."""
        assert self._ruling is not None
        named = any(each.startswith("cluster=") for each in self._ruling.scope.split())
        return named or self._asked.cluster == DEFAULT

    def _by_cluster(self, rule: RouteRule, trail: _Trail) -> Node | None:
        wanted = {
            name: rule.clusters[name] for name in sorted(rule.clusters) if rule.clusters[name]
        }
        there = {name: weight for name, weight in wanted.items() if self._is_alive(name)}
        if not there:  # What is drained serves rather than nobody.
            there = {name: weight for name, weight in wanted.items() if self._has(name)}
        trail = self._missing("cluster", wanted, there, trail)

        def make(name: str, share: str) -> Node | None:
            return self.in_cluster(name, trail.decided(f"cluster {name}{share}"))

        return self._fork("cluster", there, make) or self.in_cluster(trail.cluster, trail)

    def _has(self, cluster: str) -> bool:
        return bool(self._index.of(cluster, self._asked.lane).endpoints)

    def _is_alive(self, cluster: str) -> bool:
        members = self._index.of(cluster, self._asked.lane).endpoints
        rules = [each.rule for each in self._drains]
        return any(not is_drained(each, rules) for each in members)

    def _shifted(self, rule: RouteRule, root: Node | None, trail: _Trail) -> Node | None:
        target, begins = rule.shift_to, rule.shift_begins
        assert begins is not None, "the rule was checked"
        shifted = self.in_cluster(target, trail.decided(f"cluster {target} (shift)"))
        if shifted is None or root is None:
            return root or shifted
        most, seconds = rule.shift_most / 100, rule.shift_minutes * 60
        return Fork(self._salt("shift"), (most,), (shifted, root), begins.timestamp(), seconds)

    # --- drain ---

    def _undrained(
        self, members: tuple[Endpoint, ...], trail: _Trail
    ) -> tuple[tuple[Endpoint, ...], _Trail]:
        rules = [each.rule for each in self._drains]
        kept = tuple(each for each in members if not is_drained(each, rules))
        if len(kept) == len(members):
            return members, trail
        why = self._why_drained(members)
        if not kept:
            return members, trail.noted(
                f"all {len(members)} instances of the cluster {trail.cluster} are drained, and "
                f"used all the same: {why}"
            )
        left_out = len(members) - len(kept)
        return kept, trail.noted(f"{left_out} of {len(members)} instances are drained: {why}")

    def _why_drained(self, members: Iterable[Endpoint]) -> str:
        names = [ruling.name for ruling in self._drains if any(map(ruling.rule.drains, members))]
        return ", ".join(names) or self._index.weighed_by or "registered with weight 0"

    # --- canary ---

    def _by_canary(self, members: tuple[Endpoint, ...], trail: _Trail) -> Node:
        tag, percent = self._rule.canary, self._rule.canary_percent
        if not tag:
            return self._by_idc(members, trail)
        tagged = tuple(each for each in members if tag in each.tags)
        plain = tuple(each for each in members if tag not in each.tags)
        wanted = {"canary": percent, "plain": 100 - percent}
        sides = {"canary": tagged, "plain": plain}
        there = {name: weight for name, weight in wanted.items() if weight and sides[name]}
        if not there:  # All the calls belong to a side that has no instance.
            there = {name: 1.0 for name in wanted if sides[name]}
        if percent and not tagged:
            trail = trail.noted(self._vain(f"no instance has the tag {tag}"))
        says = {"canary": f"canary {tag}", "plain": f"not canary {tag}"}

        def make(name: str, share: str) -> Node:
            return self._by_idc(sides[name], trail.decided(f"{says[name]}{share}"))

        root = self._fork("canary", there, make)
        assert root is not None, "a cluster without members"
        return root

    # --- data centres ---

    def _by_idc(self, members: tuple[Endpoint, ...], trail: _Trail) -> Node:
        if self._rule.idcs:
            return self._by_shares_of_idcs(members, trail)
        if self._rule.own_idc:
            return self._own_first(members, trail)
        return self._leaf(members, trail)

    def _by_shares_of_idcs(self, members: tuple[Endpoint, ...], trail: _Trail) -> Node:
        groups = _by_name(members)
        wanted = {name: weight for name, weight in sorted(self._rule.idcs.items()) if weight}
        there = {name: weight for name, weight in wanted.items() if name in groups}
        trail = self._missing("IDC", wanted, there, trail)

        def make(name: str, share: str) -> Node:
            return self._leaf(groups[name], trail.decided(f"IDC {name}{share}"))

        return self._fork("idc", there, make) or self._leaf(members, trail)

    def _own_first(self, members: tuple[Endpoint, ...], trail: _Trail) -> Node:
        groups, own = _by_name(members), self._asked.idc
        if not own:
            return self._leaf(members, trail.noted(self._vain("this process has no IDC setting")))
        if own not in groups:
            vain = self._vain(f"no instance in the own IDC {own}")
            return self._leaf(members, trail.noted(vain))
        weights = {name: sum(each.weight or 100 for each in its) for name, its in groups.items()}
        average = sum(weights.values()) / len(weights)
        part = min(1.0, weights[own] / (average * self._rule.spill_below))
        kept = self._leaf(groups[own], trail.decided(f"own IDC {own}"))
        others = tuple(each for each in members if each.idc != own)
        if part == 1.0 or not others:
            return kept
        spilled = trail.decided(
            f"other IDCs than {own}, which has {len(groups[own])} of {len(members)} instances and "
            f"keeps {part:.0%}"
        )
        return Fork(self._salt("idc"), (part,), (kept, self._leaf(others, spilled)))

    # --- parts ---

    def _leaf(self, kept: tuple[Endpoint, ...], trail: _Trail) -> Leaf:
        notes = trail.notes
        if self._ruling is not None:
            parts = trail.parts or (f"cluster {trail.cluster}",)
            notes = (f"routed to {', '.join(parts)}: {self._ruling.name}", *notes)
        return Leaf(kept, trail.cluster, notes)

    def _fork(
        self, level: str, weights: dict[str, float], make: Callable[[str, str], Node | None]
    ) -> Node | None:
        """A fork of the ways that can be made; ``make`` gets a name and its share as text."""
        total = sum(weights.values())
        many = len(weights) > 1
        made = [
            (weight, node)
            for name, weight in weights.items()
            if (node := make(name, f" ({100 * weight / total:.3g}%)" if many else "")) is not None
        ]
        if len(made) < 2:
            return made[0][1] if made else None
        bounds, below = [], 0.0
        for weight, _ in made[:-1]:
            below += weight / total
            bounds.append(below)
        return Fork(self._salt(level), tuple(bounds), tuple(node for _, node in made))

    def _salt(self, level: str) -> int:
        return number_of(f"{self._asked.callee} {level}")

    def _missing(
        self, what: str, wanted: Iterable[str], there: Iterable[str], trail: _Trail
    ) -> _Trail:
        gone = [name for name in wanted if name not in there]
        if not gone:
            return trail
        return trail.noted(self._vain(f"no instance in the {what} {', '.join(gone)}"))

    def _vain(self, why: str) -> str:
        assert self._ruling is not None
        return f"not as the rule says, {why}: {self._ruling.name}"


def _by_name(members: Iterable[Endpoint]) -> dict[str, tuple[Endpoint, ...]]:
    """By data centre."""
    found: dict[str, list[Endpoint]] = {}
    for each in members:
        found.setdefault(each.idc, []).append(each)
    return {name: tuple(its) for name, its in found.items()}
