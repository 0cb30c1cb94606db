"""Damaged and hostile requests, applications that break the rules, churn and drains at an HTTP
server, in this process.

Run by ``tests/core/test_sanitized.py`` with an extension that checks every access to memory.
Arguments: how many requests of a kind (divided by ten), and the seed.
"""

import contextlib
import logging
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.http.hostile import attack, damage, requests

from pie._core import native, reason
from pie.web.server.options import HttpOptions
from pie.web.server.server import CoreServer

LONG = b"x" * (3 << 20)


class Nasty:
    """Answers in a way that the query names."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - until the end
        self.file.write(LONG)
        self.file.seek(0)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        data = environ["wsgi.input"].read(100_000)
        self.kept = self.kept[-20:]
        way = environ["QUERY_STRING"]
        if way in {"late", "raise"}:
            if way == "raise":
                raise KeyError(way)
            self.kept.append(start_response)
            return self.parts(start_response, data)
        headers = [("X", "y" * 100), ("Content-Type", "text/plain")] * (
            200 if way == "heads" else 1
        )
        write = start_response("204 None" if way == "none" else "200 OK", headers)
        return self.body(way, write, environ, data)

    def body(self, way: str, write: Any, environ: dict[str, Any], data: bytes) -> Any:
        if way == "write":
            thread = threading.Thread(target=self.spoil, args=[write])
            thread.start()
            write(LONG)
            write(data)
            thread.join()
        if way == "keep":
            self.kept += [write, environ, environ["wsgi.input"]]
        if way == "old":
            self.spoil(*self.kept[:1])
        if way == "file":
            return environ["wsgi.file_wrapper"](open(self.file.fileno(), "rb", closefd=False))
        if way == "parts":
            return self.parts(None, data)
        return {"long": [LONG], "many": [b"ab"] * 1000, "wrong": [b"a", 5]}.get(way, [data])

    def parts(self, start_response: Any, data: bytes) -> Iterator[bytes]:
        if start_response is not None:
            start_response("200 OK", [("Content-Length", "7")])
        yield b""
        yield data
        yield b"more than that"
        if len(data) % 3 == 0:
            raise ValueError("in the middle")

    def spoil(self, write: Any = None, *_: Any) -> None:
        with contextlib.suppress(RuntimeError, TypeError, AssertionError):
            write(LONG)
        with contextlib.suppress(RuntimeError, TypeError, AssertionError):
            write("200 OK", [])


WAYS = [
    "late", "raise", "heads", "none", "write", "keep", "old", "file", "parts", "long", "many",
    "wrong", "",
]  # fmt: skip


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    bounds = HttpOptions(
        max_threads=6,
        write_limit=1 << 18,
        head_timeout=0.5,
        body_timeout=0.5,
        write_timeout=0.5,
        overload_timeout=0.02,
        body_limit=1 << 21,
        **options,
    )
    server = CoreServer(native, Nasty(), listener, bounds, drain_seconds=0.2)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield listener.getsockname()[1]
    server.stop()
    thread.join(60)
    assert not thread.is_alive()


def torment(port: int, rounds: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(rounds):
        for data in requests(random, WAYS):
            attack(port, data * random.choice([1, 1, 30]), random)
            attack(port, damage(random, data), random)
            attack(port, data + damage(random, data * 3), random)


def main() -> None:
    assert native is not None, reason
    rounds, seed = int(sys.argv[1]) // 10, int(sys.argv[2])
    logging.disable(logging.CRITICAL)
    kinds: list[dict[str, Any]] = [
        {"memory_limit": 1000},
        {"buffer_limit": 1 << 20, "max_connections": 6},
        {"trusted": ("127.0.0.0/8",), "proxy_protocol": True},
    ]
    for kind in kinds:
        with serving(**kind) as port:
            tormentors = [
                threading.Thread(target=torment, args=(port, rounds, seed + number))
                for number in range(4)
            ]
            for each in tormentors:
                each.start()
            for each in tormentors[1:]:
                each.join()
        tormentors[0].join()  # It goes on while the server drains.
    print(f"{rounds} rounds from seed {seed}")


if __name__ == "__main__":
    main()
