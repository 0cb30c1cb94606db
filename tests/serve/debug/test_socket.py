"""The debug socket: what a running process answers, to whom, and what becomes of dead ones."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pie.serve.debug import DebugClient, DebugError, DebugServer, NoDebugSocket
from pie.serve.debug import server as debug_server
from pie.serve.debug.commands import Commands
from pie.state import Setting

SLOW = (
    "import threading\nfrom flask import Flask\napp = Flask(__name__)\n"
    "go_on = threading.Event()\n"
    "@app.get('/slow')\ndef slow():\n    go_on.wait(30)\n    return 'done'\n"
    "@app.get('/go')\ndef go():\n    go_on.set()\n    return 'ok'\n"
)


@pytest.fixture
def folder(services) -> Path:
    return services.root / "debug"


@pytest.fixture
def server(folder: Path):
    commands = Commands([Setting("PORT", "7701", "settings.py")])
    made = DebugServer(folder, "a.b.c", commands)
    made.start()
    yield made
    made.close()


def test_a_running_service_tells_its_stacks_and_its_calls(services) -> None:
    services.write("DEBUG = True\n", views=SLOW)
    running = services.start(PIE_CLUSTER="canary")
    port = running.port
    path = running.read_until("Debug socket: ").splitlines()[-1].partition("Debug socket: ")[2]
    client = DebugClient(path)
    logid = "2017041721432901000304821652640c"
    asking = threading.Thread(
        target=running.get, args=(port, "/slow"), kwargs={"X-Tt-Logid": logid}
    )
    asking.start()

    def waits() -> bool:
        """Before that, the call may be there without its route."""
        stacks = [line for each in client.ask("stacks") for line in each["stack"]]
        return any(" slow: go_on.wait(30)" in line for line in stacks)

    running.until(waits, "the view")
    (call,) = client.ask("calls")
    assert (call["method"], call["logid"], call["side"]) == ("views.slow", logid, "server")
    assert call["age_ms"] >= 0
    settings = {each["key"]: each for each in client.ask("settings")}
    assert settings["CLUSTER"] == {"key": "CLUSTER", "value": "canary", "source": "environment"}
    running.get(port, "/go")
    asking.join(20)
    running.until(lambda: not client.ask("calls"), "no call in flight")
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pie.serve.debug", path, "stacks"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "thread MainThread (" in shown.stdout
    assert shown.stderr == ""
    running.stop()
    with pytest.raises(DebugError, match="No such file"):
        client.ask("help")


def test_the_log_level_can_be_changed(services) -> None:
    views = "import logging\nfrom flask import Flask\napp = Flask(__name__)\n@app.get('/')\n"
    views += "def hello():\n    logging.getLogger('views').debug('fine print')\n    return ''\n"
    services.write(views=views)
    running = services.start()
    port = running.port
    path = running.read_until("Debug socket: ").splitlines()[-1].partition("Debug socket: ")[2]
    client = DebugClient(path)
    running.get(port)
    assert client.ask("loglevel", logger="views") == {"logger": "views", "level": "INFO"}
    assert client.ask("loglevel", logger="views", level="debug")["level"] == "DEBUG"
    assert client.ask("loglevel")["level"] == "INFO"
    running.get(port)
    running.stop()
    assert running.log("app").count("data=fine print") == 1
    assert "data=log level of views: DEBUG, was INFO" in running.log("python")


def test_it_is_for_this_user_alone(server: DebugServer, folder: Path, monkeypatch) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    client = DebugClient(server.path)
    monkeypatch.setattr(debug_server, "peer_uid", lambda _: os.geteuid() + 1)
    for _ in range(100):  # Whoever is faster: the question or the refusal.
        with pytest.raises(DebugError, match="own user"):
            client.ask("help")
    monkeypatch.undo()
    assert set(client.ask("help")) == {"help", "stacks", "calls", "gc", "settings", "loglevel"}


def test_gc(server: DebugServer) -> None:
    client = DebugClient(server.path)
    assert len(client.ask("gc")["generations"]) == 3
    answer = client.ask("gc", objects=True)
    assert answer["objects"] > 1000
    assert 0 < len(answer["types"]) <= 20


def test_nonsense_is_answered_and_harms_nobody(server: DebugServer) -> None:
    def send(data: bytes) -> dict:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(server.path))
            sock.sendall(data)
            with sock.makefile("rb") as reader:
                return json.loads(reader.readline())

    assert "line of JSON" in send(b"\xff\n")["error"]
    assert "line of JSON" in send(b"[" * 50_000 + b"\n")["error"]
    assert "is an object" in send(b"[]\n")["error"]
    assert "unknown command" in send(b'{"command": ["x"]}\n')["error"]
    assert "at most" in send(b"x" * (64 << 10))["error"]
    with pytest.raises(DebugError, match="choose one of DEBUG"):
        DebugClient(server.path).ask("loglevel", level="LOUD")
    with socket.socket(socket.AF_UNIX) as sock:  # Leaves without a word.
        sock.connect(str(server.path))
    assert DebugClient(server.path).ask("help")


def test_stale_sockets_are_removed_and_living_ones_left(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    folder.mkdir()
    for name in (
        f"a.b.c.{child.pid}.sock",
        f"a.b.c.{os.getpid()}.sock",
        f"a.b.c.{os.getppid()}.sock",
    ):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(folder / name))
    server = DebugServer(folder, "a.b.c", Commands([]))
    server.start()
    left = sorted(path.name for path in folder.iterdir())
    server.close()
    assert left == sorted([f"a.b.c.{os.getpid()}.sock", f"a.b.c.{os.getppid()}.sock"])


def test_a_path_too_long_is_reported_and_not_fatal(services) -> None:
    services.write()
    deep = services.root / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    running = services.start(PIE_LOG_ROOT=str(deep))
    assert running.get(running.port) == (200, b"Hello world")
    printed, _ = running.stop()
    assert "data=I can't find a appropriate debug port (" in printed
    assert "or set DEBUG_SOCKET = False" in printed
    assert "path too long" in printed


def test_without_the_setting_there_is_none(services) -> None:
    services.write("DEBUG_SOCKET = False\n")
    running = services.start()
    assert running.get(running.port)[0] == 200
    printed, _ = running.stop()
    assert "debug" not in printed.lower().replace("debug = true", "")
    assert not (services.root / "toutiao" / "debug").exists()


def test_a_folder_that_is_none_is_reported(folder: Path) -> None:
    server = DebugServer(folder, "a.b.c", Commands([]))
    with pytest.raises(NoDebugSocket, match=r"Not a directory|File exists"):
        folder.write_text("")
        server.start()
