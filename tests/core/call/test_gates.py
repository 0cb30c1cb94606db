"""Lists of gates in C: which gates run there, and that a course runs as its twin tells it."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.leaks import growth

import pie.call.sync
from pie._core import native
from pie.call import Course, GateLock, Gates
from pie.call.course import PythonCourse
from pie.call.flow import flow_in_python
from pie.call.gates import GateList, PythonGateLock
from pie.govern import ClientDeadline, Retry, RetryRule, Route, ServerDeadline
from pie.model import (
    SYSTEM_CLOCK,
    Call,
    Failure,
    Kind,
    StaticEndpoint,
    current_call,
    new_span_id,
)
from pie.observe import Record
from pie.testing import FakeClock

if native is None:
    pytest.skip("the extension is not in use", allow_module_level=True)


def call(side: Any = "client") -> Call:
    return Call(side, "thrift", caller="a.b.c", callee="d.e.f", method="Get")


def in_c(gates: Gates) -> list[bool]:
    return [known for _, known in gates.gates]


def run(course: Course, one: Call, action: Callable[[Call], Any] = lambda each: None) -> Any:
    return native.OpenCall(one, course, lambda seconds: None).run(action)


def test_the_gates_of_every_call_run_in_c(bench: Any) -> None:
    server = bench.runtime.policies.server()
    client = bench.runtime.policies.client("d.e.f")
    assert in_c(server.gates) == [True, True, True]
    assert in_c(client.gates) == [True, True, True]
    assert client.attempt_gates is not None
    assert in_c(client.attempt_gates) == [True, True]


def test_a_gate_that_is_not_as_made_for_runs_in_python() -> None:
    class Own(ServerDeadline):
        pass

    gates = Gates([ServerDeadline(), ServerDeadline(clock=FakeClock()), Own()])
    assert in_c(gates) == [True, False, False]


# --- the same as the twins ---


class Scripted:
    """A gate that follows a script, and writes down what happened."""

    def __init__(self, name: str, log: list[Any], enters: list[Any], leaves: list[Any]) -> None:
        self._name, self._log, self._enters, self._leaves = name, log, enters, leaves

    def enter(self, one: Call) -> float | None:
        self._log.append(f"+{self._name}")
        return self._do(self._enters, one)

    def leave(self, one: Call) -> None:
        self._log.append((f"-{self._name}", one.outcome, one.message, one.end))
        self._do(self._leaves, one)

    def _do(self, script: list[Any], one: Call) -> float | None:
        step = script.pop(0) if script else None
        if isinstance(step, BaseException):
            raise step
        if step == "repair":
            one.succeed("repaired")
        if step == "refuse":
            one.fail(Failure(Kind.EXHAUSTED, "refused on the way out"))
        return step if isinstance(step, float) else None


def errors() -> Any:
    return st.sampled_from(
        [
            lambda: Failure(Kind.UNAVAILABLE, "down", never_sent=True),
            lambda: Failure(Kind.DENIED, "no"),
            lambda: ValueError("bug"),
            TimeoutError,
            KeyboardInterrupt,
        ]
    )


def steps(*extra: Any) -> Any:
    one = st.one_of(st.none(), st.none(), errors(), *(st.just(each) for each in extra))
    return st.lists(one, max_size=3)


gate = st.tuples(steps(0.25, 0.0, 9.0), steps("repair", "refuse"))
scenario = st.fixed_dictionaries(
    {
        "gates": st.lists(gate, max_size=3),
        "attempt_gates": st.one_of(st.none(), st.lists(gate, max_size=2)),
        "attempts": st.integers(1, 3),
        "action": steps(),
        "deadline": st.one_of(st.none(), st.just(15.0)),
    }
)


class Instance:
    id, cluster, host, port, transport = "x", "default", "127.0.0.1", 1, "ttheader"
    version = "3.1"


def made(script: list[Any]) -> list[Any]:
    return [each() if callable(each) else each for each in script]


def outcome(case: dict[str, Any], lists: Any, courses: Any, opened: Any) -> list[Any]:
    """What happens in a scenario, with gates and courses of one kind."""
    clock, log = FakeClock(monotonic=10.0), []
    lock = GateLock() if lists is Gates else PythonGateLock()
    attempts: list[Any] = []

    def gates_of(name: str, scripts: Any) -> Any:
        return lists(
            [
                Scripted(f"{name}{number}", log, made(enters), made(leaves))
                for number, (enters, leaves) in enumerate(scripts)
            ],
            lock,
        )

    def sleep(seconds: float) -> None:
        log.append(("slept", seconds if seconds >= 0.25 else "backoff"))
        clock.advance(seconds if seconds >= 0.25 else 0.01)

    script = made(case["action"])

    def action(one: Call) -> str:
        clock.advance(0.5)
        one.target = Instance()
        step = script.pop(0) if script else None
        if isinstance(step, BaseException):
            raise step
        return "result"

    attempt_gates = case["attempt_gates"]
    course = courses(
        gates=gates_of("call", case["gates"]),
        clock=clock,
        attempt_gates=None if attempt_gates is None else gates_of("try", attempt_gates),
        retry=Retry(RetryRule(attempts=case["attempts"]), clock=clock)
        if case["attempts"] > 1
        else None,
        on_attempt=lambda each: attempts.append((each.attempt, each.outcome, each.start, each.end)),
    )
    one = call()
    one.deadline = case["deadline"]
    try:
        log.append(opened(one, course, sleep).run(action))
    except BaseException as error:
        log.append((type(error), str(error), repr(error.__cause__), error.__suppress_context__))
    assert (one.span_id == "") == (one.attempts == 1)
    last = (one.outcome, one.code, one.message, one.result, one.attempts, one.tried, one.started)
    return [
        *log,
        attempts,
        last,
        one.start,
        one.attempt_start,
        one.end,
        one.peer,
        one.gate,
        len(one.notes),
    ]


@settings(max_examples=examples(150), deadline=None)
@given(scenario)
def test_a_course_runs_as_its_twin_tells_it(case: dict[str, Any]) -> None:
    found = outcome(case, Gates, Course, native.OpenCall)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pie.call.sync, "flow", flow_in_python)
        expected = outcome(case, GateList, PythonCourse, pie.call.sync.PythonOpenCall)
    assert found == expected


@settings(max_examples=examples(50), deadline=None)
@given(
    timeout=st.sampled_from([None, 20.0, 60.0]),
    left=st.sampled_from([None, -10.0, 0.05, 30.0, 90.0]),
    detached=st.booleans(),
    usual=st.sampled_from([None, 10.0, 40.0, 80.0]),
)
def test_deadlines_are_those_of_the_twin(
    timeout: Any, left: Any, detached: bool, usual: Any
) -> None:
    clock = FakeClock(monotonic=SYSTEM_CLOCK.monotonic())
    found = []
    for time in (SYSTEM_CLOCK, clock):
        parent, one = call("server"), call()
        parent.deadline = None if left is None else clock.monotonic() + left
        one.timeout, one.usual_timeout, one.detached = timeout, usual, detached
        gates = Gates([ClientDeadline(clock=time)])
        assert in_c(gates) == [time is SYSTEM_CLOCK]
        token = current_call.set(parent)
        try:
            run(Course(gates=gates, clock=SYSTEM_CLOCK), one)
        except Failure as failure:
            assert one.failure is failure
        finally:
            current_call.reset(token)
        found.append((one.outcome, one.message, one.timeout, len(one.notes), one.deadline))
    assert found[0][:4] == found[1][:4]
    assert found[0][4] == pytest.approx(found[1][4], abs=5)


@pytest.mark.parametrize(("timeout", "outcome"), [(None, "ok"), (5.0, "ok"), (0.5, "deadline")])
def test_what_arrives_too_late_is_rejected(timeout: float | None, outcome: str) -> None:
    one = call("server")
    one.received, one.timeout = SYSTEM_CLOCK.monotonic() - 1.0, timeout
    gates = Gates([ServerDeadline()])
    try:
        run(Course(gates=gates, clock=SYSTEM_CLOCK), one)
    except Failure as failure:
        assert "came too late" in failure.message
    assert one.outcome == outcome
    assert one.queued >= 1.0 if outcome == "ok" else one.queued == 0.0
    assert (one.deadline is None) == (timeout is None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "default", "blue", "none"]))))
def test_calls_of_one_callee_go_where_the_twin_sends_them(wanted: list[tuple[int, str]]) -> None:
    lists = [
        tuple(
            StaticEndpoint(f"{number}{each}", ("default", "blue")[each % 2], "h", 1, "framed")
            for each in range(number)
        )
        for number in range(4)
    ]
    route = Route(lambda psm, cluster: "nobody")
    gates = Gates([route])
    assert in_c(gates) == [True]
    for number, cluster in wanted:
        one, other = call(), call()
        for each in (one, other):
            each.candidates, each.callee_cluster = lists[number], cluster
        try:
            run(Course(gates, SYSTEM_CLOCK), one)
            route.enter(other)
        except Failure as failure:
            assert failure.message == "nobody"
            continue
        assert list(one.candidates) == list(other.candidates)
        assert one.callee_cluster == other.callee_cluster


# --- locks and lives ---


def test_python_gates_of_a_list_are_never_two_at_once() -> None:
    inside: list[int] = []
    seen: list[int] = []

    class Careful:
        def enter(self, one: Call) -> None:
            inside.append(1)
            seen.append(len(inside))
            sum(range(200))
            inside.pop()

        leave = enter

    course = Course(gates=Gates([Careful()]), clock=SYSTEM_CLOCK)

    def many() -> None:
        for _ in range(300):
            run(course, call())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=many) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)
    assert set(seen) == {1}
    assert len(seen) == 2400


@pytest.mark.parametrize("delay", ["soon", float("nan")])
def test_a_gate_with_a_senseless_delay_fails_the_call_and_is_left(delay: Any) -> None:
    left: list[str] = []

    class Odd:
        def enter(self, one: Call) -> Any:
            return delay

        def leave(self, one: Call) -> None:
            left.append(one.outcome)

    with pytest.raises(Failure, match=r"Odd\.enter must return seconds"):
        run(Course(gates=Gates([Odd()]), clock=SYSTEM_CLOCK), call())
    assert left == ["internal"]


def test_a_course_of_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="must be Gates"):
        Course(gates=GateList([], PythonGateLock()), clock=SYSTEM_CLOCK)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a Course is needed"):
        native.OpenCall(call(), PythonCourse(Gates([]), SYSTEM_CLOCK))
    with pytest.raises(TypeError, match="a Call is needed"):
        native.OpenCall(5, Course(Gates([]), SYSTEM_CLOCK))


def test_an_open_call_that_is_forgotten_leaves_its_gates() -> None:
    log: list[Any] = []
    course = Course(gates=Gates([Scripted("a", log, [], [])]), clock=FakeClock())
    opened = native.OpenCall(call(), course)
    opened.start()
    del opened
    assert [each[0] for each in log] == ["+", "-a"]


def test_a_call_cannot_be_advanced_by_two_at_once() -> None:
    opened: Any = None

    class Meddler:
        def enter(self, one: Call) -> None:
            opened.succeed()

        def leave(self, one: Call) -> None:
            pass

    opened = native.OpenCall(call(), Course(gates=Gates([Meddler()]), clock=SYSTEM_CLOCK))
    with pytest.raises(Failure, match="being advanced"):
        opened.start()


def test_span_ids_differ() -> None:
    assert len({new_span_id() for _ in range(10_000)}) == 10_000


@pytest.mark.slow
def test_nothing_leaks(bench: Any) -> None:
    course = bench.runtime.policies.server()

    def fail(one: Call) -> None:
        raise Failure(Kind.DENIED, "no")

    def use() -> None:
        run(course, call("server"))
        with pytest.raises(Failure):
            run(course, call("server"), fail)
        with pytest.raises(Failure):
            run(Course(Gates([Scripted("a", [], [ValueError()], [])]), SYSTEM_CLOCK), call())
        opened = native.OpenCall(call(), course, None)
        opened.start()
        opened.close()

    def many() -> None:
        for _ in range(300):
            use()
        bench.observer.recorder.flush(final=True)

    assert growth(many, 1) < 60


def test_a_record_gate_with_a_log_of_its_own_runs_in_python() -> None:
    class Log:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def enter(self, one: Call) -> None:
            self.seen.append("enter")

        def leave(self, one: Call) -> None:
            self.seen.append("leave")

    log = Log()
    gates = Gates([Record(log)])  # type: ignore[arg-type]
    assert in_c(gates) == [False]
    run(Course(gates=gates, clock=SYSTEM_CLOCK), call())
    assert log.seen == ["enter", "leave"]
