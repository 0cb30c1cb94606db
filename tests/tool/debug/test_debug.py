"""``pie debug``: through the debug socket of a process; here it is that of the test."""

import json
import os
from collections.abc import Iterator

import pytest

from pie.serve.debug import DebugServer
from pie.serve.debug.commands import Commands
from pie.state import Setting

PSM = "toutiao.my.server"


@pytest.fixture
def server(pie, short_path) -> Iterator[DebugServer]:
    pie.cwd = short_path
    settings = [Setting("PORT", "7701", "settings.py"), Setting("DEBUG", "False", "default")]
    made = DebugServer(short_path / "toutiao" / "debug", PSM, Commands(settings))
    made.start()
    yield made
    made.close()


def test_who_can_be_asked(pie, server) -> None:
    done = pie("debug")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == [PSM, str(os.getpid()), str(server.path)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["stacks", "loglevel"]),
        (["stacks"], ["MainThread", "test_debug.py"]),
        (["settings"], ["PORT   7701   settings.py"]),
        (["calls"], ["no call is being served"]),
        (["gc", "objects=true"], ["enabled", "types"]),
    ],
)
def test_what_is_answered(pie, server, arguments, words) -> None:
    done = pie("debug", "my.server", *arguments)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout


def test_the_level_of_one_logger(pie, server) -> None:
    done = pie("debug", str(server.path), "loglevel", "debug", "logger=pie.test_debug", "--json")
    assert json.loads(done.stdout) == {"logger": "pie.test_debug", "level": "DEBUG"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["my.server", "bogus"], 1, ["unknown command 'bogus'", "stacks"]),
        (["my.server", "gc", "objects"], 2, ["'objects' is not name=value"]),
        (["other"], 1, ["no process of 'other'"]),
        (["toutiao.article.article"], 1, ["it runs at 10.3.23.162:7701, 10.3.23.162:7702"]),
        (["my.server", "gc", "--pid", "1"], 1, ["process id 1"]),
        (["./nowhere.sock"], 1, ["is no socket"]),
    ],
)
def test_what_is_wrong_is_reported(pie, server, fleet, arguments, code, words) -> None:
    pie.environ["PIE_TOKEN"] = fleet.token("admin")
    done = pie("debug", *arguments)
    assert done.returncode == code
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_is_here(pie, short_path) -> None:
    pie.cwd = short_path
    done = pie("debug")
    assert done.returncode == 1
    assert "no process of" in done.stderr
