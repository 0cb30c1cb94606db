"""The gate of route: narrows the endpoints that an attempt may go to.

Algorithm: the instance that ``call.pin`` names; else the plan (``build``) for the endpoints, the
rules that hold and what the call asks for, of which the call walks one way. Plans are kept for as
long as the endpoints are the same object; there is no other state.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pie._core import native
from pie.govern.balance import BalanceRule, weighed
from pie.govern.drain import DrainRule
from pie.govern.route.build import DEFAULT, Asked, build
from pie.govern.route.members import Index
from pie.govern.route.pin import pinned_endpoint
from pie.govern.route.plan import Plan, walk
from pie.govern.route.rule import RouteRule
from pie.govern.ruled import MADE_SETS, NativeRuled
from pie.govern.rules import RuleSet, Ruling
from pie.govern.scope import Subject
from pie.govern.verdicts import Verdicts
from pie.model import SYSTEM_CLOCK, Call, Clock, Endpoint, Failure, Kind

_MAX_LISTS: Final = 16
"""Lists of endpoints whose plans are kept: clients of one callee may have their own addresses."""
_MAX_PLANS: Final = 1024
"""Of one list."""


class _Made:
    """A plan, or None where there is no endpoint, and what C has made of it."""

    def __init__(self, plan: Plan | None) -> None:
        self.plan = plan
        self.native: object = None


class _Known:
    """A list of endpoints and the plans made for it."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints
        self.index = Index(endpoints)
        self.plans: dict[Any, _Made] = {}
        self._weighed: dict[Ruling[BalanceRule], Index] = {}

    def by(self, ruling: Ruling[BalanceRule] | None) -> Index:
        """With the weights of a rule. There are as many as rules: no name of a call matters."""
        if ruling is None:
            return self.index
        found = self._weighed.get(ruling)
        if found is None:
            found = Index(weighed(self.endpoints, ruling.rule), ruling.name)
            self._weighed[ruling] = found
        return found


class Route:
    """Sets ``call.candidates`` and ``call.callee_cluster`` of each attempt.

    An instance that is not registered is called, too, if a pin says how it speaks:
    ``host:port/framed``.

    Args:
        explain: given a PSM and a cluster, says why there is no instance and what to do.
        rules: of route in force; None = none.
        drains: the same, of drain.
        weights: the same, of balance.
        idc: data centre of this process; empty = not known.
        clock: its wall time is that of shifts.
        verdicts: where decisions are counted.
    """

    policy = "route"

    def __init__(
        self,
        explain: Callable[[str, str], str],
        *,
        rules: RuleSet[RouteRule] | None = None,
        drains: RuleSet[DrainRule] | None = None,
        weights: RuleSet[BalanceRule] | None = None,
        idc: str = "",
        clock: Clock = SYSTEM_CLOCK,
        verdicts: Verdicts | None = None,
    ) -> None:
        self._explain = explain
        self._rules = rules
        self._drains = drains
        self._weights = weights
        self._idc = idc
        self._clock = clock
        self._verdicts = Verdicts() if verdicts is None else verdicts
        self._known: dict[int, _Known] = {}

    def native_state(self) -> NativeRuled | None:
        """What C needs to enter by itself calls without a pin; None = not by this clock."""
        if self._clock is not SYSTEM_CLOCK:
            return None
        assert native is not None
        return NativeRuled(native.Ruled(self._answer, None, self._verdicts.counted, MADE_SETS))

    def enter(self, call: Call) -> None:
        call.asked_cluster = call.asked_cluster or call.callee_cluster or DEFAULT
        if call.pin:
            chosen = pinned_endpoint(call, call.pin, call.asked_cluster)
            call.candidates = (chosen,)
            call.callee_cluster = chosen.cluster
            call.notes.append(f"pinned to {call.pin}")
            return
        plan = self._made(call).plan
        if plan is None:
            raise self._nobody(call)
        leaf = walk(plan, call, self._clock.wall())
        call.candidates = leaf.kept
        call.callee_cluster = leaf.cluster
        call.notes += leaf.notes
        if plan.ruling is not None:
            self._verdicts.count(plan.ruling, "routed")

    def leave(self, call: Call) -> None:
        pass

    def plan(self, call: Call) -> Plan | None:
        """The plan for a call; None = there is no endpoint for it."""
        return self._made(call).plan

    def _answer(self, call: Call, now: float) -> object:
        made = self._made(call)
        if made.plan is None:
            raise self._nobody(call)
        if made.native is None:
            assert native is not None
            plan = made.plan
            tally = None if plan.ruling is None else plan.ruling.tally
            made.native = native.RoutePlan(
                call.candidates, plan.root, plan.user_key, plan.by_call, tally
            )
        return made.native

    def _made(self, call: Call) -> _Made:
        known = self._endpoints(call.candidates)
        subject = Subject.of(call)
        rulings = () if self._rules is None else self._rules.holding(subject)
        drains = () if self._drains is None else self._drains.holding(subject)
        weights = () if self._weights is None else self._weights.holding(subject)
        index = known.by(weights[0] if weights else None)
        lane = index.lane_of(call.env)
        key = (subject.cluster, lane, rulings, drains, weights)
        made = known.plans.get(key)
        if made is not None:
            return made
        asked = Asked(call.callee, subject.cluster, lane, self._idc)
        made = _Made(build(index, asked, rulings[0] if rulings else None, drains))
        if len(known.plans) >= _MAX_PLANS:
            known.plans.clear()
        known.plans[key] = made
        return made

    def _endpoints(self, endpoints: Sequence[Endpoint]) -> _Known:
        found = self._known.get(id(endpoints))
        if found is not None and found.endpoints is endpoints:
            return found
        known = _Known(endpoints)
        if isinstance(endpoints, tuple):  # Others may change and stay the same object.
            if len(self._known) >= _MAX_LISTS:
                self._known.clear()
            self._known[id(endpoints)] = known
        return known

    def _nobody(self, call: Call) -> Failure:
        message = self._lanes_only(call) or self._explain(call.callee, call.asked_cluster)
        return Failure(Kind.UNAVAILABLE, message, never_sent=True)

    def _lanes_only(self, call: Call) -> str:
        """Why a cluster that has instances has none for a call; empty if it has none at all."""
        cluster = call.asked_cluster
        lanes = self._endpoints(call.candidates).index.lanes_of(cluster)
        if not lanes:
            return ""
        lane = f"lane {call.env}, and there is none of it" if call.env else "base lane"
        return (
            f"the instances of {call.callee} in the cluster {cluster} belong to the lanes "
            f"{', '.join(lanes[:10])}, and this call to the {lane}. Call in one of these lanes "
            "(setting ENV, or options(lane=…)), or start an instance without ENV"
        )


if native is not None:
    native.setup_gate("Route", Route)
