"""Rate: how many calls come through, on a clock that is moved by hand."""

import pytest

from pie.govern import Rate, RateRule, RateState, RuleSet, Scope, Verdicts
from pie.govern.table import Table
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock


def call(caller: str = "a.b.c", method: str = "Get") -> Call:
    return Call("server", "thrift", caller=caller, callee="d.e.f", method=method)


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock(monotonic=50.0)
        self.state = RateState()
        self.verdicts = Verdicts()

    def gate(self, *rules: tuple[Scope, RateRule], version: int = 1) -> Rate:
        found = RuleSet(RateRule, "d.e.f", "server", version, rules)
        return Rate(found, self.state, self.clock, self.verdicts)

    @staticmethod
    def admitted(gate: Rate, count: int, **options: str) -> int:
        passed = 0
        for _ in range(count):
            try:
                gate.enter(call(**options))
            except Failure:
                continue
            passed += 1
        return passed


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_no_more_than_the_rate_comes_through(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=10)))
    assert bench.admitted(gate, 100) == 10
    bench.clock.advance(0.5)
    assert bench.admitted(gate, 100) == 5
    bench.clock.advance(60)
    assert bench.admitted(gate, 100) == 10


def test_less_than_one_call_a_second(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=0.25)))
    assert bench.admitted(gate, 3) == 1
    bench.clock.advance(3.9)
    assert bench.admitted(gate, 3) == 0
    bench.clock.advance(0.2)
    assert bench.admitted(gate, 3) == 1


def test_a_burst_is_what_comes_at_once(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=10, burst=3)))
    assert bench.admitted(gate, 100) == 30
    bench.clock.advance(1)
    assert bench.admitted(gate, 100) == 10


def test_each_caller_and_method_has_a_level_of_its_own(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=3)))
    assert bench.admitted(gate, 9, caller="a.b.c") == 3
    assert bench.admitted(gate, 9, caller="x.y.z") == 3
    assert bench.admitted(gate, 9, method="Put") == 3


def test_all_matching_limits_hold_and_a_rejected_call_counts_nowhere(bench: Bench) -> None:
    narrow = (Scope(caller="a.b.c"), RateRule(qps=2))
    gate = bench.gate((Scope(), RateRule(qps=5)), narrow)
    assert bench.admitted(gate, 9, caller="a.b.c") == 2
    wide_only = bench.gate((Scope(), RateRule(qps=5)), version=2)
    assert bench.admitted(wide_only, 9, caller="a.b.c") == 3


def test_a_level_is_kept_when_the_threshold_moves(bench: Bench) -> None:
    assert bench.admitted(bench.gate((Scope(), RateRule(qps=10))), 99) == 10
    assert bench.admitted(bench.gate((Scope(), RateRule(qps=15)), version=2), 99) == 5
    assert bench.admitted(bench.gate((Scope(), RateRule(qps=10)), version=3), 99) == 0


def test_a_rejection_says_which_rule_of_which_version(bench: Bench) -> None:
    gate = bench.gate((Scope(method="Get", caller="a.b.c"), RateRule(qps=1)), version=4)
    gate.enter(call())
    with pytest.raises(Failure) as caught:
        gate.enter(call())
    failure = caught.value
    assert failure.kind is Kind.EXHAUSTED
    assert failure.never_sent
    assert failure.rule == "rate v4 method=Get caller=a.b.c"
    assert "a.b.c calls d.e.f.Get more often than 1 times a second" in failure.message


def test_a_cold_instance_admits_a_third_and_warms_up_under_load(bench: Bench) -> None:
    """Two calls every 10 ms: load is never short. The rate climbs for ten seconds."""
    gate = bench.gate((Scope(), RateRule(qps=100, burst=0.2, warm_up=10)))
    seconds = []
    for _ in range(14):
        passed = 0
        for _ in range(100):
            passed += bench.admitted(gate, 2)
            bench.clock.advance(0.01)
        seconds.append(passed)
    assert seconds[0] == pytest.approx(36, abs=4)
    assert seconds[1:] == sorted(seconds[1:])
    assert sum(seconds[:10]) == pytest.approx(500, abs=60), "half of what it admits when warm"
    assert seconds[11:] == pytest.approx([100] * 3, abs=1)


