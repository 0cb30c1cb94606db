"""Every command of every page of docs/, run in the demo's workspace while its fleet runs; a page
that makes a workspace of its own begins in an empty folder."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fleet import Fleet
from tests.e2e.documents import commands
from tests.ports import free_port

FOLLOWED_ELSEWHERE = {"tutorial", "install"}
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [
    page
    for page in sorted(DOCS.glob("*.md"))
    if page.stem not in FOLLOWED_ELSEWHERE and commands(page)
]
SECONDS = 120


def with_free_ports(script: str) -> str:
    """The script with a free port for each that the page names: those may be in use on the machine
    of the tests."""
    ports: dict[str, str] = {}
    return re.sub(
        r"\b(?:77\d\d|8791)\b",
        lambda found: ports.setdefault(found[0], str(free_port())),
        script,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page(
    page: Path, fleet: Fleet, tmp_path: Path, program: Callable[[str, str], str]
) -> None:
    program("curl", "make system-deps")
    script = tmp_path / "script"
    script.write_text(f"set -euo pipefail\n{with_free_ports(commands(page))}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = fleet.environment | {"PATH": path, "HOME": str(tmp_path)}
    folder = fleet.directory
    if "pie init" in script.read_text():
        folder = tmp_path / "empty"
        folder.mkdir()
        del environment["RUNTIME_ROOT"]
    # Into a file: a pipe ends with what the page started in the background, and not with the page.
    printed = tmp_path / "printed"
    with printed.open("wb") as out, subprocess.Popen(
        ["bash", "-x", str(script)],
        cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
    ) as shell:  # fmt: skip
        try:
            shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            pytest.fail(f"{page.name} did not end within {SECONDS} s:\n{printed.read_text()}")
        finally:
            _end_what_it_started(shell.pid)
    assert shell.returncode == 0, printed.read_text()


def _end_what_it_started(group: int) -> None:
    """Services that the page started in the background."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
