"""A server that is told to stop: what it still answers, and what it ends."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Gate:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Semaphore(0), threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> Iterator[bytes]:
        path = environ["PATH_INFO"]
        start_response("200 OK", [("Content-Type", "text/plain")])
        if path == "/stream":
            return self.stream()
        if path == "/wait":
            self.wait()
        return iter([b"done"])

    def wait(self) -> None:
        self.entered.release()
        assert self.go_on.wait(30)

    def stream(self) -> Iterator[bytes]:
        yield b"first "
        self.wait()
        yield b"last"


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.go_on.set()


def ended(sock: Any) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_an_idle_connection_is_ended_in_order(gate: Gate, serve: Callable[[Any], Any]) -> None:
    served = serve(gate)
    with served.connect() as idle, served.connect() as busy:
        idle.sendall(GET)
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        busy.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert gate.entered.acquire(timeout=20)
        served.stop()
        ended(idle)  # While another is served still.
        gate.go_on.set()
        answer = ended(busy)
        assert b"done" in answer
        if served.is_core:  # gunicorn fixes that when the request comes.
            assert b"\r\nConnection: close\r\n" in answer


def test_a_stream_goes_on_to_its_end(gate: Gate, serve: Callable[[Any], Any]) -> None:
    served = serve(gate)
    with served.connect() as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert gate.entered.acquire(timeout=20)
        served.stop()
        gate.go_on.set()
        assert ended(client).endswith(b"4\r\nlast\r\n0\r\n\r\n")


def test_a_request_that_came_before_the_end_is_answered(
    gate: Gate, serve: Callable[[Any], Any]
) -> None:
    """All threads are busy when it comes, and when the server is told to stop."""
    served = serve(gate)
    busy = [served.open() for _ in range(4)]
    for each in busy:
        each.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    for _ in busy:
        assert gate.entered.acquire(timeout=20)
    late = served.open()
    late.sendall(GET)
    served.stop()
    gate.go_on.set()
    for each in [*busy, late]:
        assert b"HTTP/1.1 200 OK\r\n" in (answer := ended(each))
        assert b"done" in answer
