"""A real platform in a directory of its own, and a small client for it."""

import gzip
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pie.state import Instance, RemoteStore, RuntimeDescription
from pie.state.registry.instances import encode, instance_key, meta_key, runtime_key

RUN = """
import sys
from pathlib import Path
from pie.platform.main import PlatformError, run_platform
try:
    run_platform(
        Path(sys.argv[1]), port=int(sys.argv[2]), insert_interval=0.02,
        allowed_hosts=["pie.example"], state=sys.argv[3],
        on_ready=lambda address, _: print(address, flush=True),
    )
except PlatformError as error:
    sys.exit(f"refused: {error}")
"""


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Platform:
    """One run of the platform; ``start`` again after ``stop`` or ``kill``."""

    def __init__(self, directory: Path, state: str = "embedded") -> None:
        self.directory = directory
        self.state = state
        self.port = 0
        self.process: subprocess.Popen[str] | None = None
        self.said = ""
        """What the last run printed beside its address."""
        self._first_words = ""

    def launch(self, port: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.directory), str(port), self.state],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, port: int = 0) -> "Platform":
        self.process = self.launch(port)
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else ""
        self._first_words = ""
        while line.startswith("pie platform: "):
            self._first_words += line
            line = self.process.stdout.readline()
        if not line.startswith("http://"):
            self.process.kill()
            raise AssertionError(f"no start: {line}{self.process.communicate()}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end of the parent; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.said = self._first_words + rest
        code, self.process = self.process.returncode, None
        return code

    def stop(self) -> int:
        return self.end(signal.SIGTERM)

    @property
    def child(self) -> int | None:
        """The facts process, None while there is none."""
        pid = self.process.pid
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(pids[0]) if pids else None

    def token(self, role: str) -> str:
        return (self.directory / f"{role}.token").read_text().strip()

    def ask(self, method, path, body=None, *, role="admin", headers=None) -> Reply:
        sent = {} if role is None else {"Authorization": f"Bearer {self.token(role)}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, sent | (headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def post(self, table, rows, *, packed=False) -> Reply:
        body = b"\n".join(
            row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows
        )
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return self.ask(
            "POST",
            f"/api/ingest/{table}",
            gzip.compress(body) if packed else body,
            role="service",
            headers=headers,
        )

    def accepted(self, table, rows) -> tuple[int, int]:
        """(accepted, duplicates) of a post that must not fail."""
        reply = self.post(table, rows)
        assert reply.status == 200, reply.body
        assert reply.json["rejected_count"] == 0, reply.json
        return reply.json["accepted"], reply.json["duplicates"]

    def messages(self, logid) -> list[str]:
        """The stored messages of a chain, in order of time."""
        reply = self.ask("GET", f"/api/chains/{logid}/logs?limit=5000")
        assert reply.status == 200, reply.body
        assert not reply.json["truncated"]
        return [line["message"] for line in reply.json["lines"]]

    def wait_facts(self) -> None:
        """Until the facts process answers a question: that it is killed is seen a moment late."""
        give_up = time.monotonic() + 60
        while self.ask("GET", "/api/chains").status != 200:
            assert time.monotonic() < give_up, "the facts process did not come back"
            time.sleep(0.05)


def gone(pid: int, within: float = 20.0) -> bool:
    """Whether a process ends in time."""
    give_up = time.monotonic() + within
    while time.monotonic() < give_up:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """One platform for all tests that leave it as it is."""
    shared = Platform(tmp_path_factory.mktemp("platform") / "data").start()
    yield shared
    assert shared.stop() == 0


@pytest.fixture
def register(platform):
    """Put instances, runtime descriptions and metadata of services into the registry."""
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"))

    def put(*entries):
        for entry in entries:
            key = {Instance: instance_key, RuntimeDescription: runtime_key}.get(type(entry))
            store.put(key(entry) if key else meta_key(entry.psm), encode(entry))

    yield put
    store.close()


@pytest.fixture
def own_platform(tmp_path):
    """A platform that the test may stop and kill."""
    own = Platform(tmp_path / "data").start()
    yield own
    if own.process is not None:
        own.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def wait_gone():
    return gone


@pytest.fixture
def platform_at():
    """Makes platforms of a directory and a state store; those that run are killed in the end."""
    made = []

    def make(directory: Path, state: str) -> Platform:
        made.append(Platform(directory, state))
        return made[-1]

    yield make
    for each in made:
        each.end(signal.SIGKILL)


@pytest.fixture
def unstarted(tmp_path):
    """A platform on an empty directory, not yet started."""
    own = Platform(tmp_path / "other")
    yield own
    if own.process is not None:
        own.end(signal.SIGKILL)


@pytest.fixture
def own_disk(tmp_path, program):
    """Makes a small file system in memory, as long as the test runs."""
    mount = program("mount", "it comes with util-linux")
    mounted = []

    def make(size: int, *options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        settings = ",".join([f"size={size}", "mode=700", *options])
        done = subprocess.run(
            [mount, "-t", "tmpfs", "-o", settings, "pie-test", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        # Lazily: processes of the platform may end a moment later.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
