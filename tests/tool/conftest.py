"""A fresh workspace, and pietool run in it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.tool.fleet import fleet, own_platform, pie  # noqa: F401 - fixtures

from pie.tool.pietool import main as pietool_command
from pie.tool.workspace.command import init, update

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer's shell has set says nothing here."""
    for name in list(os.environ):
        if name in ("RUNTIME_ROOT", "LC_ALL", "LC_MESSAGES") or name.startswith(("PIE_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture
def pie_init() -> Run:
    return lambda *arguments: CliRunner().invoke(init, [str(each) for each in arguments])


@pytest.fixture
def pie_update() -> Run:
    return lambda *arguments: CliRunner().invoke(update, [str(each) for each in arguments])


@pytest.fixture
def workspace(tmp_path: Path, pie_init: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, which is the current folder."""
    root = tmp_path / "toutiao"
    done = pie_init(root)
    assert done.exit_code == 0, done.output
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def pietool() -> Run:
    """Run pietool in the current folder, with a command line."""
    return lambda line: CliRunner().invoke(pietool_command, line.split(), prog_name="pietool")
