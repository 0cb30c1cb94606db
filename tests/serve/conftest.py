"""A service's folder and the process in it, started the way people start it."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port

FLASK = {
    "bootstrap.py": (
        "import settings\nfrom pie import serve\napplication = serve.flask('views:app', settings)\n"
    ),
    "views.py": (
        "from flask import Flask\napp = Flask(__name__)\n"
        "@app.get('/')\ndef hello():\n    return 'Hello world'\n"
    ),
}


def until(met: Callable[[], object], what: str, patience: float = 30.0) -> Any:
    """Wait for something true, and return it."""
    end = time.monotonic() + patience
    while not (found := met()):
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        time.sleep(0.02)
    return found


class Running:
    """A started process, its output read as it comes."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process
        self.printed = ""

    def read_until(self, words: str) -> str:
        """What it prints up to the line with these words."""
        for line in self.process.stdout:
            self.printed += line
            if words in line:
                return self.printed
        raise AssertionError(
            f"no {words!r} in:\n{self.printed}{self.process.stderr and self.process.stderr.read()}"
        )

    until = staticmethod(until)

    @property
    def port(self) -> int:
        """Of an HTTP service; waits until it says so."""
        line = self.read_until(" * Running on http://").splitlines()[-1]
        return int(line.rpartition(":")[2].partition("/")[0])

    def get(self, port: int, path: str = "/", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM) -> tuple[str, str]:
        """Stop it; all it printed on stdout, and on stderr."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[str, str]:
        # Not ``communicate``: it loses what ``read_until`` left in the buffer.
        watchdog = threading.Timer(15, os.killpg, (self.process.pid, signal.SIGKILL))
        watchdog.start()
        self.printed += self.process.stdout.read()
        errors = self.process.stderr.read() if self.process.stderr else ""
        self.process.wait()
        watchdog.cancel()
        return self.printed, errors

    def log(self, folder: str) -> str:
        files = sorted((self.folder / "toutiao" / "log" / folder).glob("*.2*.log"))
        return "".join(file.read_text() for file in files)


class Services:
    """Starts services in folders of their own.

    Args:
        environ: of all of them.
    """

    def __init__(self, **environ: str) -> None:
        self.environ = environ
        self._temporary = tempfile.TemporaryDirectory(prefix="pie")  # Short: it holds sockets.
        self.root = Path(self._temporary.name).resolve()
        self._started: list[Running] = []

    free_port = staticmethod(free_port)
    until = staticmethod(until)

    def write(self, settings: str = "", **files: str) -> Path:
        """A Flask service by default; ``views="…"`` replaces views.py."""
        texts = FLASK | {f"{name}.py": text for name, text in files.items()}
        texts["settings.py"] = f"PSM = 'toutiao.my.api'\n{settings}"
        for name, text in texts.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        return self.root

    def start(self, *arguments: str, program: str = "bootstrap.py", **environ: str) -> Running:
        command = [sys.executable, str(self.root / program), *arguments]
        return self.run(command, **environ)

    def run(self, command: list[str], *, merged: bool = False, **environ: str) -> Running:
        """Start any command; ``merged`` puts what it writes to stderr into ``printed``."""
        given = {"RUNTIME_ROOT": str(self.root), "PIE_PLATFORM": "http://127.0.0.1:9"}
        given |= self.environ | environ
        process = subprocess.Popen(
            command, env=os.environ | given, cwd=self.root, text=True,
            stdout=subprocess.PIPE, start_new_session=True,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        )  # fmt: skip
        self._started.append(Running(self.root, process))
        return self._started[-1]

    def close(self) -> None:
        for each in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)  # A master's workers, too.
            each.process.communicate()
        self._temporary.cleanup()


@pytest.fixture
def services(request: pytest.FixtureRequest) -> Iterator[Services]:
    made = Services(**getattr(request, "param", {}))
    yield made
    made.close()


_IN_C = pytest.param({}, id="in C")
_ON_GUNICORN = pytest.param({"PIE_HTTP_SERVER": "gunicorn"}, id="in C on gunicorn")
_IN_PYTHON = pytest.param({"PIE_CORE": "python"}, id="in Python", marks=pytest.mark.slow)
over_both_twins = pytest.mark.parametrize("services", [_IN_C, _IN_PYTHON], indirect=True)
"""Run a test of services with the C core, and without it."""
over_all_servers = pytest.mark.parametrize(
    "services", [_IN_C, _ON_GUNICORN, _IN_PYTHON], indirect=True
)
"""The same, with gunicorn beside Pie's own HTTP server."""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[str]:
    """Address of a platform that has a registry only."""
    port = free_port()
    program = Path(__file__).parents[1] / "state" / "serve_state.py"
    with subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "state.db"), str(port)],
        stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        server.terminate()
