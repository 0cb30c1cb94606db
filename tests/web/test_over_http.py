"""Requests and clients that behave badly, over real connections to Pie's own server."""

import contextlib
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request, send_file
from tests.model.foreign import FOREIGN

from pie.web.flask import instrument

LARGE = 20 << 20


def make_app(folder: Path) -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def hello() -> str:
        return "hello"

    @app.get("/exit")
    def leave() -> str:
        sys.exit(3)

    @app.post("/echo")
    def echo() -> bytes:
        return request.get_data()

    @app.post("/form")
    def form() -> str:
        return str(len(request.form))

    @app.post("/ignore")
    def ignore() -> str:
        return "ignored"

    @app.post("/caught")
    def caught() -> tuple[str, int]:
        try:
            request.get_data()
        except Exception:
            return "caught", 500
        return "whole", 200

    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[bytes]:
            while True:
                yield b"x" * 65536

        return Response(chunks())

    @app.get("/once")
    def once() -> bytes:
        return b"x" * LARGE

    @app.get("/foreign/<int:number>")
    def foreign(number: int) -> str:
        raise FOREIGN[number][0]()

    @app.get("/parts")
    def parts() -> Response:
        return send_file(folder / "large", conditional=True)

    @app.get("/file")
    def file() -> Response:
        return send_file(folder / "large", conditional=False)

    app.add_url_rule("/socket", view_func=WebSocket, websocket=True)
    return app


