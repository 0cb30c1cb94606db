"""Hostile peers at a server in a process of its own, whose memory is bounded: it must live, serve
others all the while, and give back whatever it took."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest
from tests.rpc import hostile
from tests.rpc.peer import Peer
from tests.rpc.victim import Victim

from pie._core import native
from pie.thrift import BUFFERED, FRAMED, THEADER, TTHEADER, Flag

only_native = pytest.mark.skipif(native is None, reason="a thread for every connection")
LINGER = b"\x01\0\0\0\0\0\0\0"
FEW = 40  # descriptors and threads beyond those at the start


@pytest.fixture(params=["threads", "asyncio"])
def victim(request, demo) -> Iterator:
    """Starts one that stops well, and within bounds, when the test is over."""
    with contextlib.ExitStack() as running:

        def start(**options) -> Victim:
            made = Victim(request.param, **options)
            running.callback(made.kill)
            return running.enter_context(unharmed(demo, made))

        yield start


@contextlib.contextmanager
def unharmed(demo, victim: Victim) -> Iterator[Victim]:
    """With a good peer all the while."""
    before = victim.figures()
    begun, over, wrong = threading.Event(), threading.Event(), []

    def call() -> None:
        good = Peer(demo, victim.port)
        good.sock.settimeout(30)
        try:
            for number in range(1000, 1 << 30):
                if over.is_set():
                    break
                transport = (FRAMED, TTHEADER, BUFFERED)[number % 3]
                good.send(number, number, transport=transport)
                assert good.reply()[0] == number
                begun.set()  # It is there before anybody else.
                over.wait(0.001)
        except Exception as error:
            if not victim.draining:
                wrong.append(error)
        finally:
            good.close()

    calling = threading.Thread(target=call)
    calling.start()
    try:
        assert begun.wait(30)
        yield victim
    finally:
        over.set()
        calling.join(60)
    assert not wrong
    if victim.process.poll() is None:
        after = victim.settled(lambda now: now["descriptors"] < before["descriptors"] + FEW)
        assert after["descriptors"] < before["descriptors"] + FEW
        assert after["blocks"] < before["blocks"] + 30_000
        assert victim.stop() == 0


@pytest.fixture
def connect() -> Iterator:
    """Makes connections to a victim."""
    with contextlib.ExitStack() as opened:

        def make(victim: Victim) -> socket.socket:
            address = ("127.0.0.1", victim.port)
            return opened.enter_context(socket.create_connection(address, timeout=10))

        yield make


def attack(victim: Victim, random: Random, data: bytes) -> None:
    address = ("127.0.0.1", victim.port)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, timeout=10) as sock,
    ):
        how = random.randrange(4)
        step = max(1, len(data) // 5) if how == 0 else len(data) or 1
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])
        if how == 1:
            sock.shutdown(socket.SHUT_WR)
        if how == 2:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        if how == 3:
            sock.settimeout(0.01)
            sock.recv(65536)


@pytest.mark.parametrize("rounds", [8, pytest.param(500, marks=pytest.mark.slow)])
def test_no_bytes_bring_it_down(victim, demo, rounds) -> None:
    it, random = victim(transfer_timeout=2), Random(rounds)
    for data in hostile.made_to_hurt():
        attack(it, random, data)
    for _ in range(rounds):
        for data in hostile.requests(demo, random):
            attack(it, random, hostile.damage(random, data) + random.choice([b"", data]))


def test_peers_that_say_nothing_or_little(victim, connect) -> None:
    it = victim(transfer_timeout=0.5)
    silent = [connect(it) for _ in range(200)]
    half = [connect(it) for _ in range(100)]
    slow = [connect(it) for _ in range(300)]
    for sock in half:
        with contextlib.suppress(OSError):  # Where each has a thread there is no memory for all.
            sock.sendall(b"\x00\x00")
            sock.shutdown(socket.SHUT_WR)
    data = iter(
        hostile.framed(hostile.call_head() + b"\x0b\x00\x01\x00\x01\x00\x00" + bytes(1 << 16))
    )
    left = set(slow)
    while left:  # A byte for each of them, until the server has had enough.
        byte = bytes([next(data)])
        for sock in list(left):
            try:
                sock.sendall(byte)
            except OSError:
                left.discard(sock)
        time.sleep(0.01)
    for number, sock in enumerate(silent + half + slow):
        if number % 2:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        sock.close()


@only_native
@pytest.mark.parametrize("victim", ["threads"], indirect=True)
def test_ten_thousand_connections(victim, connect, demo) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_500:
        pytest.skip(f"needs 10,500 descriptors, there are {hard}: raise the limit (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    opened = []
    try:
        it = victim(max_connections=9_000)
        before = it.figures()["resident"]
        opened += [connect(it) for _ in range(10_000)]
        some = Peer(demo, it.port, sock=opened[17])
        some.send(1)
        assert some.reply()[0] == 1
        figures = it.settled(lambda now: now["descriptors"] > 9_000)
        assert 9_000 <= figures["descriptors"] < 9_100
        assert figures["resident"] - before < 9_000 * 8192
    finally:
        for sock in opened:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_sizes_that_are_only_reported_take_no_memory(victim, connect) -> None:
    it = victim()
    before = it.figures()["resident"]
    opened = []
    for _ in range(60):
        for data in (
            b"\x00\xff\xff\xf0\x80\x01\x00\x01",
            b"\x00\xff\xff\xf0\x10\x00\x00\x00",
            hostile.call_head() + b"\x0b\x00\x01\x00\xff\x00\x00",
        ):
            opened.append(connect(it))
            opened[-1].sendall(data + bytes(1000))
    assert it.figures()["resident"] - before < 64 << 20
    for sock in opened:
        sock.close()


@only_native
def test_replies_that_nobody_reads_are_cut(victim, demo) -> None:
    it = victim(write_limit=1 << 20, transfer_timeout=1)
    before = it.figures()
    flags = {"transport": TTHEADER, "flags": Flag.OUT_OF_ORDER}
    lazy = [Peer(demo, it.port) for _ in range(40)]
    asking = list(lazy)
    for each in lazy:
        each.sock.settimeout(0.01)
    for number in range(40):
        for each in list(asking):
            try:
                each.send(-200_000, number, **(flags if number % 2 else {}))
            except OSError:
                asking.remove(each)
    assert it.figures()["resident"] - before["resident"] < 40 * (4 << 20)
    after = it.settled(lambda now: now["sockets"] <= before["sockets"], 60)
    assert after["sockets"] <= before["sockets"], "reading would keep some alive"
    for each in lazy:
        each.sock.settimeout(10)
        with pytest.raises((ConnectionResetError, EOFError)):
            while True:
                each.frame()
        each.close()


def test_thousands_of_requests_in_one_go(victim, demo) -> None:
    it = victim()
    peers = [Peer(demo, it.port) for _ in range(4)]
    transports = (FRAMED, TTHEADER, BUFFERED, THEADER)
    for each, transport in zip(peers, transports, strict=True):
        each.sock.settimeout(30)
        data = b"".join(each.request(1000 + n, n, transport=transport) for n in range(2000))
        sending = threading.Thread(target=each.sock.sendall, args=(data,))
        sending.start()
        assert [each.reply()[0] for _ in range(2000)] == list(range(1000, 3000))
        sending.join()
        each.close()


def test_connections_come_and_go_while_it_drains(victim, demo) -> None:
    it = victim()
    begun, over = threading.Semaphore(0), threading.Event()

    def churn(seed: int) -> None:
        random = Random(seed)
        requests = list(hostile.requests(demo, random))
        while not over.is_set():
            with contextlib.suppress(OSError):
                attack(it, random, random.choice(requests))
            begun.release()

    tormentors = [threading.Thread(target=churn, args=(seed,)) for seed in range(6)]
    for each in tormentors:
        each.start()
    for _ in range(200):
        begun.acquire()
    try:
        it.draining = True
        assert it.stop() == 0
    finally:
        over.set()
        for each in tormentors:
            each.join()
