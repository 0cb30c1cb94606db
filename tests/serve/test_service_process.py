"""A service's process: what it says at its start, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

BOOTSTRAP = "import settings\nfrom pie import serve\nserve.flask('views:app', settings)\n"
VIEWS = "from flask import Flask\napp = Flask(__name__)\n"


def write(folder: Path, *, settings: str, views: str = VIEWS) -> None:
    (folder / "settings.py").write_text("PSM = 'toutiao.my.api'\nDEBUG = True\n" + settings)
    (folder / "bootstrap.py").write_text(BOOTSTRAP)
    (folder / "views.py").write_text(views)


def start(folder: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"RUNTIME_ROOT": str(folder), "PIE_PLATFORM": "http://127.0.0.1:9"}
    return subprocess.Popen(
        [sys.executable, str(folder / "bootstrap.py")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    with process:
        return process.communicate(timeout=30)


def test_a_service_without_a_platform_starts_says_its_port_and_stops(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write(tmp_path, settings=f"PORT = {port}\n")
    process = start(tmp_path)
    printed = ""
    for line in process.stdout:
        printed += line
        if "Starting" in line:
            break
    process.send_signal(signal.SIGTERM)
    rest, errors = end(process)
    assert process.returncode == 0, errors
    assert f"data=Using port: {port} from settings.py" in printed
    assert "data=stopping on SIGTERM" in rest
    assert " 127.0.0.1 toutiao.my.api 0 - process=" in printed
    assert (tmp_path / "toutiao/log/python/toutiao.my.api.log").exists()


def test_a_start_up_error_is_in_the_log_and_on_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, settings="", views="import no_such_module\n")
    process = start(tmp_path)
    _, errors = end(process)
    assert process.returncode == 1
    assert "No module named 'no_such_module'" in errors
    log = (tmp_path / "toutiao/log/python/toutiao.my.api.log").read_text()
    assert "No module named 'no_such_module'" in log


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, settings="PROT = 1\n")
    process = start(tmp_path)
    _, errors = end(process)
    assert process.returncode == 1
    assert errors.strip().endswith("unknown setting PROT; did you mean PORT?")
    assert "Traceback" not in errors


def test_a_missing_application_is_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, settings="", views="")
    process = start(tmp_path)
    _, errors = end(process)
    assert process.returncode == 1
    assert "views.py has no 'app', which bootstrap.py names" in errors
