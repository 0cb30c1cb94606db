"""Route by rule: shares, shifts, canaries, data centres, lanes, drains; and what calls note."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from pie.govern import BalanceRule, DrainRule, Route, RouteRule, RuleSet, Scope, Verdicts, outcomes
from pie.govern.route.sticky import draw, number_of
from pie.model import Call, Failure, StaticEndpoint
from pie.state import Instance
from pie.testing import FakeClock

CALLEE = "toutiao.my.server"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def instance(name: str, cluster: str = "default", **fields: Any) -> StaticEndpoint:
    return StaticEndpoint(name, cluster, "10.0.0.1", 80, "ttheader", **fields)


def call(*, logid: str = "", cluster: str = "", env: str = "", method: str = "Get") -> Call:
    made = Call("client", "thrift", caller="a.b.c", callee=CALLEE, method=method, env=env)
    made.callee_cluster, made.logid = cluster, logid
    return made


def routes(*rules: tuple[Scope, RouteRule]) -> RuleSet[RouteRule]:
    return RuleSet(RouteRule, CALLEE, "callers", 7, rules)


def drains(*rules: DrainRule) -> RuleSet[DrainRule]:
    scopes = [Scope(method="*" if not n else f"G{'et'[:n]}*") for n in range(len(rules))]
    return RuleSet(DrainRule, CALLEE, "callers", 3, list(zip(scopes, rules, strict=True)))


def gate(rule: RouteRule | None = None, scope: Scope | None = None, **given: Any) -> Route:
    rules = None if rule is None else routes((scope or Scope(), rule))
    return Route(lambda psm, cluster: f"nobody in {cluster}", rules=rules, **given)


def sent(route: Route, endpoints: tuple[StaticEndpoint, ...], count: int = 400) -> Counter[str]:
    """How often the calls of that many chains may go to each endpoint or group of them."""
    found: Counter[str] = Counter()
    for number in range(count):
        one = call(logid=f"{number:032x}")
        one.candidates = endpoints
        route.enter(one)
        found["+".join(each.id for each in one.candidates)] += 1
    return found


def routed(route: Route, one: Call, *endpoints: StaticEndpoint) -> list[str]:
    one.candidates = endpoints
    route.enter(one)
    return [each.id for each in one.candidates]


TWO = (instance("a"), instance("b", "canary"))


def test_shares_of_clusters_are_those_of_the_rule_and_stay() -> None:
    route = gate(RouteRule(clusters={"default": 90, "canary": 10}))
    found = sent(route, TWO)
    assert 20 <= found["b"] <= 60
    one, same = call(logid="x"), call(logid="x", method="Put")
    assert routed(route, one, *TWO) == routed(route, same, *TWO)
    assert one.callee_cluster == {"a": "default", "b": "canary"}[one.candidates[0].id]
    assert one.notes in (
        ["routed to cluster canary (10%): route v7"],
        ["routed to cluster default (90%): route v7"],
    )


def test_who_had_a_larger_share_keeps_its_chains() -> None:
    def at(percent: int) -> set[int]:
        route = gate(RouteRule(clusters={"canary": percent, "default": 100 - percent}))
        ones = [call(logid=str(number)) for number in range(300)]
        return {n for n, one in enumerate(ones) if routed(route, one, *TWO) == ["b"]}

    assert at(5) < at(20) < at(60)


def test_a_user_stays_whatever_the_chain() -> None:
    rule = RouteRule(clusters={"default": 1, "canary": 1}, by="user", user_key="uid")
    route = gate(rule)
    homes = {}
    for user in "klmnopqr":
        found = set()
        for number in range(20):
            one = call(logid=str(number))
            one.persist["uid"] = user
            found |= set(routed(route, one, *TWO))
        homes[user] = found
    assert all(len(found) == 1 for found in homes.values())
    assert set.union(*homes.values()) == {"a", "b"}


def test_by_call_each_call_of_a_chain_goes_its_own_way() -> None:
    route = gate(RouteRule(clusters={"default": 1, "canary": 1}, by="call"))
    found = Counter[str]()
    for number in range(200):
        one = call(logid="the same")
        one.span_id = f"{number:016x}"
        found.update(routed(route, one, *TWO))
    assert min(found.values()) > 60


def test_a_call_that_asks_for_a_cluster_is_left_alone_unless_the_scope_names_it() -> None:
    rule = RouteRule(clusters={"default": 1})
    assert routed(gate(rule), call(cluster="canary"), *TWO) == ["b"]
    assert routed(gate(rule, Scope(cluster="canary")), call(cluster="canary"), *TWO) == ["a"]


def test_a_second_attempt_is_routed_by_what_the_call_asked_for() -> None:
    route = gate(RouteRule(clusters={"canary": 1}))
    one = call()
    assert routed(route, one, *TWO) == ["b"]
    one.next_attempt("span")
    assert routed(route, one, *TWO) == ["b"]
    assert (one.asked_cluster, one.callee_cluster) == ("default", "canary")


def test_a_cluster_without_instances_gives_its_share_to_the_others() -> None:
    rule = RouteRule(clusters={"default": 50, "canary": 25, "gone": 25})
    found = sent(gate(rule), TWO)
    assert 80 <= found["b"] <= 190
    one = call()
    assert routed(gate(RouteRule(clusters={"gone": 1})), one, *TWO) == ["a"]
    assert one.notes == [
        "routed to cluster default: route v7",
        "not as the rule says, no instance in the cluster gone: route v7",
    ]


def test_a_shift_grows_with_time_and_stops() -> None:
    clock = FakeClock(wall=NOW.timestamp())
    rule = RouteRule(shift_to="canary", shift_begins=NOW, shift_minutes=10)
    route = gate(rule, clock=clock)
    found = [sent(route, TWO)["b"]]
    moved = set()
    for _ in range(10):
        clock.advance(60)
        now = {n for n in range(200) if routed(route, call(logid=str(n)), *TWO) == ["b"]}
        assert moved <= now
        moved = now
        found.append(sent(route, TWO, 200)["b"])
    assert found[0] == 0 and found == sorted(found) and found[-1] == 200
    assert 70 <= found[5] <= 130
    half = NOW.timestamp() + 300
    assert rule.shift_at(half) == 0.5
    stopped = replace(rule, shift_most=0.0)
    assert stopped.shift_at(half) == 0.0
    assert sent(gate(stopped, clock=clock), TWO, 50) == {"a": 50}


def test_a_canary_is_a_share_of_the_cluster() -> None:
    endpoints = (instance("a"), instance("b", tags=("stage=canary",)), instance("c", "other"))
    found = sent(gate(RouteRule(canary="stage=canary", canary_percent=25)), endpoints)
    assert set(found) == {"a", "b"} and 70 <= found["b"] <= 130
    one = call()
    assert routed(gate(RouteRule(canary="gone", canary_percent=100)), one, *endpoints) == ["a", "b"]
    assert "not as the rule says, no instance has the tag gone: route v7" in one.notes


def test_the_own_data_centre_first_and_spill_over() -> None:
    rule = RouteRule(own_idc=True, spill_below=0.8)
    even = tuple(instance(f"{idc}{n}", idc=idc) for idc in ("lf", "hl") for n in range(2))
    assert sent(gate(rule, idc="lf"), even) == {"lf0+lf1": 400}
    thin = (even[0], *even[2:], instance("hl2", idc="hl"))  # 1 of 4: half of the average.
    found = sent(gate(rule, idc="lf"), thin)
    assert 220 <= found["lf0"] <= 280  # 0.5 / 0.8
    assert found["hl0+hl1+hl2"] == 400 - found["lf0"]
    one = call()
    assert routed(gate(rule, idc="gz"), one, *even) == ["lf0", "lf1", "hl0", "hl1"]
    assert one.notes[1] == "not as the rule says, no instance in the own IDC gz: route v7"


def test_shares_of_data_centres() -> None:
    endpoints = (instance("a", idc="lf"), instance("b", idc="hl"), instance("c"))
    found = sent(gate(RouteRule(idcs={"lf": 3, "hl": 1, "gone": 5})), endpoints)
    assert set(found) == {"a", "b"} and 260 <= found["a"] <= 340


def test_named_instances() -> None:
    rule = RouteRule(instances=frozenset({"b"}))
    assert routed(gate(rule), call(), *TWO) == ["b"]
    one = call()
    assert routed(gate(rule), one, TWO[0]) == ["a"]
    assert "not as the rule says, none of the named instances is registered: route v7" in one.notes


LANES = (instance("base"), instance("blue", env="blue"), instance("other", "canary"))


def test_a_lane_falls_back_to_the_base_and_says_so() -> None:
    one, other, plain = call(env="blue"), call(env="green"), call()
    assert routed(gate(), one, *LANES) == ["blue"]
    assert one.notes == ["routed to lane blue"]
    assert routed(gate(), other, *LANES) == ["base"]
    assert other.notes == [
        "routed to the base lane: the call's own has no instance of toutiao.my.server in the "
        "cluster default"
    ]
    assert routed(gate(), plain, *LANES) == ["base"]
    assert plain.notes == []


def test_base_traffic_never_enters_a_lane() -> None:
    with pytest.raises(Failure, match="belong to the lanes blue, and this call to the base lane"):
        routed(gate(), call(), LANES[1])


def test_lanes_of_the_wire_make_no_plans() -> None:
    route = gate()
    for number in range(50):
        one = call(env=f"stranger{number}")
        one.candidates = LANES
        route.enter(one)
    assert {len(known.plans) for known in route._known.values()} == {1}


def test_drained_instances_and_hosts_get_no_calls_but_the_list_never_empties() -> None:
    endpoints = tuple(
        StaticEndpoint(name, "default", f"10.0.0.{n}", 80, "ttheader")
        for n, name in enumerate("abc")
    )
    both = drains(DrainRule(instances=frozenset({"a"})), DrainRule(hosts=frozenset({"10.0.0.1"})))
    one = call()
    assert routed(gate(drains=both), one, *endpoints) == ["c"]
    assert one.notes == ["2 of 3 instances are drained: drain v3 method=Ge*, drain v3"]
    rule = DrainRule(instances=frozenset({"a", "b", "10.0.0.2:80"}))
    everything = call()
    assert routed(gate(drains=drains(rule)), everything, *endpoints) == ["a", "b", "c"]
    assert everything.notes == [
        "all 3 instances of the cluster default are drained, and used all the same: drain v3"
    ]
    assert routed(gate(), call(), endpoints[0], endpoints[1]._replace(weight=0)) == ["a"]


def weights(**by_scope: dict[str, float]) -> RuleSet[BalanceRule]:
    scopes = {"every": Scope(), "get": Scope(method="Get")}
    rules = [(scopes[name], BalanceRule(weights=each)) for name, each in by_scope.items()]
    return RuleSet(BalanceRule, CALLEE, "callers", 2, rules)


def test_a_rule_gives_instances_their_weights() -> None:
    endpoints = tuple(
        StaticEndpoint(name, "default", f"10.0.0.{n}", 80, "ttheader", weight=30)
        for n, name in enumerate("abcd")
    )
    named = {"a": 10.4, "10.0.0.1:80": 0.2, "10.0.0.2": 200.0, "10.0.0.1": 7.0}
    route = gate(weights=weights(every=named, get={"d": 0.0}))
    one = call(method="Put")
    routed(route, one, *endpoints)
    assert [each.weight for each in one.candidates] == [10, 1, 200, 30]
    assert one.candidates[3] is endpoints[3]
    same = [call(method="Put") for _ in range(2)]
    for each in same:
        each.candidates = endpoints
        route.enter(each)
    assert same[0].candidates is same[1].candidates
    other = call(method="Get")
    assert routed(route, other, *endpoints) == ["a", "b", "c"]
    assert other.notes == ["1 of 4 instances are drained: balance v2 method=Get"]


def test_a_registered_instance_keeps_all_but_its_weight() -> None:
    made = Instance(psm=CALLEE, id="a", host="h", port=1, protocol="thrift", pid=7, weight=50)
    one = call()
    routed(gate(weights=weights(every={"a": 20.0})), one, made)
    (found,) = one.candidates
    assert found == replace(made, weight=20)


def test_a_cluster_whose_instances_are_drained_has_no_share() -> None:
    rule = RouteRule(clusters={"default": 1, "canary": 1})
    drained = drains(DrainRule(instances=frozenset({"b"})))
    assert sent(gate(rule, drains=drained), TWO, 50) == {"a": 50}
    shift = RouteRule(shift_to="canary", shift_begins=NOW)
    clock = FakeClock(wall=NOW.timestamp() + 3600)
    one = call()
    assert routed(gate(shift, drains=drained, clock=clock), one, *TWO) == ["a"]
    assert one.notes == [
        "routed to cluster default: route v7",
        "not as the rule says, no instance to shift to in the cluster canary: route v7",
    ]


def test_verdicts_and_outcomes() -> None:
    verdicts = Verdicts()
    rule = RouteRule(clusters={"default": 3, "canary": 1}, canary="x", canary_percent=50)
    route = gate(rule, verdicts=verdicts)
    sent(route, TWO, 10)
    (count,) = verdicts.take()
    assert (count.verdict, count.calls, count.version) == ("routed", 10, 7)
    one = call()
    one.candidates = TWO
    plan = route.plan(one)
    assert plan is not None
    assert sorted((round(o.share, 9), o.leaf.cluster) for o in outcomes(plan, 0.0)) == [
        (0.25, "canary"),
        (0.75, "default"),
    ]


def test_draws_are_even_and_independent() -> None:
    numbers = [number_of(str(each)) for each in range(4000)]
    salts = [number_of(name) for name in ("a.b.c cluster", "a.b.c idc", "d.e.f cluster")]
    for salt in salts:
        found = Counter(int(draw(number, salt) * 10) for number in numbers)
        assert all(320 <= count <= 480 for count in found.values())
    both = sum(draw(n, salts[0]) < 0.5 and draw(n, salts[1]) < 0.5 for n in numbers)
    assert 900 <= both <= 1100


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"clusters": {"a": 0}}, "clusters: all shares are 0"),
        ({"shift_to": "b"}, "shift_begins: a shift needs"),
        ({"canary_percent": 5.0}, "canary: canary_percent needs"),
        ({"own_idc": True, "idcs": {"lf": 1}}, "idcs: choose own_idc or"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RouteRule(**body)
