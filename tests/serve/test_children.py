"""Children of a service, however they are started: what happens to them does not happen to it."""

import contextlib
import json
import os
import shutil
import signal
import socket

import pytest
from tests.serve.acts import KINDS
from tests.serve.conftest import Services, until
from tests.serve.hosts import ACTS, CALLEE, HOSTS, IN_UWSGI, SERVICE, SETTINGS, Host


def stop(host: Host) -> None:
    """End it; it must be gone at once from its port, and soon for good."""
    with socket.create_connection(("127.0.0.1", host.port)) as before:
        before.settimeout(20)
        host.running.process.send_signal(signal.SIGTERM)
        host.running.read_until(host.stops)
        until(lambda: not connects(host.port), "connections are refused")
        with socket.socket() as successor:
            successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            successor.bind(("127.0.0.1", host.port))
            successor.listen()
        if host.stops == "draining":  # uWSGI ends that with its worker.
            with contextlib.suppress(ConnectionResetError):
                assert before.recv(1) == b""
    assert host.running.process.wait(20) == 0


def connects(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_callee(services: Services) -> int:
    """The service that children call; its port."""
    services.write(SETTINGS, **CALLEE, service=SERVICE)
    callee = services.start(program="callee.py", PYTHONUNBUFFERED="1", PIE_PSM="toutiao.my.callee")
    line = callee.read_until("Starting ... with port").splitlines()[-1]
    return int(line.rpartition(":")[2])


def counts_of_calls(services: Services) -> list[tuple[str, int]]:
    """Whom the service called, and how often."""
    files = (services.root / "toutiao/log/facts").glob("toutiao.my.api.edges.2*.ndjson")
    edges = [json.loads(each) for file in files for each in file.read_text().splitlines()]
    return [(edge["callee"], edge["count"]) for edge in edges if edge["side"] == "client"]


def check(host: Host, kind: str) -> None:
    """The whole of it, for children of one kind."""
    early, terminated, interrupted, killed, crashed = host.act("end", kind).split()
    assert (early, terminated, killed, crashed) == ("-15", "-15", "-9", "-11")
    assert interrupted != "None"  # Python makes an exception of it.
    assert host.act("back", kind) == str(host.pid)
    child = int(host.act("leave", kind))
    try:
        stop(host)
        if kind != "pool":  # Whose workers are daemons.
            os.kill(child, 0)  # It lives, or else this shows nothing.
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def pairs(*not_in_uwsgi: str) -> list[tuple[str, str]]:
    """Every host with every kind of child, but for those that uWSGI cannot have."""
    return [
        (host, kind)
        for host in HOSTS
        for kind in KINDS
        if host != IN_UWSGI or kind not in not_in_uwsgi
    ]


@pytest.mark.parametrize("host", ["flask", "thrift"])
def test_children_that_are_forked(services, bench, host: str) -> None:
    check(Host(services, host), "fork")


@pytest.mark.slow
@pytest.mark.parametrize(("host", "kind"), pairs("spawn", "forkserver", KINDS[-1]))
def test_children_call_others(services, bench, host: str, kind: str) -> None:
    """Under uWSGI the main module is not bootstrap.py, and the listener is its own."""
    port = start_callee(services)
    it = Host(services, host, PIE_PIN=f"toutiao.my.callee=127.0.0.1:{port}/ttheader")
    code = it.act("call", kind)
    assert code == "0" or host == IN_UWSGI  # Whose threads Python's own shutdown stumbles over.
    it.running.stop()
    if kind != "os.fork":  # It ends by os._exit: its counts are recovered later.
        assert counts_of_calls(services) == [("toutiao.my.callee", 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("host", "kind"), pairs(KINDS[-1]))
def test_children_of_every_kind(services, bench, host: str, kind: str) -> None:
    """uWSGI's listener is its own: who gives it to a child has it there."""
    check(Host(services, host), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [each for each in KINDS if not each.endswith("the listener")])
def test_children_of_a_script(services, bench, kind: str) -> None:
    port = start_callee(services)
    job = (
        "import sys\nfrom pie import serve\nserve.script('toutiao.my.api')\nimport acts\n"
        "if __name__ == '__main__':\n    print(acts.end(sys.argv[1]))\n"
        "    print(acts.call(sys.argv[1]))\n"
    )
    shutil.copy(ACTS, services.write(SETTINGS, **CALLEE, service=SERVICE, job=job))
    pin = f"toutiao.my.callee=127.0.0.1:{port}/ttheader"
    printed, errors = services.start(kind, program="job.py", PIE_PIN=pin).wait()
    ended, called = printed.splitlines()
    early, terminated, interrupted, killed, crashed = ended.split()
    assert (early, terminated, killed, crashed, called) == ("-15", "-15", "-9", "-11", "0"), errors
    assert interrupted != "None"
    if kind != "os.fork":
        assert counts_of_calls(services) == [("toutiao.my.callee", 1)]
