"""Many calls of every kind, after which nothing is held that was not held after the first of them.

``PIE_SOAK_CALLS`` sets how many; a million take some minutes.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.rpc import hostile
from tests.rpc.conftest import register
from tests.rpc.peer import Peer
from tests.rpc.victim import Victim

from pie.model import Failure
from pie.thrift import BUFFERED, FRAMED, THEADER, TTHEADER, ApplicationError, Flag

CALLS = int(os.environ.get("PIE_SOAK_CALLS", "60000"))
PSM = "toutiao.my.server"
ROUNDS = 6  # The first two warm up.
TRANSPORTS = (FRAMED, TTHEADER, BUFFERED, THEADER)


@pytest.fixture(params=["threads", "asyncio"])
def victim(request) -> Iterator[Victim]:
    made = Victim(request.param)
    yield made
    made.kill()


def figures() -> dict[str, int]:
    gc.collect()
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "blocks": sys.getallocatedblocks(),
    }


def steady(found: list[dict[str, int]]) -> None:
    """The figures after each round do not grow."""
    early, late = found[1], found[-1]
    assert late["descriptors"] <= early["descriptors"] + 4
    assert late["threads"] <= early["threads"] + 4
    assert late["blocks"] <= early["blocks"] + 2000, found
    if "resident" in early:
        assert late["resident"] <= early["resident"] + (8 << 20), found


def batch(demo, port: int, random: Random, calls: int) -> None:
    """So many calls over one connection, in flights of a hundred; damage at its end."""
    transport = random.choice(TRANSPORTS)
    flags = random.choice([0, Flag.OUT_OF_ORDER]) if transport is TTHEADER else 0
    one = Peer(demo, port)
    one.sock.settimeout(60)
    numbers = [random.choice([1, 7, 7, 7, 404, 500, -100]) for _ in range(100)] + [0]
    data = b"".join(one.request(n, n, transport, flags=flags) for n in numbers)
    for _ in range(max(1, calls // len(numbers))):
        one.sock.sendall(data)
        for _ in numbers:
            with contextlib.suppress(ApplicationError, demo.NoSuchItem):
                one.reply()
    if random.random() < 0.5:
        one.sock.sendall(hostile.damage(random, data[:300]))
    one.close()


@pytest.mark.slow
def test_a_server_holds_nothing(victim, demo) -> None:
    random, found = Random(1), []
    for _ in range(ROUNDS):
        done = 0
        while done < CALLS // ROUNDS:
            batch(demo, victim.port, random, 1000)
            done += 1000
        found.append(victim.settled(lambda now: now["descriptors"] < 30))
    print(found)
    steady(found)
    assert victim.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["ttheader", "framed", "buffered"])
def test_a_client_holds_nothing(victim, bench, demo, transport) -> None:
    register(bench, victim.port, psm=PSM, cluster="default", transport=transport)
    client = demo.DemoServiceClient(PSM, timeout=30)
    request, found = demo.Demo2Request, []
    for _ in range(ROUNDS):
        for number in range(CALLS // ROUNDS // 8):
            for item in (1, 7, -100):
                assert client.GetItem(request(ItemId=item)).item.ItemId == item
            with pytest.raises(demo.NoSuchItem):
                client.GetItem(request(ItemId=404))
            with pytest.raises(Failure):
                client.GetItem(request(ItemId=500))
            client.Note("x" * (number % 100))
            client.Nothing()
            if number % 50 == 0:
                client = demo.DemoServiceClient(PSM, timeout=30)
        bench.observer.recorder.flush(final=True)
        found.append(figures())
    print(found)
    steady(found)
