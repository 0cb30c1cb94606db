"""A WSGI server of Pie's own around an application, and a client that speaks bytes."""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pie._core import native
from pie.serve.host.gunicorn import HttpServer
from pie.web.server.options import HttpOptions
from pie.web.server.server import CoreServer
from pie.web.wsgi import PythonMiddleware

TWINS = ["python"] if native is None else ["c", "python"]
SERVERS = [
    pytest.param("c", "core"),
    pytest.param("python", "gunicorn"),
    pytest.param("python", "core", marks=pytest.mark.slow),
    pytest.param("c", "gunicorn", marks=pytest.mark.slow),
]
if native is None:
    SERVERS = [pytest.param("python", "gunicorn")]
DRAINED = [each.values[1] for each in SERVERS[:1]]
"""gunicorn needs seconds to stop."""
if native is not None:
    DRAINED.append(pytest.param("gunicorn", marks=pytest.mark.slow))
_OTHER = {"test_body", "test_drain", "test_headers", "test_names", "test_path"}
"""Modules that make no middleware."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a middleware runs over both twins, and over both servers if it has one."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if "server_kind" in metafunc.fixturenames and module in _OTHER:
        metafunc.parametrize("server_kind", DRAINED)
    elif "server_kind" in metafunc.fixturenames:
        metafunc.parametrize(("twin", "server_kind"), SERVERS, indirect=["twin"])
    elif "twin" in metafunc.fixturenames and module not in _OTHER:
        metafunc.parametrize("twin", TWINS, indirect=True)


@pytest.fixture
def twin(request: pytest.FixtureRequest) -> Any:
    """The class of the middleware, in C or in Python."""
    if native is not None and getattr(request, "param", "") == "c":
        return native.Middleware
    return PythonMiddleware


@pytest.fixture(autouse=True)
def use_twin(twin: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever makes a middleware makes that one."""
    for module in [request.module, *sys.modules.values()]:
        is_user = module is request.module or getattr(module, "__name__", "").startswith("pie.web")
        if is_user and hasattr(module, "Middleware"):
            monkeypatch.setattr(module, "Middleware", twin)


def make_server(
    kind: str, app: Any, listener: socket.socket, threads: int = 4
) -> CoreServer | HttpServer:
    """One of the two servers."""
    if kind == "gunicorn":
        return HttpServer(app, listener, threads=threads, drain_seconds=5)
    assert native is not None
    options = HttpOptions(max_threads=threads)
    return CoreServer(native, app, listener, options, drain_seconds=5)


class Served:
    """An application on a port, served by one of the two servers."""

    def __init__(self, kind: str, app: Any) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.is_core = kind == "core"
        self._opened: list[socket.socket] = []
        self.address = listener.getsockname()
        self._server = make_server(kind, app, listener)
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()

    @property
    def connections(self) -> int:
        """Accepted and not closed."""
        if isinstance(self._server, CoreServer):
            return int(self._server._loop.native.connections)
        return int(self._server._worker.nr_conns)

    @contextlib.contextmanager
    def connect(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, timeout=20) as connection:
            yield connection

    def open(self) -> socket.socket:
        """A connection that ends with the server, or with the test."""
        self._opened.append(socket.create_connection(self.address, timeout=20))
        return self._opened[-1]

    def stop(self) -> None:
        """Let it drain."""
        self._server.stop()

    def ask(self, request: bytes, *, end: bool = False) -> bytes:
        """All that comes back to some bytes; ``end`` says that no more will follow them."""
        with self.connect() as connection:
            connection.sendall(request)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def get(self, path: str = "/", *headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
        return self.ask("\r\n".join(lines).encode())

    def close(self) -> None:
        for each in self._opened:
            each.close()
        self.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def serve(server_kind: str) -> Iterator[Callable[[Any], Served]]:
    """Serves an application until the end of the test."""
    started: list[Served] = []

    def start(app: Any) -> Served:
        started.append(Served(server_kind, app))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def rows(bench: Any) -> Callable[[int], list[dict[str, Any]]]:
    """Waits for some call records: a client has its answer before the call ends."""

    def wait(count: int) -> list[dict[str, Any]]:
        pause = threading.Event()
        for _ in range(1000):
            found = bench.facts()
            if len(found) >= count:
                return found
            pause.wait(0.01)
        raise AssertionError(f"only {bench.facts()}")

    return wait
