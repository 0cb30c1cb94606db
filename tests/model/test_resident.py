"""A resident outlives whatever its steps raise, says so once, and ends when it is told to."""

import logging
import math
import os
import threading

import pytest
from tests.sabotage import ERRORS

from pie.model import Backoff, Resident

_log = logging.getLogger("residents")


@pytest.fixture
def quick():
    return Backoff(first=0.001, longest=0.002)


def run(resident: Resident) -> None:
    resident.start()
    resident.join(20)
    assert not resident.is_alive()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_it_goes_on_after(error, quick, caplog):
    steps = []

    def step() -> float | None:
        steps.append(1)
        if len(steps) < 5:
            raise error
        return None

    run(Resident("worker", step, _log, backoff=quick))
    assert len(steps) == 5
    (record,) = caplog.records
    assert record.message == f"worker failed, and goes on: {error!r}"


@pytest.mark.parametrize("end", [SystemExit(), KeyboardInterrupt()], ids=repr)
def test_a_shutdown_ends_it(end, quick):
    def step() -> float:
        raise end

    run(Resident("worker", step, _log, backoff=quick))


def test_a_report_that_fails_does_not_end_it(quick, monkeypatch):
    monkeypatch.setattr("pie.model.resident._LAST_RESORT_S", 0.001)
    steps = []

    def step() -> float | None:
        steps.append(1)
        if len(steps) < 4:
            raise ValueError
        return None

    def trouble(error: BaseException) -> None:
        raise MemoryError

    run(Resident("worker", step, _log, backoff=quick, trouble=trouble))
    assert len(steps) == 4


def test_wake_and_stop_cut_a_pause_short():
    stepped = threading.Semaphore(0)

    def step() -> float:
        stepped.release()
        return math.inf

    ended = threading.Event()
    resident = Resident("worker", step, _log, finish=ended.set)
    resident.start()
    for _ in range(3):
        assert stepped.acquire(timeout=20)
        resident.wake()
    resident.stop(20)
    assert not resident.is_alive()
    assert ended.is_set()


def test_a_stop_cuts_the_pause_after_a_failure_short(caplog):
    failed = threading.Event()

    def step() -> float:
        failed.set()
        raise ValueError

    resident = Resident("worker", step, _log, backoff=Backoff(first=1000, longest=1000))
    resident.start()
    assert failed.wait(20)
    resident.stop(20)
    assert not resident.is_alive()


def test_a_forked_child_does_not_wait_for_it():
    resident = Resident("worker", lambda: math.inf, _log)
    resident.start()
    child = os.fork()
    if not child:
        resident.stop(None)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    resident.stop(20)
