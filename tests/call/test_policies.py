"""Policies: one owner of what gates remember, which follows the rules of a source."""

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.call.file_rules import FileRules

from pie.call import Course, Driver, Policies
from pie.govern import KINDS, BalanceState, Key, RateState, RuleSet, Scope
from pie.model import Call, Failure, Kind
from pie.testing import FakeClock

PSM = "toutiao.my.server"
OTHER = "toutiao.my.other"


def rate(version: int, *rules: tuple[dict[str, Any], float]) -> dict[str, Any]:
    bodies = [{"scope": scope, "body": {"qps": qps}} for scope, qps in rules]
    return {"kind": "rate", "psm": PSM, "side": "server", "version": version, "rules": bodies}


def retry(version: int, attempts: int, psm: str = PSM, **scope: str) -> dict[str, Any]:
    rules = [{"scope": scope, "body": {"attempts": attempts, "base": 0}}]
    return {"kind": "retry", "psm": psm, "side": "client", "version": version, "rules": rules}


def served(caller: str = "a.b.c") -> Call:
    return Call("server", "thrift", caller=caller, callee=PSM, method="Get")


def passed(course: Course, count: int, caller: str = "a.b.c") -> int:
    done = 0
    for _ in range(count):
        try:
            Driver(course).run(served(caller), lambda call: None)
        except Failure as failure:
            assert failure.kind is Kind.EXHAUSTED
            continue
        done += 1
    return done


def names(gates: Any) -> list[str]:
    return [type(gate).__name__ for gate, _ in gates.gates]


@pytest.fixture
def rules(tmp_path: Path) -> FileRules:
    return FileRules(tmp_path / "rules.ndjson")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def policies(bench: Any, rules: FileRules, clock: FakeClock) -> Policies:
    return Policies(bench.observer, source=rules, clock=clock)


def test_a_gate_whose_rule_is_absent_is_not_in_the_list(
    policies: Policies, rules: FileRules
) -> None:
    course = policies.server()
    assert names(course.gates) == ["ServerTrace", "Record", "ServerDeadline"]
    rules.write(rate(1, ({}, 5)))
    assert names(course.gates) == ["ServerTrace", "Record", "ServerDeadline", "Rate"]
    rules.write(rate(2))
    assert names(course.gates) == ["ServerTrace", "Record", "ServerDeadline"]


def test_the_gates_of_the_author_stand_last(policies: Policies, rules: FileRules) -> None:
    class Own:
        def enter(self, call: Call) -> None:
            pass

        leave = enter

    course = policies.server([Own()])
    rules.write(rate(1, ({}, 5)))
    assert names(course.gates)[-2:] == ["Rate", "Own"]


def test_rules_hold_from_the_beginning(bench: Any, rules: FileRules, clock: FakeClock) -> None:
    rules.write(rate(1, ({}, 2)))
    policies = Policies(bench.observer, source=rules, clock=clock)
    assert passed(policies.server(), 5) == 2


def test_a_threshold_that_moves_keeps_the_count(policies: Policies, rules: FileRules) -> None:
    course = policies.server()
    rules.write(rate(1, ({}, 10)))
    assert passed(course, 50) == 10
    rules.write(rate(2, ({}, 15)))
    assert passed(course, 50) == 5
    rules.write(rate(3))
    assert passed(course, 50) == 50
    rules.write(rate(4, ({}, 16)))
    assert passed(course, 50) == 1


def test_all_servers_of_a_process_share_what_is_remembered(
    policies: Policies, rules: FileRules
) -> None:
    rules.write(rate(1, ({}, 10)))
    assert passed(policies.server(), 7) == 7
    assert passed(policies.server(), 50) == 3


def test_rules_of_other_services_and_sides_do_not_concern(
    policies: Policies, rules: FileRules
) -> None:
    rules.write({**rate(1, ({}, 1)), "psm": OTHER})
    assert names(policies.server().gates)[-1] == "ServerDeadline"


def test_a_client_has_one_course_for_each_callee(policies: Policies) -> None:
    assert policies.client(OTHER) is policies.client(OTHER)
    assert policies.client(OTHER) is not policies.client(PSM)


def test_a_client_made_anew_forgets_nothing(policies: Policies) -> None:
    course = policies.client(OTHER)
    state = policies.state(BalanceState)
    state.pending["x"] = 3
    del course
    gc.collect()
    policies.client(OTHER)
    assert policies.state(BalanceState).pending == {"x": 3}


def test_courses_that_nobody_uses_are_let_go(policies: Policies, rules: FileRules) -> None:
    for number in range(50):
        policies.client(f"a.b.c{number}")
        policies.server()
    gc.collect()
    assert (len(policies._clients), len(policies._composers)) == (0, 0)
    rules.write(rate(1, ({}, 1)))


class Nowhere:
    id, cluster, host, port, transport, version = "x", "default", "127.0.0.1", 1, "ttheader", ""
    env, idc, tags, weight = "", "", (), 100


def attempts(course: Course, **fields: Any) -> int:
    call = Call("client", "thrift", caller=PSM, callee=OTHER, method="Get")
    call.candidates = (Nowhere(),)
    for name, value in fields.items():
        setattr(call, name, value)

    def refused(each: Call) -> None:
        raise Failure(Kind.UNAVAILABLE, "refused", never_sent=True)

    with pytest.raises(Failure, match="refused"):
        Driver(course, lambda seconds: None).run(call, refused)
    return call.attempts


