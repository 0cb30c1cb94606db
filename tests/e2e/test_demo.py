"""What `make demo` runs."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DEMO = str(ROOT / "examples" / "demo.py")


def children_of(session: int) -> list[str]:
    """Command lines of living processes whose environment names the demo's marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"PIE_TEST_MARK={session}".encode() in environment and command:
            found.append(command)
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    return os.environ | {"PIE_TEST_MARK": str(time.monotonic_ns())}


def test_once_checks_what_the_platform_saw(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, DEMO, "--once"],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 36 requests and every call they made arrived, exactly once." in done.stdout
    assert "toutiao.article.related" in done.stdout
    assert done.stderr == ""
    assert children_of(int(environment["PIE_TEST_MARK"])) == []


def test_a_taken_port_is_reported_and_leaves_nothing_running(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, DEMO, "--port", str(port)],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert children_of(int(environment["PIE_TEST_MARK"])) == []


@pytest.mark.slow
def test_ctrl_c_stops_all_of_it_and_another_port_may_come_next(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["PIE_DEMO_DATA"] = str(tmp_path / "data")
    for _ in range(2):
        run_until_ctrl_c(environment)


def run_until_ctrl_c(environment: dict[str, str]) -> None:
    port = free_port()
    demo = subprocess.Popen(
        [sys.executable, DEMO, "--port", str(port)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    watchdog = threading.Timer(120, demo.kill)
    watchdog.start()
    printed = []
    for line in demo.stdout:
        printed.append(line)
        if "Ctrl-C" in line:
            break
    legacy = subprocess.run(
        [
            *(sys.executable, "-m", "pie.tool.registry.command", "lookup"),
            *("toutiao.device.device_info", "--cluster", "legacy", "--json"),
        ],
        cwd=environment["PIE_DEMO_DATA"], env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert legacy.stdout.count('"by_hand":true') == 1, legacy.stdout + legacy.stderr
    second = subprocess.run(
        [sys.executable, DEMO],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (second.returncode, second.stdout) == (1, "")
    assert f"another demo (process {demo.pid}, http://127.0.0.1:{port}) runs in" in second.stderr
    time.sleep(1)
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=60)
    watchdog.cancel()
    text = "".join(printed) + rest
    assert demo.returncode == 0, text
    assert f"http://127.0.0.1:{port}/login?token=" in text
    assert f"http://127.0.0.1:{port}/chain/20" in text
    assert "Traceback" not in text
    assert children_of(int(environment["PIE_TEST_MARK"])) == []
