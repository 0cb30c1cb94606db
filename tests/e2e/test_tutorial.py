"""The tutorial, followed by a machine from nothing: its files written, its commands run."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.documents import commands

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
PORTS = (7701, 7702, 8790)


def test_every_file_and_command_of_the_tutorial(
    tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    program("curl", "make system-deps")
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
    printed = (tmp_path / "out").read_text()
    assert code == 0, printed
    assert "Log in   http://127.0.0.1:8790/login?token=" in printed
    assert "Hello world\n" in printed
    assert "HTTP/1.1 200 OK" in printed
    assert "HTTP/1.1 503 " in printed
    assert "rpc_status=success" in printed
    assert "rpc_status=unavailable" in printed
