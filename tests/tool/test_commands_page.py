"""docs/commands.md: each command in it runs."""

import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pie.serve.debug import DebugServer
from pie.serve.debug.commands import Commands

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in re.findall(r"^\$ pie (.*)$", block, re.MULTILINE)
]
ENDLESS = {"up", "--watch", "-f"}


@pytest.fixture(scope="module")
def server(fleet) -> Iterator[None]:
    """A process that can be asked."""
    folder = fleet.directory.parent / "toutiao" / "debug"
    made = DebugServer(folder, "toutiao.article.article", Commands([]))
    made.start()
    yield
    made.close()


def is_of_up(command: list[str]) -> bool:
    return command[0] in ("up", "down", "status")


@pytest.mark.parametrize("command", [each for each in COMMANDS if not is_of_up(each)], ids=str)
def test_it_runs(pie, server, command) -> None:
    if not ENDLESS & {*command}:
        done = pie(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        return
    with pie.running(*command) as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == ""


def test_up_and_down(pie, tmp_path) -> None:
    pie.environ.pop("PIE_PLATFORM")
    pie.cwd = tmp_path
    pie.environ["RUNTIME_ROOT"] = str(tmp_path)
    try:
        for command in filter(is_of_up, COMMANDS):
            port = ["--port", "0"] if command[0] == "up" else []
            if command == ["up"]:
                with pie.running(*command, *port) as process:
                    while "Output" not in process.stdout.readline():
                        assert process.poll() is None
                    process.send_signal(signal.SIGINT)
                    process.stdout.read()
                assert process.returncode == 0
                continue
            done = pie(*command, *port)
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        pie("down", "--now")