def test_a_course_that_is_kept_follows_the_rule_of_retries(bench: Any, rules: FileRules) -> None:
    course = Policies(bench.observer, source=rules).client(OTHER)
    assert attempts(course) == 3
    rules.write(retry(1, 5))
    assert attempts(course) == 5
    assert attempts(course, max_attempts=2) == 2
    rules.write(retry(2, 1, callee=OTHER))
    assert attempts(course) == 1
    rules.write(retry(3, 5, callee="a.b.other"))
    assert attempts(course) == 3
    rules.write(retry(4, 5, psm=OTHER))
    assert attempts(course) == 3, "the rules of a client are its own"


def test_the_rules_of_those_who_are_called_are_wanted(policies: Policies, rules: FileRules) -> None:
    policies.client(OTHER)
    assert rules.wanted == {OTHER}


def test_verdicts_are_counted_by_rule(policies: Policies, rules: FileRules) -> None:
    course = policies.server()
    rules.write(rate(3, ({"method": "Get"}, 5), ({}, 100)))
    assert passed(course, 8) == 5
    rules.write(rate(4, ({}, 100)))
    assert passed(course, 2) == 2
    key = Key("rate", PSM, "server")
    assert sorted(policies.verdicts.take()) == [
        (key, 3, "", "admitted", 5),
        (key, 3, "method=Get", "admitted", 5),
        (key, 3, "method=Get", "rejected", 3),
        (key, 4, "", "admitted", 2),
    ]
    assert policies.verdicts.take() == []


def test_rules_that_change_under_load_lose_no_count(bench: Any, rules: FileRules) -> None:
    """Far more calls than the limit, on a clock that stands still, while versions are published."""
    policies = Policies(bench.observer, source=rules, clock=FakeClock())
    rules.write(rate(1, ({}, 500)))
    courses = [policies.server(), policies.server()]
    found: list[int] = []
    published = threading.Event()

    def work(number: int) -> None:
        while not published.is_set():
            found.append(passed(courses[number % 2], 50))
        found.append(passed(courses[number % 2], 400))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for version in range(2, 50):
        rules.write(rate(version, ({}, 500), ({"lane": f"l{version % 3}"}, 900)))
    published.set()
    for each in threads:
        each.join()
    assert sum(found) == 500


def test_a_rejection_is_recorded_with_its_policy(bench: Any, rules: FileRules) -> None:
    course = Policies(bench.observer, source=rules).server()
    rules.write(rate(7, ({"caller": "a.*"}, 1)))
    calls = [served(), served()]
    failures = []
    for call in calls:
        try:
            Driver(course).run(call, lambda each: None)
        except Failure as failure:
            failures.append(failure)
    assert [each.rule for each in failures] == ["rate v7 caller=a.*"]
    assert [each.gate for each in calls] == ["", "rate"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_begins_anew(policies: Policies, rules: FileRules) -> None:
    course = policies.server()
    rules.write(rate(1, ({}, 10)))
    assert passed(course, 8) == 8
    policies.state(BalanceState).pending["x"] = 1
    child = os.fork()
    if child == 0:
        fine = passed(course, 50) == 10 and policies.state(BalanceState).pending == {}
        fine = fine and [each.calls for each in policies.verdicts.take()] == [10, 40]
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert passed(course, 50) == 2
    assert len(policies.state(RateState).levels) == 1


class LateRules(FileRules):
    """A source whose rules change just before a follower is known to it."""

    def follow(self, changed: Callable[[], None]) -> None:
        self.write(rate(1, ({}, 2)))
        super().follow(changed)


def test_a_change_of_rules_while_a_process_begins_is_not_missed(bench: Any, tmp_path: Path) -> None:
    source = LateRules(tmp_path / "rules.ndjson")
    policies = Policies(bench.observer, source=source, clock=FakeClock())
    assert passed(policies.server(), 5) == 2


class SilentRules(FileRules):
    """A source that has other rules, and has not told its followers yet."""

    def follow(self, changed: Callable[[], None]) -> None:
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_before_followers_are_told_has_the_rules_in_force(
    bench: Any, tmp_path: Path
) -> None:
    source = SilentRules(tmp_path / "rules.ndjson")
    policies = Policies(bench.observer, source=source, clock=FakeClock())
    course = policies.server()
    source.write(rate(1, ({}, 2)))
    child = os.fork()
    if child == 0:
        os._exit(0 if passed(course, 5) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class AllKinds:
    """A rule of each kind, for this process and for a callee."""

    def rule_sets(self) -> dict[Key, RuleSet[Any]]:
        sets = [
            RuleSet(kind, OTHER if side == "callers" else PSM, side, 1, [(Scope(), kind())])
            for kind in KINDS.values()
            for side in kind.sides
        ]
        return {each.key: each for each in sets}

    def follow(self, changed: Callable[[], None]) -> None:
        pass

    def want(self, psm: str) -> None:
        pass


def test_kinds_stand_in_the_order_in_which_calls_meet_them(bench: Any) -> None:
    """Explanations and pages follow the order of kinds."""
    policies = Policies(bench.observer, source=AllKinds())
    server, client = policies.server(), policies.client(OTHER)
    for lists in ([server.gates], [client.gates, client.attempt_gates]):
        policy = [getattr(gate, "policy", "") for each in lists for gate, _ in each.gates]
        met = [name for name in policy if name in KINDS]
        assert met == [name for name in KINDS if name in met]
    assert [name for name in KINDS if name in met] == ["degrade", "route", "balance"]
