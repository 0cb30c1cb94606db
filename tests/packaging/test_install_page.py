"""docs/install.md, followed to the letter in an empty folder: an existing Flask application and an
existing Django project, each with pins of its own, become services of a platform."""

import contextlib
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.documents import commands
from tests.packaging.environment import ROOT, clean_environment
from tests.ports import free_port

PAGE = ROOT / "docs" / "install.md"
SECONDS = 500


@pytest.mark.slow
def test_two_applications_converted_cold(
    dist: Path, tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    program("curl", "make system-deps")
    text = commands(PAGE)
    for port in ("8790", "7741", "7742", "7743"):
        text = text.replace(port, str(free_port()))
    script = tmp_path / "script"
    script.write_text(f"set -euo pipefail\n{text}")
    folder = tmp_path / "empty"
    folder.mkdir()
    environ = clean_environment() | {"PIP_FIND_LINKS": str(dist), "PIP_QUIET": "1"}
    environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-x", str(script)], cwd=folder, env=environ, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as shell:  # fmt: skip
        try:
            printed, _ = shell.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    outputs = "".join(f"== {file.name}\n{file.read_text()}" for file in folder.glob("*.out"))
    assert shell.returncode == 0, f"{printed}\n{outputs}"


def test_its_table_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = PAGE.read_text()
    for extra in project["optional-dependencies"]:
        assert f"| `pie-runtime[{extra}]` |" in text
