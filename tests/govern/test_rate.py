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
