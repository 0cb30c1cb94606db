"""``pie up``, ``pie down``, ``pie status``: a workspace's platform and agent, for real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.ports import free_port

SERVICE = """
import signal, sys, time
from pathlib import Path
import os
print("serving with", os.environ["PIE_PLATFORM"], os.environ["PIE_DEBUG"], flush=True)
def stop(*_):
    Path("stopped").write_text(str(time.time()))
    sys.exit()
signal.signal(signal.SIGTERM, stop)
time.sleep(600)
"""


@pytest.fixture
def here(pie, tmp_path):
    """``pie`` in an empty workspace; nothing of it runs on afterwards."""
    pie.environ.pop("PIE_PLATFORM")
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "workspace.yml").write_text("product: toutiao\n")
    (tmp_path / "app" / "my" / "api").mkdir(parents=True)
    pie.cwd = tmp_path
    yield pie
    pie("down", "--now")


def state(here) -> dict:
    return json.loads((here.cwd / ".pie-up").read_text())


def read_until(process: subprocess.Popen[str], words: str) -> str:
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} was not said: {seen}{process.stderr.read()}")


def wait_for(condition) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_it_starts_everything_and_stops_it_in_order(here, number) -> None:
    with here.running("up", "--port", "0") as process:
        said = read_until(process, "Output")
        assert f"pie up: {here.cwd}" in said
        url, token = re.search(r"(http://127.0.0.1:\d+)/login\?token=([\w-]+)", said).groups()
        assert token == (here.cwd / "platform" / "admin.token").read_text().strip()
        assert f"ships {here.cwd}" in said
        status = here("status")
        assert status.returncode == 0, status.stdout
        assert f"on {url}" in status.stdout
        # Commands find it, whatever its port.
        assert "no service has reported yet" in here("ls").stdout
        children = state(here)["children"]
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 0, process.stderr
    assert "stopping agent ... platform ... stopped" in rest
    assert not any(map(alive, children.values()))
    status = here("status")
    assert status.returncode == 1
    assert "does not run" in status.stdout


def test_outside_of_a_workspace_nothing_is_made(pie, tmp_path) -> None:
    pie.cwd = tmp_path
    for command in (("up",), ("up", "--detach", "--port", "0")):
        done = pie(*command)
        assert done.returncode == 1
        assert f"{tmp_path} is in no workspace: `pie init .` makes it one" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_twice_says_where_the_other_runs(here) -> None:
    with here.running("up", "--port", "0") as process:
        read_until(process, "Output")
        second = here("up", "--port", "0")
        assert second.returncode == 1
        assert f"process {process.pid}" in second.stderr
        assert state(here)["url"] in second.stderr
        down = here("down")
        assert down.returncode == 0
        assert "stopping agent, platform" in down.stdout
        assert down.stdout.endswith(" stopped\n")
    assert process.returncode == 0
    again = here("down")
    assert again.returncode == 1
    assert "no `pie up` runs" in again.stderr


def test_in_the_background(here) -> None:
    done = here("up", "--detach", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/login?token=" in done.stdout
    assert "goes on in the background" in done.stdout
    assert here("status").returncode == 0
    assert "already" in here("up", "--detach").stderr
    assert here("down").returncode == 0
    assert here("status").returncode == 1


def test_what_dies_is_started_again(here) -> None:
    with here.running("up", "--port", "0") as process:
        read_until(process, "Output")
        children = state(here)["children"]
        os.kill(children["platform"], signal.SIGKILL)
        read_until(process, "platform was ended by SIGKILL; starting it again in 0.5 s")
        read_until(process, "platform runs again")
        os.kill(children["agent"], signal.SIGKILL)
        read_until(process, "agent runs again")
        now = state(here)["children"]
        assert now["platform"] != children["platform"]
        assert now["agent"] != children["agent"]
        wait_for(lambda: here("status").returncode == 0)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert process.returncode == 0


def test_killed_it_takes_its_children_along(here) -> None:
    with here.running("up", "--port", "0") as process:
        read_until(process, "Output")
        children = state(here)["children"]
        process.kill()
    wait_for(lambda: not any(map(alive, children.values())))
    assert "does not run" in here("status").stdout
    assert here("up", "--detach", "--port", "0").returncode == 0


def test_a_port_in_use_is_shown(here) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = here("up", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "platform ended with code 1" in done.stderr
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_platform_in_the_directory_is_not_taken_for_ours(here) -> None:
    with here.running("up", "--port", "0") as process:
        read_until(process, "Output")
        url = state(here)["url"]
        elsewhere = here.cwd / "elsewhere"
        elsewhere.mkdir()
        here.environ["RUNTIME_ROOT"] = str(elsewhere)
        done = here("up", "--directory", str(here.cwd / "platform"), "--port", url.split(":")[-1])
        here.environ.pop("RUNTIME_ROOT")
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert done.returncode == 1
    assert "another platform runs in" in done.stderr


def test_services_too_and_first_to_stop(here) -> None:
    bootstrap = here.cwd / "app" / "my" / "api" / "bootstrap.py"
    bootstrap.write_text(SERVICE)
    runtime = here.cwd / "runtime" / "bin"
    runtime.mkdir()
    python = runtime / "python"
    python.write_text(f'#!/bin/sh\necho by the wrapper\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with here.running("up", "--port", "0", "my/api") as process:
        read_until(process, "Output")
        out = here.cwd / "platform" / "my.api.out"
        wait_for(lambda: "serving with http" in out.read_text())
        assert "by the wrapper" in out.read_text()
        assert re.search(r"serving with http\S+ false$", out.read_text(), re.M)
        assert "my/api" in here("status").stdout
        os.kill(state(here)["children"]["my/api"], signal.SIGKILL)
        read_until(process, "my/api runs again")
        wait_for(lambda: out.read_text().count("serving with http") == 2)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert "stopping my/api ... agent ... platform ... stopped" in rest
    assert (here.cwd / "stopped").exists()
    wrong = here("up", "my/nothing")
    assert wrong.returncode == 2
    assert "app/my/nothing/bootstrap.py" in wrong.stderr


def test_every_command_finds_the_platform_that_runs_here(here) -> None:
    """Also on another port, with its data elsewhere, than the workspace says."""
    done = here("up", "--detach", "--port", "0", "--directory", "elsewhere")
    assert done.returncode == 0, done.stderr
    assert here("ls").returncode == 0
    done = here("sd", "register", "a.b.c", "127.0.0.1:1", "--transport", "buffered")
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:1" in here("sd", "lookup", "a.b.c").stdout
    assert "a.b.c registered no IDL" in here("call", "a.b.c").stderr
    here.environ["PIE_PLATFORM"] = "http://127.0.0.1:1"
    assert "http://127.0.0.1:1 cannot be reached" in here("sd", "lookup", "a.b.d").stderr


def test_a_second_signal_stops_at_once(here) -> None:
    bootstrap = here.cwd / "app" / "my" / "api" / "bootstrap.py"
    bootstrap.write_text(SERVICE.replace("sys.exit()", "time.sleep(600)"))
    with here.running("up", "--port", "0", "my/api") as process:
        read_until(process, "Output")
        wait_for(lambda: "serving" in (here.cwd / "platform" / "my.api.out").read_text())
        process.send_signal(signal.SIGINT)
        wait_for((here.cwd / "stopped").exists)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        rest = process.stdout.read()
    assert "my/api ... killed agent" in rest
    assert time.monotonic() - began < 15
    assert process.returncode == 0


def test_the_workspaces_port_and_a_platform_elsewhere(here) -> None:
    marker = here.cwd / "runtime" / "workspace.yml"
    port = free_port()
    marker.write_text(f"platform: http://127.0.0.1:{port}\n")
    done = here("up", "--detach")
    assert f"ready on http://127.0.0.1:{port}" in done.stdout, done.stderr
    here("down")
    marker.write_text("platform: http://platform.example:8790\n")
    done = here("up")
    assert done.returncode == 1
    assert "http://platform.example:8790, which is not this machine" in done.stderr
