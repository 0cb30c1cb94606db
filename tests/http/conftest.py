"""A server of WSGI applications on the loop in C, and clients of bytes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pie._core import native
from pie.web.server.options import HttpOptions
from pie.web.server.server import CoreServer


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Serves an application on a free port until the test ends."""
    if native is None:
        pytest.skip("the loop in C is not in use")
    with contextlib.ExitStack() as running:

        def start(app: Any, **options: Any) -> int:
            listener = socket.create_server(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
            server = CoreServer(native, app, listener, HttpOptions(**options), drain_seconds=5)
            thread = threading.Thread(target=server.serve)
            thread.start()
            running.callback(thread.join)
            running.callback(server.stop)
            return port

        yield start


class Client:
    """One connection, of bytes."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.received = b""

    def send(self, data: bytes) -> "Client":
        self.sock.sendall(data)
        return self

    def until(self, end: bytes) -> bytes:
        """What comes up to these bytes, and with them."""
        while end not in self.received:
            more = self.sock.recv(1 << 16)
            assert more, f"the connection ended after {self.received!r}"
            self.received += more
        found, _, self.received = self.received.partition(end)
        return found + end

    def exactly(self, size: int) -> bytes:
        while len(self.received) < size:
            more = self.sock.recv(1 << 16)
            assert more, f"the connection ended after {len(self.received)} bytes"
            self.received += more
        found, self.received = self.received[:size], self.received[size:]
        return found

    def to_end(self) -> bytes:
        """All that comes until the server ends the connection."""
        while more := self.sock.recv(1 << 16):
            self.received += more
        return self.received


@pytest.fixture
def client() -> Iterator[Callable[[int], Client]]:
    with contextlib.ExitStack() as opened:

        def connect(port: int) -> Client:
            made = Client(port)
            opened.callback(made.sock.close)
            return made

        yield connect
