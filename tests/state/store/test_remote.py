"""The HTTP between: dead and foreign servers, refused tokens, hostile requests, slow watchers."""

import http.client
import json
import socket
import threading
import time

import pytest
from fastapi import Depends, HTTPException, Request
from tests.ports import free_port

from pie.platform.server.state_access import Access
from pie.platform.server.state_routes import state_router
from pie.state import Compacted, Denied, MemoryStore, RemoteStore, StoreAway
from pie.state.store import wire


def post(url: str, path: str, body: bytes) -> tuple[int, dict]:
    host, _, prefix = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("POST", f"/{prefix}/api/state/{path}", body)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


@pytest.fixture
def engine():
    store = MemoryStore()
    yield store
    store.close()


class Peer:
    """A server that says what the test tells it to."""

    def __init__(self, answer: bytes, *, hold: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._release = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(answer, hold))
        self._thread.start()

    def _serve(self, answer: bytes, hold: bool) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            if hold:
                self._release.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._release.set()
        self._thread.join()
        self._listener.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://x", "http://"])
def test_a_url_that_is_none(url):
    with pytest.raises(ValueError, match="write http://host:port"):
        RemoteStore(url, "t")


def test_a_token_that_would_break_the_header():
    with pytest.raises(Denied, match="token"):
        RemoteStore("http://127.0.0.1:1", "a\r\nb").get("/a")


def test_a_token_that_cannot_be_read():
    def token() -> str:
        raise PermissionError(13, "the token file /t cannot be read")

    with pytest.raises(Denied, match=r"Errno 13.*the token file /t cannot be read"):
        RemoteStore("http://127.0.0.1:9", token).get("/k")


def test_nobody_listens():
    port = free_port()
    store = RemoteStore(f"http://127.0.0.1:{port}", "t")
    for call in (lambda: store.get("/k"), lambda: store.watch("/k"), lambda: store.grant(1)):
        with pytest.raises(StoreAway, match=rf"127\.0\.0\.1:{port} cannot be reached .*refused"):
            call()


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n\r\n", HEAD + b"{", HEAD + b"<" * 30])
def test_a_server_that_talks_nonsense(answer):
    with Peer(answer) as peer, pytest.raises(StoreAway, match="cannot be reached"):
        RemoteStore(peer.url, "t").get("/k")


def test_a_server_of_something_else():
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry"
    with Peer(answer) as peer, pytest.raises(StoreAway, match="HTTP 404, which is not Pie's"):
        RemoteStore(peer.url, "t").get("/k")


@pytest.mark.parametrize("answer", [b"", HEAD + b"{"])
def test_a_server_that_falls_silent(answer):
    with Peer(answer, hold=True) as peer, pytest.raises(StoreAway, match="timed out"):
        RemoteStore(peer.url, "t", timeout=0.1).get("/k")


def test_a_watch_on_a_server_that_falls_silent(monkeypatch):
    monkeypatch.setattr(wire, "PATIENCE_S", 0.1)
    answer = STREAM + b'f\r\n{"revision":7}\n\r\n'
    with Peer(answer, hold=True) as peer:
        watch = RemoteStore(peer.url, "t").watch("/k")
        assert next(watch).revision == 7
        with pytest.raises(StoreAway, match=r"broke .*timed out"):
            next(watch)


@pytest.mark.parametrize("rest", [b"", b'8\r\n{"revisi\r\n', b"2\r\n{\n\r\n", b"0\r\n\r\n"])
def test_a_watch_that_is_cut(rest):
    with Peer(STREAM + b'f\r\n{"revision":7}\n\r\n' + rest) as peer:
        watch = RemoteStore(peer.url, "t").watch("/k")
        assert next(watch).revision == 7
        with pytest.raises(StoreAway, match="broke"):
            next(watch)
        with pytest.raises(StopIteration):
            next(watch)


def test_a_token_that_is_refused(platform, engine):
    def check(request: Request) -> None:
        if request.headers["authorization"] != "Bearer right":
            raise HTTPException(401, "no such token")

    dependency = Depends(check)
    platform.app.include_router(
        state_router(engine, lambda _: Access()), prefix="/guarded", dependencies=[dependency]
    )
    url = f"http://127.0.0.1:{platform.port}/guarded"
    with pytest.raises(Denied, match="service token"):
        RemoteStore(url, "wrong").put("/k", "v")
    assert RemoteStore(url, "right").put("/k", "v") > 0


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("get", b"", "invalid"),
        ("get", b"[]", "invalid"),
        ("get", b'{"key": 1}', "invalid"),
        ("get", b'{"key": "/\xff"}', "invalid"),
        ("get", b'{"key": "no slash"}', "invalid"),
        ("get", b'{"key": "/' + b"x" * 600 + b'"}', "invalid"),
        ("put", b'{"key": "/k", "value": null}', "invalid"),
        ("put", b'{"key": "/k", "value": "", "lease": -1}', "invalid"),
        ("put", b'{"key": "/k", "value": "", "expect": 1e99}', "invalid"),
        ("put", b'{"key": "/k", "value": "' + b"x" * (2 << 20) + b'"}', "limit"),
        ("put", b"x" * (9 << 20), "limit"),
        ("grant", b'{"ttl": 1e300}', "invalid"),
        ("keep_alive", b'{"leases": [' + b"1," * 10_000 + b"1]}", "invalid"),
        ("watch", b'{"prefix": "x"}', "invalid"),
        ("watch", b'{"prefix": "/", "after": -1}', "invalid"),
        ("range", b"[" * 100_000, "invalid"),
    ],
)
def test_hostile_requests_are_refused(platform, engine, path, body, kind):
    status, answer = post(platform.serve(engine), path, body)
    error = answer["error"]
    assert (status, error["kind"]) == ({"invalid": 400, "limit": 413}[kind], kind)
    assert error["code"] == status
    assert error["message"]
    assert engine.range("/").entries == ()


