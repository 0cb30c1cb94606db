"""While all threads of the server in C are busy, requests are refused without the application."""

import socket
import threading
from typing import Any

import pytest

from pie._core import native
from pie.web.server.options import HttpOptions
from pie.web.server.server import CoreServer
from pie.web.wsgi import Middleware

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def answer_of(sock: socket.socket) -> bytes:
    received = b""
    while more := sock.recv(65536):
        received += more
    return received


@pytest.mark.skipif(native is None, reason="the loop in C is not in use")
def test_what_waits_for_too_long_is_refused(bench: Any) -> None:
    go_on = threading.Event()
    running = threading.Semaphore(0)

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        running.release()
        assert go_on.wait(60)
        start_response("200 OK", [])
        return [b"served"]

    listener = socket.create_server(("127.0.0.1", 0))
    options = HttpOptions(max_threads=2, overload_timeout=0.1)
    server = CoreServer(native, Middleware(app, bench.runtime), listener, options)
    serving = threading.Thread(target=server.serve)
    serving.start()
    try:
        clients = []
        for _ in range(2):
            client = socket.create_connection(listener.getsockname(), timeout=60)
            client.sendall(GET)
            clients.append(client)
            assert running.acquire(timeout=60)
        with socket.create_connection(listener.getsockname(), timeout=60) as third:
            third.sendall(GET)
            refused = answer_of(third)
        assert b"Pie-Unsent: 1\r\n" in refused
        assert b"is overloaded" in refused
        go_on.set()
        for client in clients:
            assert b"served" in answer_of(client)
            client.close()
    finally:
        go_on.set()
        server.stop()
        serving.join()
