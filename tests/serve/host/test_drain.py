"""A stopping service serves on for a while, and ends in time whatever its handlers do."""

import contextlib
import re
import signal
import threading

import pytest
from tests.serve.conftest import until
from tests.serve.hosts import HOSTS, IN_UWSGI, Host

QUICK = ("flask", "thrift")
slow = pytest.mark.slow


def kinds():
    for host in sorted(set(HOSTS) - {IN_UWSGI}):  # Which tells a busy worker nothing of its end.
        marks = () if host in QUICK else slow
        yield pytest.param(host, "function", marks=marks, id=host)
        if "coroutines" in host:
            yield pytest.param(host, "coroutine", marks=marks, id=f"{host}, which wait")


@pytest.mark.parametrize(("host", "kind"), list(kinds()))
def test_what_takes_longer_than_the_drain_is_cut_and_named(services, bench, host, kind) -> None:
    it = Host(services, host)

    def ask() -> None:
        with contextlib.suppress(Exception):
            it.act("hang", kind)

    asking = threading.Thread(target=ask)
    asking.start()
    until((services.root / "hangs").exists, "it hangs")
    it.running.process.send_signal(signal.SIGTERM)
    assert it.running.process.wait(30) == 0  # A handler takes longer.
    asking.join(30)
    printed = it.running.process.stdout.read()
    method = "Act" if "thrift" in host else r"GET /\S+ \(\S+\)"
    assert re.search(rf"data=cut {method} after \d+\.\d s, logid \w+, of 127\.\S+: ", printed)
    assert printed.count("data=cut ") == 1
    assert "data=stopped" in printed


def test_who_has_an_old_list_is_served_until_a_second_signal(services, state) -> None:
    it = Host(
        services, "flask", "DEBUG = True\nNOTICE_SECONDS = 600.0\n", PIE_PLATFORM=state,
        PIE_NOTICE_SECONDS="600",
    )  # fmt: skip
    it.running.read_until("data=registered: ")
    it.running.process.send_signal(signal.SIGTERM)
    it.running.read_until("data=deregistered: ")
    assert it.act("back", "x") == str(it.pid)
    it.running.stop()
    assert it.running.process.returncode == 0
    assert "data=draining" in it.running.printed


def test_a_service_that_nobody_can_find_waits_for_nobody(services) -> None:
    it = Host(services, "thrift", "DEBUG = True\n", PIE_NOTICE_SECONDS="600")
    it.running.stop()
    assert it.running.process.returncode == 0
