"""Lists of gates under one lock: replaced under load, left when dropped inside a gate, forked."""

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.call.conftest import Kit

from pie.call import Course, Driver, GateLock, Gates
from pie.model import SYSTEM_CLOCK, Call, Failure, Kind

WATCHDOG_SECONDS = 60


def in_time(work: Callable[[], Any]) -> Any:
    """The result of what may hang: then the test fails instead of waiting for ever."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(WATCHDOG_SECONDS)
    assert not thread.is_alive(), "it hangs"
    return results[0]


class Counted:
    """A gate over a state that it shares with others: each change is read, then written."""

    def __init__(self, state: dict[str, int]) -> None:
        self._state = state

    def enter(self, call: Call) -> None:
        entered = self._state["entered"]
        inside = self._state["inside"]
        sum(range(20))
        self._state["entered"], self._state["inside"] = entered + 1, inside + 1

    def leave(self, call: Call) -> None:
        inside = self._state["inside"]
        sum(range(20))
        self._state["inside"] = inside - 1


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads give way all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_lists_replaced_under_load_lose_no_count(kit: Kit) -> None:
    """Two lists share state and lock, as client and server lists of one process do."""
    state = {"entered": 0, "inside": 0}
    lock, calls, workers = kit.lock(), 400, 4
    lists = [kit.gates([Counted(state)], lock) for _ in range(2)]
    done = threading.Event()

    def work(number: int) -> None:
        for _ in range(calls):
            kit.run(lists[number % 2])

    def replace() -> int:
        count = 0
        while not done.is_set():
            for each in lists:
                each.replace([Counted(state)])
            count += 1
        return count

    with ThreadPoolExecutor(workers + 1) as pool:
        replacing = pool.submit(replace)
        for each in [pool.submit(work, number) for number in range(workers)]:
            each.result()
        done.set()
        assert replacing.result() > 0
    assert state == {"entered": calls * workers, "inside": 0}


@pytest.mark.usefixtures("restless")
def test_a_call_leaves_the_gates_it_entered(kit: Kit) -> None:
    open_now: dict[int, int] = {}
    unpaired: list[str] = []

    class Paired:
        def enter(self, call: Call) -> None:
            open_now[id(call)] = id(self)

        def leave(self, call: Call) -> None:
            if open_now.pop(id(call), None) != id(self):
                unpaired.append("left by another gate than it entered")

    gates = kit.gates([Paired()], kit.lock())
    done = threading.Event()

    def replace() -> None:
        while not done.is_set():
            gates.replace([Paired()])

    with ThreadPoolExecutor(5) as pool:
        pool.submit(replace)
        work = [pool.submit(lambda: [kit.run(gates) for _ in range(300)]) for _ in range(4)]
        for each in work:
            each.result()
        done.set()
    assert (unpaired, open_now) == ([], {})


class Holder:
    """A gate that lets go of the last reference to another call while it is being entered."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.held: list[Any] = []
        self.drop: Callable[[list[Any]], object] = list.clear

    def enter(self, call: Call) -> None:
        self.log.append("+")
        self.drop(self.held)
        self.log.append("entered")

    def leave(self, call: Call) -> None:
        self.log.append(f"-{call.outcome}")


def collect(held: list[Any]) -> None:
    """Drop by the collector, as when it happens to run inside a gate."""
    held.append(held)
    held.clear()
    gc.collect()


def close(held: list[Any]) -> None:
    for each in held:
        each.close()
    held.clear()


@pytest.mark.parametrize("drop", [list.clear, collect, close], ids=["drop", "collect", "close"])
def test_a_call_dropped_inside_a_gate_is_left_when_that_passage_ends(kit: Kit, drop: Any) -> None:
    log: list[str] = []
    gate = Holder(log)
    gates = kit.gates([gate], kit.lock())

    def run() -> None:
        opened = kit.open(gates)
        opened.start()
        gate.held.append(opened)
        del opened
        log.clear()
        gate.drop = drop
        kit.run(gates)

    in_time(run)
    assert log == ["+", "entered", "-cancelled", "-ok"]


def test_a_call_dropped_while_gates_are_left_is_left_too(kit: Kit) -> None:
    log: list[str] = []
    held: list[Any] = []

    class Leaver(Holder):
        def enter(self, call: Call) -> None:
            log.append("+")

        def leave(self, call: Call) -> None:
            log.append(f"-{call.outcome}")
            held.clear()

    gates = kit.gates([Leaver(log)], kit.lock())

    def run() -> None:
        held.append(kit.open(gates))
        held[0].start()
        kit.run(gates)

    in_time(run)
    assert log == ["+", "+", "-ok", "-cancelled"]


