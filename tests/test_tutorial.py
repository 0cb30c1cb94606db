"""The tutorial, followed by a machine: its files written, its commands run, in order."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

TUTORIAL = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_FILE = re.compile(r"in `([\w./]+)`:\s*$", re.IGNORECASE)


def test_every_file_and_command_of_the_tutorial(
    tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    for port in (7800, 7801, 8790):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    for name in ("curl", "pkill"):
        program(name, "make system-deps")
    script = ["set -e"]
    text = TUTORIAL.read_text()
    for block in _BLOCK.finditer(text):
        language, body = block.groups()
        named = _FILE.search(text[: block.start()])
        if language == "sh":
            script.append(body)
        else:
            assert named, f"which file is this?\n{body}"
            # Written when the reader gets there: commands before it must not need it.
            script.append(f"mkdir -p $(dirname {named[1]})\ncat > {named[1]} <<'END'\n{body}END\n")
    (tmp_path / "script").write_text("\n".join(script))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (tmp_path / "out").open("w") as out, subprocess.Popen(
        ["bash", str(tmp_path / "script")],
        cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=out, stderr=subprocess.STDOUT,
    ) as shell:  # fmt: skip
        try:
            code = shell.wait(120)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    printed = (tmp_path / "out").read_text()
    assert code == 0, printed
    assert "log in: http://127.0.0.1:8790/login?token=" in printed
    assert "Hello world\n" in printed
    assert "HTTP/1.1 200 OK" in printed
    assert "HTTP/1.1 503 " in printed
    assert "rpc_status=success" in printed
    assert "rpc_status=unavailable" in printed
