"""The server answers what its parser reads, and what is refused ends the connection."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from random import Random
from types import ModuleType
from typing import Any

import pytest
from tests.core.http.corpus import CASES
from tests.core.http.hostile import some_stream
from tests.core.http.parse import BODY, stream

from pie.web.server.options import HttpOptions
from pie.web.server.server import CoreServer

SHORT = 2000


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers with what it was asked."""
    body = environ["wsgi.input"].read().decode("latin-1")
    asked = [environ["REQUEST_METHOD"], environ["RAW_URI"], body, environ.get("HTTP_HOST", "")]
    answer = json.dumps(asked).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture(scope="module")
def port(native: ModuleType) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = CoreServer(native, echo, listener, HttpOptions(body_limit=BODY), drain_seconds=5)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield listener.getsockname()[1]
    server.stop()
    thread.join(60)
    assert not thread.is_alive()


def sent(port: int, data: bytes, step: int, tries: int = 9) -> bytes:
    """What comes back, to the connection's end.

    After a refusal the server waits a second for the client to end. A client that is held up for
    longer may lose the answer, and tries again.
    """
    for _ in range(tries):
        with contextlib.suppress(ConnectionError):
            return sent_once(port, data, step)
    raise AssertionError(f"no answer to {data!r}")


def sent_once(port: int, data: bytes, step: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])
        sock.shutdown(socket.SHUT_WR)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
        return b"".join(parts)


def replies(data: bytes) -> list[tuple[int, bytes]]:
    """Statuses and bodies."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 100:
            continue
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        size = int(fields[b"content-length"])
        found.append((status, data[:size]))
        data = data[size:]
    return found


def check(port: int, data: bytes, step: int) -> None:
    read = stream(data)
    got = replies(sent(port, data, step))
    asked = [[each.method, each.target, each.body, each.host] for each in read.requests]
    wanted = [[part.decode("latin-1") for part in each] for each in asked]
    assert [json.loads(body) for status, body in got if status == 200] == wanted, data
    refused = [status for status, _ in got if status != 200]
    if read.refusal is not None:
        assert refused == [read.refusal[0]], data
        assert got[-1][0] == read.refusal[0]
    else:
        assert not refused, data


@pytest.mark.parametrize("part", [1 << 20, 3])
def test_the_corpus(port: int, part: int) -> None:
    for case in CASES:
        check(port, case.data, part if len(case.data) < SHORT else part * 1000)


@pytest.mark.parametrize("rounds", [200, pytest.param(5_000, marks=pytest.mark.slow)])
def test_random_and_damaged_streams(port: int, rounds: int) -> None:
    random = Random(rounds)
    for _ in range(rounds):
        data = some_stream(random)
        check(port, data, random.choice([len(data) or 1, 1, 5, 40]))
