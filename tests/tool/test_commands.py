"""The commands, as a shell runs them."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``pie`` or ``pietool``."""
    name, *rest = arguments
    return subprocess.run(
        [sys.executable, "-m", f"pie.tool.{name}", *rest],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["pie", "pietool"])
def test_help_and_version(name: str, tmp_path: Path) -> None:
    assert "Usage" in run(name, "-h", cwd=tmp_path).stdout
    assert "0.1.0" in run(name, "--version", cwd=tmp_path).stdout


def test_the_agent_says_what_it_needs(tmp_path: Path) -> None:
    done = run("pie", "agent", "--root", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    status = run("pie", "agent", "--root", str(tmp_path), "--status", cwd=tmp_path)
    assert status.returncode == 1
    assert "no agent has run" in status.stderr
