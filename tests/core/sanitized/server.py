"""Damaged and hostile requests, errors, churn and drains at servers of both kinds, in this process.

Every call is observed, so the call log is at work too. Run by ``tests/core/test_sanitized.py`` with an
extension that checks every access to memory. Arguments: how many requests of a kind (divided by
ten), and the seed.
"""

import contextlib
import logging
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType

from tests.conftest import Bench
from tests.rpc.hostile import damage, made_to_hurt, requests
from tests.rpc.victim import handler_of, load_demo

from pie._core import native, reason
from pie.rpc import ServerOptions, ThriftServer


@contextlib.contextmanager
def serving(demo: ModuleType, bench: Bench, kind: str) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    options = ServerOptions(
        max_threads=6, write_limit=1 << 18, transfer_timeout=0.5, overload_timeout=0.02
    )
    server = ThriftServer(
        demo.DemoService,
        handler_of(kind, demo),
        bench.runtime,
        listener,
        options,
        drain_seconds=0.2,
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield listener.getsockname()[1]
    server.stop()
    thread.join(60)
    assert not thread.is_alive()


def attack(port: int, data: bytes, random: Random) -> None:
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
    ):
        step = random.choice([len(data) or 1, 7 + len(data) // 3, 1 + len(data) // 2])
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])
        if random.random() < 0.5:
            sock.settimeout(random.choice([0.001, 0.05]))
            sock.recv(random.choice([1, 100, 65536]))
        elif random.random() < 0.3:
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(0.2)
            while sock.recv(65536):
                pass


def torment(demo: ModuleType, port: int, rounds: int, seed: int) -> None:
    random = Random(seed)
    for data in made_to_hurt():
        attack(port, data, random)
    for _ in range(rounds):
        for data in requests(demo, random):
            attack(port, data * random.choice([1, 1, 30]), random)
            attack(port, damage(random, data), random)
            attack(port, data + damage(random, data * 3), random)


def main() -> None:
    assert native is not None, reason
    rounds, seed = int(sys.argv[1]) // 10, int(sys.argv[2])
    logging.disable(logging.CRITICAL)
    demo = load_demo()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), "toutiao.my.server")
        for kind in ("threads", "asyncio"):
            with serving(demo, bench, kind) as port:
                tormentors = [
                    threading.Thread(target=torment, args=(demo, port, rounds, seed + number))
                    for number in range(4)
                ]
                for each in tormentors:
                    each.start()
                for each in tormentors[1:]:
                    each.join()
            tormentors[0].join()  # It goes on while the server drains.
        bench.observer.recorder.flush(final=True)
        bench.close()
    print(f"{rounds} rounds from seed {seed}")


if __name__ == "__main__":
    main()