class WebSocket(Response):
    """As flask-sock answers on gunicorn, after the end of the connection that it took."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        environ["gunicorn.socket"].sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\nhi")
        raise StopIteration


@pytest.fixture
def served(bench: Any, serve: Callable[[Any], Any], tmp_path: Path) -> Any:
    app = make_app(tmp_path)
    instrument(app, bench.runtime)
    return serve(app)


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def status_of(answer: bytes) -> int:
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    return int(answer.split()[1])


def test_sys_exit_of_a_view_ends_its_request_alone(served: Any, rows: Any) -> None:
    answer = served.get("/exit")
    assert status_of(answer) == 500
    (row,) = rows(1)
    assert json.loads(answer.rpartition(b"\r\n")[2]) == {
        "code": 500, "message": "internal error", "logid": row["logid"]
    }  # fmt: skip
    told = (row["outcome"], row["message"], row["method"].rpartition(".")[2])
    assert told == ("internal", "SystemExit: 3", "leave")
    assert served.get("/").endswith(b"hello")


CHUNKED = "Transfer-Encoding: chunked"
WHOLE = b"5\r\nhello\r\n0\r\n\r\n"
BROKEN = {
    "cut in a chunk": (CHUNKED, b"5\r\nhel"),
    "cut between chunks": (CHUNKED, b"5\r\nhello\r\n"),
    "cut in the end": (CHUNKED, b"5\r\nhello\r\n0\r\n"),
    "a size that is none": (CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n"),
    "a negative size": (CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": (CHUNKED, b"2\r\nhello\r\n0\r\n\r\n"),
    "less than Content-Length": ("Content-Length: 10", b"hello"),
    "nothing": ("Content-Length: 10", b""),
}


def assert_never_served(answer: bytes, served: Any, rows: Any) -> None:
    """The core has the whole body before the application runs: what never came is no call."""
    assert answer == b"" or status_of(answer) == 400
    assert served.get("/").endswith(b"hello")
    assert [row["outcome"] for row in rows(1)] == ["ok"]


@pytest.mark.parametrize("form", ["/echo", "/form", "/caught"])
@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_body_is_the_callers_doing(served: Any, rows: Any, damage: str, form: str) -> None:
    header, body = BROKEN[damage]
    kind = "Content-Type: application/x-www-form-urlencoded"
    answer = served.ask(post(form, header, kind, body=body), end=True)
    if served.is_core:
        assert_never_served(answer, served, rows)
        return
    assert status_of(answer) == (500 if form == "/caught" else 400)
    (row,) = rows(1)
    assert (row["outcome"], row["code"], row["raised_by"]) == ("invalid", 400, "peer")
    assert row["message"].startswith("the request's body ")


def test_whole_bodies_arrive(served: Any, rows: Any) -> None:
    assert served.ask(post("/echo", CHUNKED, body=WHOLE)).endswith(b"\r\n\r\nhello")
    assert served.ask(post("/echo", "Content-Length: 5", body=b"hello")).endswith(b"hello")
    found = rows(2)
    assert [(row["outcome"], row["request_bytes"]) for row in found] == [("ok", 5)] * 2


def test_a_broken_body_that_nobody_reads_harms_nobody(served: Any, rows: Any) -> None:
    answer = served.ask(post("/ignore", "Content-Length: 10", body=b"x"), end=True)
    if served.is_core:
        assert_never_served(answer, served, rows)
        return
    assert answer.endswith(b"ignored")
    assert rows(1)[0]["outcome"] == "ok"


@pytest.mark.parametrize("path", ["/stream", "/once", "/file"])
def test_a_client_that_leaves_is_no_success(
    served: Any, rows: Any, tmp_path: Path, path: str
) -> None:
    (tmp_path / "large").write_bytes(b"x" * LARGE)
    with served.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        linger = struct.pack("ii", 1, 0)  # It does not say goodbye.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    (row,) = rows(1)
    if served.is_core and path == "/file":  # The call ends when the loop has the file.
        assert (row["outcome"], row["status"], row["response_bytes"]) == ("ok", 200, LARGE)
        return
    assert (row["outcome"], row["status"], row["code"]) == ("cancelled", 499, 499)
    assert row["raised_by"] == "peer"


def test_a_file_is_sent_by_the_system(
    served: Any, rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").write_bytes(b"x" * LARGE)
    sent: list[int] = []
    real = os.sendfile

    def sendfile(*arguments: Any) -> int:
        sent.append(real(*arguments))
        return sent[-1]

    monkeypatch.setattr("os.sendfile", sendfile)
    answer = served.get("/file")
    assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE
    assert sum(sent) == (0 if served.is_core else LARGE)  # C has its own.
    (row,) = rows(1)
    assert (row["outcome"], row["response_bytes"]) == ("ok", LARGE)


def test_a_part_of_a_file(served: Any, rows: Any, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"0123456789" * 10_000)
    answer = served.get("/parts", "Range: bytes=50005-50009")
    assert answer.endswith(b"\r\n\r\n56789")
    (row,) = rows(1)
    assert (row["status"], row["outcome"], row["response_bytes"]) == (206, "ok", 5)


def test_the_head_of_a_file(served: Any, rows: Any, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 1000)
    answer = served.ask(b"HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 1000\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
    (row,) = rows(1)
    assert (row["status"], row["outcome"], row["response_bytes"]) == (200, "ok", 0)


def test_exceptions_whose_methods_raise(served: Any, rows: Any) -> None:
    for number in range(len(FOREIGN)):
        assert status_of(served.get(f"/foreign/{number}")) >= 400
    assert served.get("/").endswith(b"hello")
    found = rows(len(FOREIGN) + 1)[: len(FOREIGN)]
    assert all(row["outcome"] not in ("ok", "business") for row in found)
    assert all(row["status"] >= 400 for row in found)


def test_a_web_socket_is_no_failure(served: Any, rows: Any) -> None:
    request = (
        b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    answer = served.ask(request)
    assert answer.endswith(b"hi")
    (row,) = rows(1)
    assert (row["outcome"], row["status"], row["code"]) == ("ok", 101, 0)


def test_what_no_route_matches_has_its_path_and_one_method(
    served: Any, rows: Any, bench: Any
) -> None:
    for path in ("/nowhere/1?token=hunter2", "/nowhere/2"):
        assert status_of(served.get(path)) == 404
    found = rows(2)
    assert {row["path"] for row in found} == {"/nowhere/1?token=*", "/nowhere/2"}
    assert {row["method"] for row in found} == {"(unmatched)"}
    assert {edge["method"] for edge in bench.facts("edges")} == {"(unmatched)"}
    text = (bench.root / "toutiao" / "log" / "app" / f"{bench.psm}.log").read_text()
    assert "data=GET /nowhere/2 404 not_found code=404 " in text
    assert " route=- " in text
    assert "hunter2" not in text


def test_metadata_of_strangers_goes_no_further(served: Any, rows: Any, bench: Any) -> None:
    served.get("/", "Rpc-Persist-User: admin", "Rpc-Transit-Role: admin")
    assert "admin" not in str(rows(1))


def test_the_time_that_a_request_waited_for_a_thread_is_recorded(
    bench: Any, serve: Callable[[Any], Any], rows: Any
) -> None:
    app = Flask(__name__)
    entered, go_on = threading.Semaphore(0), threading.Event()

    @app.get("/")
    def wait() -> str:
        entered.release()
        go_on.wait(20)
        return ""

    instrument(app, bench.runtime)
    served = serve(app)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(5)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _ in range(4):  # Of the server's threads.
            assert entered.acquire(timeout=20)
        while served.connections < 5:
            threading.Event().wait(0.01)
        threading.Event().wait(0.2)
        go_on.set()
        for client in clients:
            assert client.recv(9) == b"HTTP/1.1 "
    assert max(row["queued_us"] for row in rows(5)) >= 100_000


@pytest.mark.parametrize("length", ["9" * 18, "9" * 30, "9" * 5000, "٣"])
def test_a_length_that_nobody_can_send(served: Any, rows: Any, length: str) -> None:
    answer = served.ask(post("/echo", f"Content-Length: {length}", body=b"hello"), end=True)
    assert status_of(answer) in (400, 413, 431)
    assert served.get("/").endswith(b"hello")
    assert all(row["outcome"] in ("ok", "invalid") for row in rows(1))
