"""What is switched off, for which calls, until when."""

from datetime import UTC, datetime

import pytest

from pie.govern import (
    KINDS,
    Degradation,
    Degrade,
    DegradeState,
    RuleError,
    RuleSet,
    Subject,
    Verdicts,
    parse,
)
from pie.govern.degrade import USER
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock

PSM = "toutiao.my.server"


def rules(*written: dict, version: int = 1) -> RuleSet:
    import json

    body = [{"scope": each.pop("scope", {}), "body": each} for each in map(dict, written)]
    text = {"kind": "degrade", "psm": PSM, "side": "server", "version": version, "rules": body}
    return parse(json.dumps(text), KINDS)


def call(method: str = "Get", **fields: str) -> Call:
    made = Call("server", "thrift", caller="a.b.c", callee=PSM, method=method)
    made.logid = fields.get("logid", "0" * 32)
    if "user" in fields:
        made.persist = {USER: fields["user"]}
    return made


def off(degradation: Degradation, one: Call, switch: str = "") -> bool:
    decision = degradation.decide(switch, Subject.of(one), one)
    return decision is not None and decision[1]


def made(found: RuleSet, clock: FakeClock, state: DegradeState | None = None) -> Degradation:
    return Degradation(found, state or DegradeState(), clock)


def test_whole_methods_are_refused_with_the_rule_and_its_reason() -> None:
    found = rules({"scope": {"method": "Rec*"}, "reason": "the model is down"})
    verdicts = Verdicts()
    gate = Degrade(found, DegradeState(), FakeClock(), verdicts)
    gate.enter(call("Get"))
    with pytest.raises(Failure, match="Recommend is switched off: the model is down") as caught:
        gate.enter(call("Recommend"))
    assert (caught.value.kind, caught.value.rule) == (Kind.UNAVAILABLE, "degrade v1 method=Rec*")
    assert [(each.verdict, each.calls) for each in verdicts.take()] == [("rejected", 1)]


def test_switches_of_one_scope_stand_side_by_side() -> None:
    found = rules({"switch": "recommend"}, {"switch": "ads"}, {"scope": {"method": "Put"}})
    degradation = made(found, FakeClock())
    assert degradation.switches == {"recommend", "ads"}
    assert off(degradation, call(), "recommend") and off(degradation, call(), "ads")
    assert not off(degradation, call(), "other") and not off(degradation, call())
    assert off(degradation, call("Put"))
    with pytest.raises(RuleError, match="for the same calls as"):
        rules({"switch": "ads"}, {"switch": "ads", "percent": 5})


def test_the_most_specific_scope_decides() -> None:
    found = rules({"switch": "ads"}, {"switch": "ads", "percent": 0, "scope": {"caller": "a.b.c"}})
    degradation = made(found, FakeClock())
    assert not off(degradation, call(), "ads")
    other = Call("server", "thrift", caller="x.y.z", callee=PSM, method="Get")
    assert off(degradation, other, "ads")


@pytest.mark.parametrize("by", ["chain", "user"])
def test_a_share_keeps_a_chain_or_a_user_together_and_only_grows(by: str) -> None:
    def inside(percent: float) -> set[str]:
        degradation = made(rules({"switch": "ads", "percent": percent, "by": by}), FakeClock())
        names = [f"{n:032x}" for n in range(2000)]
        return {n for n in names if off(degradation, call(**{_NAME[by]: n}), "ads")}

    ten, half = inside(10), inside(50)
    assert 150 < len(ten) < 250
    assert ten < half
    assert inside(0) == set()


_NAME = {"chain": "logid", "user": "user"}


def test_a_rule_ends_by_itself_whatever_the_wall_clock_does_meanwhile() -> None:
    clock, state = FakeClock(), DegradeState()
    until = datetime.fromtimestamp(clock.wall() + 100, UTC).isoformat()
    found = rules({"switch": "ads", "until": until})
    degradation = made(found, clock, state)
    clock._wall += 10_000  # It jumps ahead: nothing ends early.
    assert off(degradation, call(), "ads")
    # Another version that keeps the end as it is: it does not look at the wall clock again.
    later = made(rules({"switch": "ads", "until": until}, version=2), clock, state)
    assert off(later, call(), "ads")
    clock._wall -= 50_000
    clock.advance(101)
    assert not off(degradation, call(), "ads") and not off(later, call(), "ads")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"switch": "a b"}, "is no name"),
        ({"switch": "a", "on": ["late"]}, "'late' is not one of"),
        ({"on": ["deadline"]}, "whole methods have no fallback"),
        ({"percent": 101}, "percent"),
        ({"until": "2026-01-01T00:00:00"}, "until"),
        ({"by": "moon"}, "by"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_field(body: dict, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        rules(body)
