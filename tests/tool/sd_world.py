"""A registry that tools reach over HTTP, and a Thrift and an HTTP service in it."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.state.conftest import LoopbackPlatform

from pie.rpc import ThriftServer, describe
from pie.state import Instance, Interface, MemoryStore, ServiceMeta, instance_key, meta_key
from pie.state.registry.instances import encode
from pie.thrift import load_module

SERVER, WEB = "toutiao.my.server", "toutiao.my.api"
FILES = {
    "shop.thrift": """
        include "base.thrift"
        enum Kind { BOOK = 1, TOY = 2 }
        struct Item { 1: i64 id, 2: string name, 3: Kind kind, 4: map<i32, string> notes }
        struct GetRequest { 1: required i64 id, 2: optional Kind kind, 255: base.Base Base }
        struct GetResponse { 1: Item item, 255: base.BaseResp BaseResp }
        exception Missing { 1: i64 id }
        service Shop {
          /** Finds an item. */
          GetResponse Get(1: GetRequest req) throws (1: Missing missing),
          string Join(1: list<string> words, 2: string between = " "),
          i32 Count(1: string text),
          void Ping(),
          oneway void Note(1: string text),
        }
        service Other { void Nothing() }
    """,
    "base.thrift": (Path(__file__).parents[1] / "rpc" / "base.thrift").read_text(),
}


class Web(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    seen: list[dict[str, str]] = []  # noqa: RUF012 - of the one test that runs

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.seen.append(dict(self.headers))
        said = {"path": self.path, "body": body.decode(), "verb": self.command}
        data = json.dumps(said).encode()
        self.send_response(404 if self.path == "/nope" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class World:
    """Runs the tools in a workspace of their own."""

    def __init__(self, root: Path, platform: LoopbackPlatform) -> None:
        self.root = root
        self.store = MemoryStore()
        self.url = platform.serve(self.store)

    def run(self, *arguments: object, stdin: str = "", **environ: str):
        """``sd …`` or ``pie …`` in a process of its own."""
        tool, *rest = map(str, arguments)
        module = {"sd": "registry.command"}.get(tool, tool)
        own = {key: value for key, value in os.environ.items() if not key.startswith("PIE_")}
        own |= {"RUNTIME_ROOT": str(self.root), "PIE_PLATFORM": self.url} | environ
        return subprocess.run(
            [sys.executable, "-m", f"pie.tool.{module}", *rest],
            cwd=self.root, env=own, input=stdin, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    def good(self, *arguments: object, **options: str) -> str:
        """Standard output of a run that must succeed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bad(self, *arguments: object, **options: str) -> str:
        """Standard error of a run that must fail, politely."""
        done = self.run(*arguments, **options)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr

    def put(self, psm: str, port: int, transport: str, cluster: str = "default") -> None:
        """Register an instance as services do: under a lease."""
        instance = Instance(
            psm=psm, id=f"127.0.0.1:{port}", host="127.0.0.1", port=port, cluster=cluster,
            protocol="http" if transport == "http" else "thrift", transport=transport,
            pid=os.getpid(), version="1.2.3", started=1.0,
        )  # fmt: skip
        self.store.put(instance_key(instance), encode(instance), lease=self.store.grant(3600))


@pytest.fixture(scope="module")
def platform() -> Iterator[LoopbackPlatform]:
    server = LoopbackPlatform()
    yield server
    server.stop()


@pytest.fixture
def world(tmp_path: Path, platform: LoopbackPlatform) -> Iterator[World]:
    made = World(tmp_path, platform)
    yield made
    made.store.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def served_at(listener: socket.socket) -> str:
    """Of the bench: its process is the one that is registered, and is called by this address."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def shop(world: World, bench, listener: socket.socket) -> Iterator[int]:
    """Serves Shop as SERVER, in cluster default; gives its port."""
    made = load_module(FILES["shop.thrift"], FILES, path="shop.thrift")

    class Handler:
        noted = threading.Event()

        def Get(self, req):
            if req.id == 404:
                raise made.Missing(id=404)
            if req.id == 500:
                raise KeyError("secret")
            if req.id == 1410:
                status = made.base.BaseResp(StatusMessage="gone", StatusCode=1410)
                return made.GetResponse(BaseResp=status)
            item = made.Item(req.id, "积木", req.kind or made.Kind.TOY, {7: "x"})
            return made.GetResponse(item=item)

        def Join(self, words, between):
            return between.join(words)

        def Count(self, text):
            return len(text)

        def Ping(self):
            pass

        def Note(self, text):
            self.noted.set()

    port = listener.getsockname()[1]
    server = ThriftServer(made.Shop, Handler(), bench.runtime, listener, drain_seconds=3)
    thread = threading.Thread(target=server.serve)
    thread.start()
    world.put(SERVER, port, "ttheader")
    world.store.put(meta_key(SERVER), encode(describe(made.Shop, SERVER, ("ann", "bob"))))
    yield port
    server.stop()
    thread.join(20)


@pytest.fixture
def web(world: World) -> Iterator[int]:
    """Serves HTTP as WEB; gives its port."""
    Web.seen.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    world.put(WEB, server.server_port, "http")
    meta = ServiceMeta(psm=WEB, protocol="http", interfaces=(Interface(method="views.index"),))
    world.store.put(meta_key(WEB), encode(meta))
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
