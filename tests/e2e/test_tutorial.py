"""The tutorial, followed by a machine from nothing: its files written, its commands run."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.documents import commands
from tests.ports import documented_ports

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


@pytest.mark.slow
def test_every_file_and_command_of_the_tutorial(
    tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    program("curl", "make system-deps")
    with documented_ports(7701, 7702, 8790):
        _follow(tmp_path)


def _follow(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(f"set -e\n{commands(TUTORIAL)}")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for inherited in ("RUNTIME_ROOT", "PIE_PLATFORM"):
        environment.pop(inherited, None)
    with (tmp_path / "out").open("w") as out, subprocess.Popen(
        ["bash", str(tmp_path / "script")],
        cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=out, stderr=subprocess.STDOUT,
    ) as shell:  # fmt: skip
        try:
            code = shell.wait(120)
        finally:
            with contextlib.suppress(ProcessLookupError):  # It stopped all of it, as it says.
                os.killpg(shell.pid, signal.SIGTERM)
            _stop_what_a_failure_left(tmp_path / "tutorial", environment)
    printed = (tmp_path / "out").read_text()
    assert code == 0, printed
    assert "Log in   http://127.0.0.1:8790/login?token=" in printed
    assert "Hello world\n" in printed
    assert "HTTP/1.1 200 OK" in printed
    assert "HTTP/1.1 503 " in printed
    assert "rpc_status=success" in printed
    assert "rpc_status=unavailable" in printed


def _stop_what_a_failure_left(workspace: Path, environment: dict[str, str]) -> None:
    if workspace.is_dir():
        down = [sys.executable, "-m", "pie.tool.pie", "down"]
        subprocess.run(down, cwd=workspace, env=environment, capture_output=True, check=False)
