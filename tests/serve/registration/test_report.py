"""What a running instance keeps reporting: calls in flight, and rows that were lost."""

import threading
import time

import pytest

from pie.call import Driver, Policies
from pie.model import Call
from pie.serve.registration.report import DescriptionReporter
from pie.state import Instance, Registrar, RuntimeDescription, lookup_services


@pytest.fixture
def report(bench, monkeypatch):
    """Reports once, and gives what the registry then knows."""
    me = Instance(psm=bench.psm, id="1", host="127.0.0.1", port=1, protocol="http")
    description = RuntimeDescription(psm=bench.psm, id="1", pid=7)
    registrar = Registrar(bench.store, me, None, description)
    told = threading.Event()
    update = registrar.update

    def updated(**what):
        update(**what)
        told.set()

    monkeypatch.setattr(registrar, "update", updated)
    reporter = DescriptionReporter(registrar, description, bench.observer.recorder)
    registrar.start()
    assert registrar.wait_registered(10)

    def known(holds):
        reporter.report()
        end = time.monotonic() + 10
        while not holds(found := lookup_services(bench.store)[bench.psm].runtime["1"]):
            assert time.monotonic() < end, f"the registry says {found}"
            time.sleep(0.01)  # The registrar writes from a thread of its own.
        return found

    known.told = told
    yield known
    registrar.stop()


def serve(bench, action=lambda call: None) -> None:
    call = Call("server", "http", caller="", callee=bench.psm, method="GET")
    Driver(Policies(bench.observer).server()).run(call, action)


def test_lost_facts_are_counted_where_people_look(bench, report, monkeypatch):
    monkeypatch.setattr(bench.observer.recorder, "flush", lambda **_: True)  # A disk that hangs.
    serve(bench)
    assert report(lambda description: True).lost == 0
    log = bench.observer.recorder.log
    for _ in range(20):
        call = Call("server", "http", caller="", callee=bench.psm, method="GET")
        call.notes += ["x" * 4000] * 400
        log.record(call)
    log.take("asked")
    assert log.lost > 0
    assert report(lambda description: description.lost > 0).lost == bench.observer.recorder.lost


def test_calls_in_flight_are_reported(bench, report):
    serve(bench, lambda call: report(lambda description: description.in_flight == 1))
    report(lambda description: description.in_flight == 0)


def test_nothing_is_reported_while_nothing_changes(bench, report):
    report(lambda description: True)
    assert not report.told.is_set()
    serve(bench, lambda call: report(lambda description: description.in_flight == 1))
    assert report.told.is_set()
