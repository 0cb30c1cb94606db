"""Servers of development: that of ``flask run``, that of ``manage.py runserver``, and wsgiref's."""

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.servers import basehttp
from werkzeug.serving import make_server as make_werkzeug_server

from pie.model import current_call
from pie.web.wsgi import Middleware

# They write to stderr what they answer.
pytestmark = pytest.mark.usefixtures("capfd")
SIZE = 300_000


def app(environ: dict[str, Any], start: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/bug":
        raise KeyError("missing")
    if path == "/echo":
        body = environ["wsgi.input"].read()
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]
    if path == "/file":
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(SIZE))])
        wrap = environ.get("wsgi.file_wrapper", lambda file: iter(lambda: file.read(8192), b""))
        return wrap(io.BytesIO(b"x" * SIZE))
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "64")])
    return (ambient() for _ in range(2))


def ambient() -> bytes:
    call = current_call.get()
    assert call is not None
    return call.logid.encode()


def of_flask(app: Any) -> Any:
    return make_werkzeug_server("127.0.0.1", 0, app, threaded=True)


def of_wsgiref(app: Any) -> Any:
    return make_server("127.0.0.1", 0, app, WSGIServer, WSGIRequestHandler)


def of_django(app: Any) -> Any:
    server = basehttp.WSGIServer(("127.0.0.1", 0), basehttp.WSGIRequestHandler)
    server.set_app(app)
    return server


@pytest.fixture(params=[of_flask, of_wsgiref, of_django], ids=lambda made: made.__name__)
def port(request: pytest.FixtureRequest, bench: Any) -> Iterator[int]:
    server = request.param(Middleware(app, bench.runtime))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, verb: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(verb, path, body, {"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.headers["X-Tt-Logid"], answer.read()
    finally:
        connection.close()


def test_every_request_is_a_call(port: int, rows: Callable[[int], Any]) -> None:
    status, logid, body = ask(port, "GET", "/")
    assert (status, body) == (200, 2 * logid.encode())
    assert ask(port, "POST", "/echo", b"12345")[::2] == (200, b"12345")
    assert ask(port, "GET", "/file")[::2] == (200, b"x" * SIZE)
    assert ask(port, "HEAD", "/")[::2] == (200, b"")
    assert ask(port, "GET", "/bug")[0] == 500
    found = {(row["verb"], row["path"]): row for row in rows(5)}
    assert {where: (row["status"], row["outcome"]) for where, row in found.items()} == {
        ("GET", "/"): (200, "ok"), ("POST", "/echo"): (200, "ok"), ("GET", "/file"): (200, "ok"),
        ("HEAD", "/"): (200, "ok"), ("GET", "/bug"): (500, "internal"),
    }  # fmt: skip
    assert found["GET", "/"]["logid"] == logid
    assert found["GET", "/file"]["response_bytes"] == SIZE
    assert found["POST", "/echo"]["request_bytes"] == 5


def test_a_request_that_ends_early_is_the_callers_doing(
    port: int, rows: Callable[[int], Any]
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1234")
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.makefile("rb").readline()
    assert rows(1)[0]["raised_by"] == "peer"