def test_an_instance_that_was_quiet_is_cold_again(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=99, warm_up=2)))

    def second() -> int:
        bench.clock.advance(1)
        return bench.admitted(gate, 200)

    assert [second() for _ in range(5)][-1] == 99
    bench.clock.advance(60)
    assert second() == 33


def test_steady_load_above_a_third_is_never_short(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=100, warm_up=5)))
    for _ in range(20):
        bench.clock.advance(1)
        bench.admitted(gate, 100)
    for _ in range(100):
        bench.clock.advance(1.3)
        assert bench.admitted(gate, 60) == 60


def test_a_caller_under_way_is_warm_when_warm_up_is_published(bench: Bench) -> None:
    assert bench.admitted(bench.gate((Scope(), RateRule(qps=90))), 45) == 45
    bench.clock.advance(0.5)
    assert bench.admitted(bench.gate((Scope(), RateRule(qps=90, warm_up=5)), version=2), 99) == 90


def test_a_limit_of_the_service_is_shared_by_its_instances(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=30, per="service")))
    bench.state.shares.count(["default", "canary", "default"])
    assert bench.admitted(gate, 99) == 10
    bench.state.shares.count(["default", "canary"])
    bench.clock.advance(2)
    assert bench.admitted(gate, 99) == 15
    only = bench.gate((Scope(cluster="canary"), RateRule(qps=30, per="service")), version=2)
    late = call()
    late.callee_cluster = "canary"
    for _ in range(30):
        only.enter(late)
    with pytest.raises(Failure, match=r"30 times a second, of which this instance admits 30"):
        only.enter(late)


def test_a_share_is_never_nothing(bench: Bench) -> None:
    gate = bench.gate((Scope(), RateRule(qps=1, per="service")))
    bench.state.shares.count(["default"] * 500)
    assert bench.admitted(gate, 9) == 1
    bench.clock.advance(499)
    assert bench.admitted(gate, 9) == 0
    bench.clock.advance(2)
    assert bench.admitted(gate, 9) == 1
    bench.state.shares.count([])
    bench.clock.advance(1)
    assert bench.admitted(gate, 9) == 1


def test_a_dry_run_notes_what_it_would_reject(bench: Bench) -> None:
    tried = Scope(), RateRule(qps=2, dry_run=True)
    gate = bench.gate(tried, (Scope(method="Get"), RateRule(qps=5)))
    notes = []
    for _ in range(7):
        one = call()
        notes.append(one.notes)
        try:
            gate.enter(one)
        except Failure:
            assert one.notes == ["rejected: rate v1 method=Get"]
    assert notes[:2] == [[], []]
    assert notes[2:5] == [["would reject: rate v1"]] * 3
    counts = {(each.scope, each.verdict): each.calls for each in bench.verdicts.take()}
    assert counts == {
        ("", "admitted"): 2,
        ("", "would_reject"): 3,
        ("method=Get", "admitted"): 5,
        ("method=Get", "rejected"): 2,
    }


def test_calls_that_no_rule_is_for_pass(bench: Bench) -> None:
    gate = bench.gate((Scope(method="Put"), RateRule(qps=1)))
    assert bench.admitted(gate, 50) == 50
    assert len(bench.state.levels) == 0


def test_strangers_cannot_grow_memory(bench: Bench) -> None:
    bench.state = RateState(limit=100)
    gate = bench.gate((Scope(), RateRule(qps=2)))
    passed = sum(bench.admitted(gate, 1, caller=f"caller{number}") for number in range(1000))
    assert len(bench.state.levels) == 100
    assert passed == 102, "callers without room share one level"
    assert bench.admitted(gate, 3, caller="caller0") == 1


def test_quiet_callers_make_room(bench: Bench) -> None:
    bench.state = RateState(limit=100)
    gate = bench.gate((Scope(), RateRule(qps=2)))
    for number in range(100):
        bench.admitted(gate, 1, caller=f"caller{number}")
    bench.clock.advance(10)
    assert bench.admitted(gate, 5, caller="late") == 2
    assert len(bench.state.levels) == 1


def test_a_full_table_is_not_swept_at_every_miss() -> None:
    looks: list[int] = []

    def spent(entry: list[int], now: float) -> bool:
        looks.append(1)
        return False

    table: Table[list[int]] = Table(list, spent, limit=10)
    for number in range(110):
        table.of(number).append(number)
    assert len(table) == 10
    assert len(table.of("(any)")) == 100
    assert len(looks) <= 10 * 11
