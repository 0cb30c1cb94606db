"""A process reports its demand for limits of its service, and takes its parts of them."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules
from tests.call.test_shares import PSM, passed, until

from pie.call import Policies
from pie.call.demand import LOOK_S, PERIOD_S, DemandShares
from pie.govern import RateState
from pie.platform.govern.shares import ShareLedger
from pie.state import StoreAway
from pie.state.store.wire import SharesReply, SharesRequest
from pie.testing import FakeClock


def rate(version: int, *, qps: float = 10.0, per: str = "service", cluster: str = "*") -> Any:
    rule = {"scope": {"cluster": cluster}, "body": {"qps": qps, "per": per}}
    return {"kind": "rate", "psm": PSM, "side": "server", "version": version, "rules": [rule]}


class Platform:
    """Grants a part to each limit, or is away."""

    def __init__(self) -> None:
        self.part = 0.25
        self.away = False
        self.asked: list[SharesRequest] = []

    def __call__(self, request: SharesRequest) -> SharesReply:
        self.asked.append(request)
        if self.away:
            raise StoreAway("nobody answers")
        parts = [[self.part] * len(group.limits) for group in request.groups]
        return SharesReply(parts, 3 * PERIOD_S, PERIOD_S)


class Process:
    """A service with two live instances, whose reports are made by hand."""

    def __init__(self, bench: Any, rules: FileRules) -> None:
        self.clock = FakeClock(monotonic=100.0)
        self.platform = Platform()
        self.policies = Policies(bench.observer, source=rules, clock=self.clock)
        self.demand = DemandShares(
            self.policies, bench.observer.identity, self.platform, clock=self.clock
        )
        self.state = self.policies.state(RateState)
        self.state.shares.count(["default", "default"])
        self.course = self.policies.server()

    def call(self, count: int) -> int:
        return passed(self, count)  # type: ignore[arg-type]

    def step(self, seconds: float = 0.0) -> float:
        self.clock.advance(seconds)
        return self.demand.step()

    def part(self) -> float:
        ((_, level),) = self.state.levels.entries()
        return level.part


@pytest.fixture
def process(bench: Any, tmp_path: Path) -> Iterator[Process]:
    rules = FileRules(tmp_path / "rules.ndjson")
    rules.write(rate(1))
    made = Process(bench, rules)
    made.rules = rules  # type: ignore[attr-defined]
    yield made


def test_the_part_follows_what_the_platform_grants(process: Process) -> None:
    assert process.call(20) == 5
    assert process.step() == LOOK_S
    (group,) = process.platform.asked[0].groups
    assert (group.clusters, group.peers) == ("*", 2)
    assert group.limits[0].wants == pytest.approx(2.0)
    assert process.part() == 0.25
    process.clock.advance(60)
    assert process.call(20) == 2
    process.platform.part = 0.9
    process.step(PERIOD_S)
    process.clock.advance(1)
    assert process.call(20) == 9


def test_somebody_new_is_reported_at_once(process: Process) -> None:
    process.step()
    process.step(LOOK_S)
    assert len(process.platform.asked) == 1
    process.call(1)
    process.step(LOOK_S)
    assert len(process.platform.asked) == 2
    process.step(LOOK_S)
    assert len(process.platform.asked) == 2


def test_without_the_platform_the_part_is_equal_again(process: Process) -> None:
    process.platform.part = 0.9
    process.call(20)
    process.step()
    process.platform.away = True
    process.step(PERIOD_S)
    assert process.part() == 0.9
    process.step(2 * PERIOD_S)
    assert process.part() == 0.0


def test_a_small_part_grows_when_those_of_others_have_ended(process: Process) -> None:
    process.platform.part = 0.1
    process.call(20)
    process.step()
    process.platform.away = True
    process.step(3 * PERIOD_S)
    assert process.part() == 0.1
    process.step(PERIOD_S)
    assert process.part() == 0.0


def test_who_is_asked_for_nothing_any_more_reports_no_limit(process: Process) -> None:
    process.call(20)
    process.step()
    for _ in range(20):
        process.step(PERIOD_S)
    assert process.platform.asked[-1].groups[0].limits == []
    assert process.part() == 0.0


@pytest.mark.parametrize("change", [{"per": "instance"}, {"cluster": "other"}])
def test_nothing_is_reported_without_need(process: Process, change: dict[str, str]) -> None:
    process.rules.write(rate(2, **change))  # type: ignore[attr-defined]
    assert process.step() == math.inf
    assert not process.platform.asked


def test_a_rule_per_instance_forgets_the_part(process: Process) -> None:
    process.call(20)
    process.step()
    process.rules.write(rate(2, per="instance"))  # type: ignore[attr-defined]
    process.clock.advance(60)
    assert process.call(20) == 10


def test_an_answer_that_does_not_fit_is_none(process: Process) -> None:
    process.demand._ask = lambda request: SharesReply([[0.5, 0.5]], 15, 5)
    process.call(20)
    process.step()
    assert process.part() == 0.0


def test_two_processes_divide_by_demand(bench: Any, tmp_path: Path) -> None:
    """With the platform's ledger between them: all calls come to one, which soon admits nearly
    the whole limit."""
    rules = FileRules(tmp_path / "rules.ndjson")
    rules.write(rate(1))
    processes = [Process(bench, rules) for _ in range(2)]
    clock = FakeClock(monotonic=100.0)
    ledger = ShareLedger(clock)
    for number, each in enumerate(processes):

        def ask(request: SharesRequest, number: int = number) -> SharesReply:
            request.instance = request.process = f"h:{number}"
            return ledger.report(request)

        each.demand._ask = ask
    for _ in range(40):
        clock.advance(1)
        for number, each in enumerate(processes):
            each.clock.advance(1)
            each.call(40 if number == 0 else 0)
            each.demand.step()
    processes[0].clock.advance(1)
    assert processes[0].call(40) == 9
    processes[1].clock.advance(1)
    assert processes[1].call(40) == 5  # Its equal part, until it reports.


def test_a_thread_follows_while_there_is_need(process: Process) -> None:
    process.demand.start()
    until(lambda: bool(process.platform.asked))
    process.demand.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_reports_for_itself(process: Process) -> None:
    process.demand.start()
    until(lambda: bool(process.platform.asked))
    child = os.fork()
    if child == 0:
        try:
            process.platform.asked.clear()
            process.demand.start()
            until(lambda: bool(process.platform.asked))
            mine = process.platform.asked[0].process.endswith(f"/{os.getpid()}")
            os._exit(0 if mine else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    process.demand.stop()
