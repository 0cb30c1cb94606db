"""What a service, a platform and an agent do for ever, they do whatever goes wrong in between."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.ports import free_port

from pie.state import Instance, RemoteStore, instance_key, instances_prefix
from pie.state.registry.instances import encode

ROOT = Path(__file__).parents[2]
CALLED = "toutiao.called.one"
VIEWS = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from flask import Flask
from tests.sabotage import Sabotage, strangers
from pie.call.runtime import get_runtime

app = Flask(__name__)
works = []

def found():
    return [each.id for each in get_runtime().directory.instances({CALLED!r})]

@app.get('/break')
def break_():
    found()
    works.append(Sabotage())
    return json.dumps([strangers(), sorted(works[0].left)])

@app.get('/survived')
def survived():
    return json.dumps(works[0].survived())

@app.get('/found')
def found_():
    return json.dumps(found())
"""
PLATFORM = f"""
import json, sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pie.platform.main import run_platform
from tests.sabotage import Sabotage, strangers

def ready(address, _):
    def watch(sabotage):
        print(json.dumps([address, strangers(), sorted(sabotage.left)]), flush=True)
        while not all(sabotage.survived().values()):
            time.sleep(0.02)
        print('survived', flush=True)
    threading.Thread(target=watch, args=(Sabotage(),), daemon=True, name='MainThread-watch').start()

run_platform(Path(sys.argv[1]), port=0, on_ready=ready)
"""


def called(port: int) -> Instance:
    return Instance(
        psm=CALLED, id=f"127.0.0.1:{port}", host="127.0.0.1", port=port, protocol="http"
    )


def registered(store: RemoteStore, psm: str = "toutiao.my.api") -> list[str]:
    return [entry.key for entry in store.range(instances_prefix(psm)).entries]


def test_every_thread_of_a_service_survives_every_error(services, state):
    port = free_port()
    services.write(f"PORT = {port}\nTHREADS = 4\n", views=VIEWS)
    store = RemoteStore(state, "t")
    store.put(instance_key(called(1)), encode(called(1)))
    running = services.start(PIE_PLATFORM=state, PIE_TOKEN="t")
    services.until(lambda: registered(store), "the registration")
    strangers, broken = json.loads(running.get(port, "/break")[1])
    assert strangers == []
    assert {"pie-registrar", "pie-follow", "pie-debug", "pie-report"} < set(broken)

    # Steps that wait for something outside need a push.
    (debug,) = (services.root / "toutiao" / "debug").glob("*.sock")

    def survived() -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(debug))
            asking.sendall(b'{"command": "help"}\n')
        states = json.loads(running.get(port, "/survived")[1])
        states.pop("pie-stop")  # Only a signal wakes it: below.
        states.pop("pie-follow")
        return all(states.values())

    services.until(survived, "all threads to have survived")
    for key in registered(store):
        store.delete(key)
    store.put(instance_key(called(2)), encode(called(2)))
    wanted = [called(1).id, called(2).id]
    services.until(lambda: json.loads(running.get(port, "/found")[1]) == wanted, "discovery")
    _, errors = running.stop()
    assert running.process.returncode == 0, errors


def test_every_thread_of_a_platform_survives_every_error(tmp_path):
    command = [sys.executable, "-c", PLATFORM, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as platform:
        try:
            address, strangers, broken = json.loads(platform.stdout.readline())
            assert strangers == []
            assert "pie-state-expiry" in broken
            assert platform.stdout.readline() == "survived\n"
            token = (tmp_path / "data" / "service.token").read_text().strip()
            store = RemoteStore(address, token)
            lease = store.grant(0.1)
            end = time.monotonic() + 20
            while lease not in store.keep_alive([lease]).missing:
                assert time.monotonic() < end, "leases end no more"
                time.sleep(0.3)
        finally:
            platform.send_signal(signal.SIGTERM)
        assert platform.wait(30) == 0


@pytest.mark.slow
def test_without_descriptors_a_service_stays_registered(services, state):
    """Strangers hold more idle connections than the process may have descriptors."""
    port = free_port()
    services.write(f"PORT = {port}\nTHREADS = 4\n", views=VIEWS)
    store = RemoteStore(state, "t")
    store.put(instance_key(called(1)), encode(called(1)))
    command = ["bash", "-c", 'ulimit -n 100; exec "$0" bootstrap.py', sys.executable]
    running = services.run(command, PIE_PLATFORM=state, PIE_TOKEN="t")
    services.until(lambda: registered(store), "the registration")
    assert json.loads(running.get(port, "/found")[1]) == [called(1).id]
    revision = store.range(instances_prefix("toutiao.my.api")).revision
    with ExitStack() as idle:
        for _ in range(160):
            idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        end = time.monotonic() + 14
        while time.monotonic() < end:
            assert registered(store)
            time.sleep(0.5)
        store.put(instance_key(called(2)), encode(called(2)))
        with store.watch(instances_prefix("toutiao.my.api"), after=revision) as watch:
            assert not next(watch).events, "it was registered all the time"
    services.until(
        lambda: json.loads(running.get(port, "/found")[1]) == [called(1).id, called(2).id],
        "discovery to have gone on",
    )
    _, errors = running.stop()
    assert running.process.returncode == 0, errors
    assert not re.search("pie-(registrar|follow)", errors)