def test_a_call_with_attempts_dropped_inside_a_gate_leaves_both_lists(kit: Kit) -> None:
    log: list[str] = []
    gate, lock = Holder(log), kit.lock()
    gates = kit.gates([gate], lock)

    class Attempt(Holder):
        def leave(self, call: Call) -> None:
            log.append("-attempt")

    attempts = kit.gates([Attempt([])], lock)

    def run() -> None:
        opened = kit.open(gates, attempt_gates=attempts)
        opened.start()
        gate.held.append(opened)
        del opened
        log.clear()
        kit.run(gates)

    in_time(run)
    assert log == ["+", "entered", "-attempt", "-cancelled", "-ok"]


def test_a_gate_that_makes_a_call_under_its_own_lock_fails_instead_of_waiting(kit: Kit) -> None:
    log: list[str] = []
    lock = kit.lock()
    inner = kit.gates([Holder([])], lock)

    class Caller(Holder):
        def enter(self, call: Call) -> None:
            kit.run(inner)

    gates = kit.gates([Holder(log), Caller(log)], lock)

    def run() -> str:
        with pytest.raises(Failure) as caught:
            kit.run(gates)
        return caught.value.message

    assert "a gate does no I/O" in in_time(run)
    assert log == ["+", "entered", "-internal"]
    in_time(lambda: kit.run(kit.gates([Holder([])], lock)))  # The lock is free again.


def test_a_rejection_names_its_policy(kit: Kit) -> None:
    class Named(Holder):
        policy = "magic"

        def enter(self, call: Call) -> None:
            raise Failure(Kind.DENIED, "no")

    class Nameless(Holder):
        def enter(self, call: Call) -> None:
            raise ValueError("a bug")

    class Slow(Holder):
        policy = "slow"

        def enter(self, call: Call) -> float:
            call.deadline = 1.0
            return 5.0

    seen = []

    class Seen(Holder):
        def leave(self, call: Call) -> None:
            seen.append(call.gate)

    for gate in (Named([]), Nameless([]), Slow([]), Holder([])):
        with contextlib.suppress(Failure):
            kit.run(kit.gates([Seen([]), gate], kit.lock()))
    assert seen == ["magic", "Nameless", "slow", ""]


# --- fork ---


def run(gates: Gates) -> None:
    call = Call("server", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
    Driver(Course(gates, SYSTEM_CLOCK)).run(call, lambda each: None)


def in_child(work: Callable[[], None]) -> int:
    """Run something in a forked child; its exit status, 0 = it returned."""
    child = os.fork()
    if child == 0:
        try:
            in_time(work)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Forks beside a thread: the point.
def test_a_child_does_not_wait_for_a_thread_that_is_not_there() -> None:
    inside, go = threading.Event(), threading.Event()

    class Slow(Holder):
        def enter(self, call: Call) -> None:
            inside.set()
            go.wait(WATCHDOG_SECONDS)

    lock = GateLock()
    slow, other = Gates([Slow([])], lock), Gates([Holder([])], lock)
    thread = threading.Thread(target=lambda: run(slow))
    thread.start()
    inside.wait(WATCHDOG_SECONDS)
    try:
        assert in_child(lambda: run(other)) == 0
    finally:
        go.set()
        thread.join()
    run(other)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_gate_that_forks_leaves_the_lock_usable_in_both() -> None:
    statuses: list[int] = []

    class Forking(Holder):
        def enter(self, call: Call) -> None:
            child = os.fork()
            if child:
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    lock, parent = GateLock(), os.getpid()
    gates = Gates([Forking([])], lock)
    try:
        run(gates)
        run(Gates([Holder([])], lock))
    finally:
        if os.getpid() != parent:
            os._exit(0)
    assert statuses == [0]


class Failing:
    """Sets the failure of calls without a look at what it is."""

    def __init__(self, failure: Any) -> None:
        self._failure = failure

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        call.failure = self._failure


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(5, TypeError), ("text", TypeError), (KeyError, KeyError), (KeyError("k"), KeyError)],
)
def test_a_failure_that_is_none_is_raised_as_python_does(
    kit: Kit, failure: Any, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        kit.run(kit.gates([Failing(failure)], kit.lock()))