def test_a_quiet_watch_has_heartbeats(platform, engine):
    store = RemoteStore(platform.serve(engine, heartbeat=0.02), "t")
    with store.watch("/quiet/") as watch:
        assert next(watch).events == ()
        moved = engine.put("/elsewhere", "x")
        while (batch := next(watch)).revision < moved:
            assert batch.events == ()


def test_the_server_lets_go_of_watchers_that_vanish(platform, engine, until):
    store = RemoteStore(platform.serve(engine), "t")
    watches = [store.watch("/k") for _ in range(20)]
    until(lambda: engine.watches == 20, "20 watches")
    for watch in watches:
        watch.close()
    until(lambda: engine.watches == 0, "no watch")


def test_a_watcher_too_slow_is_cut_and_reported(platform, until):
    """It reads nothing while more is written than history and sockets hold."""
    engine = MemoryStore(max_events=16)
    watch = RemoteStore(platform.serve(engine), "t").watch("/k")
    for number in range(64):
        engine.put("/k", str(number) * (1 << 19))
        time.sleep(0)
    seen: list[int] = []
    with pytest.raises(Compacted):
        while True:
            seen += [event.revision for event in next(watch).events]
    assert seen == sorted(set(seen))
    until(lambda: engine.watches == 0, "the server to let go")
    engine.close()


def test_a_busy_disk_does_not_delay_keep_alives(platform):
    """Every thread of the server's pool waits for a write; leases are kept all the same."""
    blocked = threading.Event()
    engine = MemoryStore(journal=lambda change: change.puts and blocked.wait(20))
    store = RemoteStore(platform.serve(engine), "t", timeout=20)
    lease = store.grant(60)
    writers = [threading.Thread(target=store.put, args=(f"/{n}", "v")) for n in range(50)]
    for writer in writers:
        writer.start()
    for _ in range(10):
        assert store.keep_alive([lease]).alive == (lease,)
    blocked.set()
    for writer in writers:
        writer.join()
    assert len(engine.range("/").entries) == 50


def test_the_routes_are_described(platform, engine):
    platform.serve(engine)
    paths = platform.app.openapi()["paths"]
    put = next(path for name, path in paths.items() if name.endswith("/api/state/put"))["post"]
    schema = put["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"key", "value", "lease", "expect", "claim", "heir_of"}


def test_many_ranges_from_a_platform_that_cuts_its_answers_off(platform, monkeypatch):
    monkeypatch.setattr("pie.platform.server.state_bounds._RANGES_CHARS", 250)
    engine = MemoryStore()
    for number in range(10):
        engine.put(f"/{number}/x", "y" * 100)
    found = RemoteStore(platform.serve(engine), "t").ranges([f"/{n}/" for n in range(11)])
    assert [len(each.entries) for each in found.found.values()] == [1] * 10 + [0]


def test_many_ranges_from_an_older_platform(platform):
    """It has no such route: each is asked for by itself."""
    engine = MemoryStore()
    engine.put("/a/x", "1")
    url = platform.serve(engine)
    router = platform.app.router
    router.routes[:] = [
        each for each in router.routes if not str(getattr(each, "path", "")).endswith("/ranges")
    ]
    store = RemoteStore(url, "t")
    for _ in range(2):
        found = store.ranges(["/a/", "/b/"])
        assert [len(each.entries) for each in found.found.values()] == [1, 0]
