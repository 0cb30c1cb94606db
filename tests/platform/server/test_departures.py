"""Clients that go away inside a request or an answer leave no traceback behind."""

import contextlib
import signal
import socket
import struct

import pytest

JSON = b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
WATCH = b'{"prefix":"/pie/services/","revision":0}'
REQUESTS = [
    (b"POST /api/ingest/logs", b"Content-Length: 1000\r\n\r\n{"),
    (b"POST /api/ingest/logs", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"),
    (b"PUT /api/psm/a.b.c", JSON + b"{"),
    (b"POST /api/logs/tasks", JSON + b"{"),
    (b"POST /api/state/put", JSON + b"{"),
    (b"POST /api/state/watch", JSON + b"{"),
    (b"POST /api/state/watch", JSON.replace(b"1000", b"%d" % len(WATCH)) + WATCH),
    (b"GET /api/logs/tail", b"\r\n"),
    (b"GET /openapi.json", b"\r\n"),
]


@pytest.mark.parametrize("reset", [False, True])
def test_nothing_is_printed_about_them(own_platform, reset):
    token = own_platform.token("admin").encode()
    open_ones = []
    for line, rest in REQUESTS:
        connection = socket.create_connection(("127.0.0.1", own_platform.port), timeout=10)
        head = line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + b"\r\n"
        connection.sendall(head + rest)
        open_ones.append(connection)
    assert own_platform.ask("GET", "/api/services").status == 200  # after all of those
    for connection in open_ones:
        if reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
    assert own_platform.ask("GET", "/api/services").status == 200
    process, own_platform.process = own_platform.process, None
    process.send_signal(signal.SIGTERM)
    with contextlib.closing(process.stderr):
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
