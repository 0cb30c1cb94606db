"""A platform that takes rows as the real one does, and can be told to misbehave."""

import contextlib
import gzip
import socket
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from pie.agent import Agent, AgentOptions

TOKEN = "service-token"
FAST = {
    "scan_s": 0.02,
    "poll_s": 0.01,
    "cold_poll_s": 0.1,
    "linger_s": 0.01,
    "keeper_s": 0.05,
    "recover_s": 0.02,
    "status_s": 0.05,
    "backoff_s": 0.02,
    "backoff_max_s": 0.1,
    "refused_s": 0.05,
    "host_id": "test-host",
    "host": "10.0.0.9",
}


def eventually(condition, timeout=20.0):
    """Wait for something another thread brings about."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"did not come about within {timeout} s"
        time.sleep(0.005)


class FakePlatform:
    """A real HTTP server. ``behave(table, rows)`` says what to do with a request:

    ``ok`` · a status number · ``drop`` (close before reading it through) · ``lost_answer`` (commit,
    then close) · ``short_answer`` (commit, then half an answer) · ``hang`` (until released).
    """

    def __init__(self, port=0):
        self.rows = defaultdict(dict)
        """table -> (src, pos) -> row, in order of arrival."""
        self.disorder = []
        self.duplicates = 0
        self.requests = 0
        self.connections = 0
        self.behave = lambda table, rows: "ok"
        self.reject = lambda row: ""
        self.token = TOKEN
        self.released = threading.Event()
        self._last = {}
        self._lock = threading.Lock()
        self.open(port)

    def open(self, port=0):
        platform = self

        class Handler(_Handler):
            pass

        Handler.platform = platform
        self._server = _Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()

    def close(self):
        """Like a killed process: also the kept connections end."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()

    def cut_connections(self):
        """End the kept connections, as a server does with idle ones."""
        self._server.cut_connections()

    def commit(self, table, rows):
        duplicates = 0
        rejected = []
        with self._lock:
            for number, row in enumerate(rows):
                key = (row["src"], row["pos"])
                reason = self.reject(row)
                if reason:
                    rejected.append({"line": number, "reason": reason})
                elif key in self.rows[table]:
                    duplicates += 1
                else:
                    if row["pos"] <= self._last.get(row["src"], 0):
                        self.disorder.append(key)
                    self._last[row["src"]] = max(row["pos"], self._last.get(row["src"], 0))
                    self.rows[table][key] = row
            self.duplicates += duplicates
        return {
            "accepted": len(rows) - duplicates - len(rejected),
            "duplicates": duplicates,
            "rejected": rejected[:10],
            "rejected_count": len(rejected),
        }

    def all(self, table="logs"):
        with self._lock:
            return list(self.rows[table].values())

    def messages(self):
        return [row["message"] for row in self.all()]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args):
        super().__init__(*args)
        self.kept = set()

    def cut_connections(self):
        for connection in list(self.kept):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that was killed is no error of the test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    platform: FakePlatform

    def setup(self):
        super().setup()
        self.platform.connections += 1
        self.server.kept.add(self.connection)

    def finish(self):
        self.server.kept.discard(self.connection)
        super().finish()

    def do_POST(self):
        platform = self.platform
        platform.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) != int(self.headers["Content-Length"]):
            self.close_connection = True
            return
        table = self.path.rpartition("/")[2]
        if self.path != f"/api/ingest/{table}":
            self.reply(404, {"error": {"message": "no such page"}})
            return
        if self.headers["Authorization"] != f"Bearer {platform.token}":
            self.reply(401, {"error": {"code": 401, "message": "this token is not known here"}})
            return
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        rows = [msgspec.json.decode(line) for line in body.splitlines()]
        what = platform.behave(table, rows)
        if what == "drop":
            self.close_connection = True
            return
        if what == "hang":
            platform.released.wait()
            what = "ok"
        if isinstance(what, int):
            self.reply(what, {"error": {"code": what, "message": "as the test says"}})
            return
        if isinstance(what, bytes):
            self.reply(200, what)
            return
        answer = platform.commit(table, rows)
        if what == "lost_answer":
            self.close_connection = True
        elif what == "short_answer":
            self.close_connection = True
            self.reply(200, answer, missing=5)
        else:
            self.reply(200, answer)

    def reply(self, status, answer, missing=0):
        data = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) - missing])

    def log_message(self, *args):
        pass


@pytest.fixture
def platform():
    platform = FakePlatform()
    yield platform
    platform.close()


class AgentThread:
    """An agent under test; ``error`` is what ended its ``run``."""

    def __init__(self, root, url, token=TOKEN, **options):
        self.agent = Agent(root, url, token, AgentOptions(**{**FAST, **options}))
        self.error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.agent.run()
        except Exception as error:
            self.error = error

    def stop(self):
        self.agent.stop()
        self._thread.join()

    @property
    def status(self):
        return self.agent.status()

    def is_level(self, files=1):
        """It knows of so many files, and all of them are acknowledged to their end."""
        status = self.status
        return status.files >= files and not status.bytes_behind


@pytest.fixture
def start(tmp_path, platform):
    """Start an agent on ``root``; all are stopped at the end."""
    started = []

    def start(**options):
        agent = AgentThread(
            options.pop("root", tmp_path), options.pop("url", platform.url), **options
        )
        started.append(agent)
        return agent

    yield start
    for agent in started:
        agent.stop()


class Road:
    """Writes log files as services do."""

    def __init__(self, root):
        self.root = root

    def path(self, folder="app", hour="2026112310", name="toutiao.my.api", product="toutiao"):
        end = f"{hour}.ndjson" if folder == "facts" else f"{hour}.log"
        return self.root / product / "log" / folder / f"{name}.{end}"

    def write(self, data, path=None, **where):
        path = path or self.path(**where)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    @staticmethod
    def line(message, second="2026-11-23 10:17:44,809"):
        return (
            f"INFO {second} /opt/my app/views.py:87 10.6.131.78 toutiao.my.api 0 - "
            f"process=84168 thread=140068553332480 data={message}\n"
        )


@pytest.fixture
def road(tmp_path):
    return Road(tmp_path)


@pytest.fixture(name="eventually")
def eventually_fixture():
    return eventually
