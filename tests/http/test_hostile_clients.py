"""Clients that are slow, leave early, never read, or never stop: others are served at once
meanwhile, what waits for them is bounded, and nothing is left of them."""

import contextlib
import os
import re
import resource
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from pie.web.server.server import CoreServer

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
LARGE = POST + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n"
RESET = struct.pack("ii", 1, 0)


def fine(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"fine"]


def is_fine(one) -> bool:
    return (
        one.send(GET).until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ") and one.exactly(4) == b"fine"
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def numbers() -> list[int]:
    """Open descriptors."""
    return [int(each.name) for each in Path("/proc/self/fd").iterdir()]


def descriptors() -> int:
    return len(numbers())


@pytest.fixture
def watched(serve, monkeypatch):
    """Serves, and returns the port and the loop in C as well."""
    made = []
    init = CoreServer.__init__

    def watch(self, *args, **kwargs):
        init(self, *args, **kwargs)
        made.append(self._loop.native)

    monkeypatch.setattr(CoreServer, "__init__", watch)

    def start(app, **options):
        return serve(app, **options), made[-1]

    return start


BEGUN = [
    b"G",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    POST + b"Content-Length: 10\r\n\r\nhalf",
    POST + b"Content-Length: 2000000\r\n\r\nhalf",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf",
    POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
]


@pytest.mark.parametrize(
    "count", [200, *(pytest.param(n, marks=pytest.mark.slow) for n in (2000, 9000))]
)
def test_half_sent_requests_hold_no_thread(watched, client, count) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most < 2 * count + 1000:
        pytest.skip(f"{2 * count + 1000} descriptors are needed, and {most} allowed")
    port, loop = watched(fine, max_threads=2, head_timeout=600, body_timeout=600)
    slow = [client(port).send(BEGUN[i % len(BEGUN)]) for i in range(count)]
    wait_for(lambda: loop.connections == count)
    one = client(port)
    for _ in range(20):
        assert is_fine(one)
    for each in slow:
        each.sock.close()
    wait_for(lambda: loop.connections == 1)
    wait_for(lambda: loop.held == 0)


def test_a_head_byte_by_byte_is_cut_in_time(serve, client) -> None:
    one = client(serve(fine, head_timeout=0.5)).send(GET[:-2])
    with contextlib.suppress(OSError):
        while True:
            one.send(b"a")
            time.sleep(0.05)
    assert is_fine(client(serve(fine)))


def test_a_body_byte_by_byte_is_cut_in_time(serve, client) -> None:
    one = client(serve(fine, body_timeout=0.3)).send(POST + b"Content-Length: 1000\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            one.send(b"a")
            time.sleep(0.05)  # 20 bytes a second: 500 are wanted.


def test_replies_that_are_never_read_are_bounded(watched, client) -> None:
    limit = 8 << 20

    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"fine" if environ["PATH_INFO"] == "/" else b"x" * 900_000]

    port, loop = watched(app, buffer_limit=limit, write_timeout=60, max_threads=3)
    many = [client(port).send(GET.replace(b"/", b"/big", 1) * 20) for _ in range(60)]
    one = client(port)
    for _ in range(20):
        assert is_fine(one)
        assert loop.held < limit + (8 << 20)
    for each in many:
        each.sock.close()
    wait_for(lambda: loop.connections == 1)
    wait_for(lambda: loop.held == 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_reply_that_is_not_read_is_cut_in_time(watched, client, streamed, caplog) -> None:
    size = 900_000 if not streamed else 200 << 20

    begun = threading.Event()

    def app(environ, start_response):
        begun.set()
        start_response("200 OK", [("Content-Length", str(size))])
        return (b"x" * 90_000 for _ in range(size // 90_000)) if streamed else [b"x" * size]

    port, loop = watched(app, write_timeout=0.3)
    one = client(port)
    one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.send(GET * (1 if streamed else 20))
    assert begun.wait(60)
    wait_for(lambda: loop.connections == 0)
    wait_for(lambda: loop.held == 0)


def test_requests_without_end_whose_replies_are_never_read(watched, client) -> None:
    port, loop = watched(fine, write_timeout=60)
    flood = client(port)
    flood.sock.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += flood.sock.send(GET * 10_000)
    one = client(port)
    for _ in range(20):
        assert is_fine(one)
    assert loop.held < 4 << 20
    flood.sock.settimeout(30)
    got = b""
    while got.count(b"\r\n\r\nfine") < sent // len(GET):  # All are answered, once they are read.
        got = got[-20_000_000:] + flood.sock.recv(1 << 20)
        if len(got) > 10_000_000:
            break


def test_ten_thousand_pipelined_requests(serve, client) -> None:
    one = client(serve(fine))
    sender = threading.Thread(target=one.sock.sendall, args=[GET * 10_000])
    sender.start()
    size = len(one.until(b"fine"))
    assert one.exactly(size * 9_999).count(b"\r\n\r\nfine") == 9_999
    sender.join()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST + b"Content-Length: 50000000\r\n\r\n", b"413"),
        (POST + b"Content-Length: 5\r\nContent-Length: 50000000\r\n\r\n", b"400"),
    ],
)
def test_who_still_sends_gets_the_refusal(serve, client, head, status) -> None:
    one = client(serve(fine, body_limit=1000))

    def send():
        with contextlib.suppress(OSError):
            one.send(head)
            for _ in range(50):
                one.send(b"x" * 1_000_000)

    sender = threading.Thread(target=send)
    sender.start()
    assert one.to_end().startswith(b"HTTP/1.1 " + status)
    sender.join()


def test_who_never_stops_sending_is_cut(watched, client) -> None:
    port, loop = watched(fine)
    one = client(port).send(b"BAD\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            one.send(b"x" * 1_000_000)
    wait_for(lambda: loop.connections == 0)
    assert is_fine(client(port))


def test_chunks_of_one_byte(serve, client) -> None:
    def app(environ, start_response):
        start_response("200 OK", [])
        return [str(len(environ["wsgi.input"].read())).encode()]

    one = client(serve(app, memory_limit=1000))
    one.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
    assert one.until(b"50000")


@pytest.mark.parametrize("when", ["head", "body", "reply", "stream"])
def test_resets(watched, client, when) -> None:
    def app(environ, start_response):
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/":
            return [b"fine"]
        return (b"x" * 90_000 for _ in range(200))

    port, loop = watched(app)
    before = descriptors()
    for data in BEGUN[:2] if when == "head" else BEGUN[2:] if when == "body" else BEGUN[:1]:
        for _ in range(20):
            one = client(port)
            if when == "stream":
                one.send(GET.replace(b"/", b"/stream", 1)).until(b"\r\n\r\n")
            elif when == "reply":
                one.send(GET * 100)
            else:
                one.send(data)
            one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.sock.close()
    wait_for(lambda: loop.connections == 0)
    wait_for(lambda: loop.held == 0)
    assert is_fine(client(port))
    wait_for(lambda: descriptors() <= before + 2)


def test_a_client_that_says_it_waits_and_does_not(serve, client) -> None:
    expect = POST + b"Expect: 100-continue\r\n"
    one = client(serve(fine))
    one.send(expect + b"Content-Length: 4\r\n\r\nbody" + GET)
    one.until(b"fine")
    one.until(b"fine")
    one.send(expect + b"Content-Length: 0\r\n\r\n")
    assert b"100 Continue" not in one.until(b"fine")
    one.send(
        expect.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\nContent-Length: 4\r\n\r\n"
    )
    one.send(b"body")
    assert b"100 Continue" not in one.until(b"fine")
    one.send(expect + b"Transfer-Encoding: chunked\r\n\r\n").until(b"100 Continue\r\n\r\n")
    one.send(b"1\r\nx\r\n0\r\n\r\n").until(b"fine")
    one.send(expect + b"Expect: 100-continue, more\r\nContent-Length: 4\r\n\r\n")
    assert one.to_end().startswith(b"HTTP/1.1 417 ")


def test_a_body_for_which_there_is_no_room(watched, client, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    port, loop = watched(fine, memory_limit=1000)
    before = descriptors()
    for _ in range(10):
        one = client(port).send(LARGE)
        assert one.to_end().startswith(b"HTTP/1.1 503 ")
        one.sock.close()
    wait_for(lambda: loop.connections == 0)
    wait_for(lambda: loop.held == 0)
    assert descriptors() <= before + 1
    assert is_fine(client(port))


def test_a_disk_that_becomes_full(watched, client, tmp_path, monkeypatch) -> None:
    """A file may not grow beyond some bytes: as good as a disk without room."""
    import signal

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    port, loop = watched(fine, memory_limit=1000)
    before, limit = descriptors(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        for _ in range(5):
            one = client(port).send(POST + b"Content-Length: 5000000\r\n\r\n")
            with contextlib.suppress(OSError):
                one.send(b"x" * 5_000_000)
            assert one.to_end().startswith(b"HTTP/1.1 503 ")
            one.sock.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    wait_for(lambda: loop.connections == 0)
    wait_for(lambda: loop.held == 0)
    assert descriptors() <= before + 1
    assert not list(tmp_path.iterdir())


def test_no_more_descriptors(watched, client, caplog) -> None:
    port, loop = watched(fine, memory_limit=1000)
    first = client(port)
    assert is_fine(first)
    waiting = [socket.socket() for _ in range(20)]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(numbers()), most[1]))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for each in waiting:
            each.connect(("127.0.0.1", port))
            each.sendall(GET)
        assert is_fine(first)
        assert first.send(LARGE).to_end().startswith(b"HTTP/1.1 503 ")
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    for each in waiting:
        each.settimeout(60)
        assert each.recv(1000).startswith(b"HTTP/1.1 200 ")
        each.close()
    wait_for(lambda: loop.connections == 0)


def rss() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


@pytest.mark.parametrize(
    "rounds", [20, *(pytest.param(n, marks=pytest.mark.slow) for n in (2000, 20_000))]
)
def test_requests_of_every_kind_leave_nothing(watched, client, rounds, caplog) -> None:
    """50 requests a round."""
    import gc
    import sys

    def app(environ, start_response):
        environ["wsgi.input"].read(1000)
        way = environ["PATH_INFO"]
        if way == "/raise":
            raise ValueError(way)
        start_response("200 OK", [("X", "y")])
        return iter([b"fi", b"ne"]) if way == "/parts" else [b"fine"]

    port, loop = watched(app, memory_limit=2000)
    caplog.set_level("CRITICAL", "pie")
    gets = [b"GET /%s HTTP/1.1\r\n%s\r\n" % (way, HOST) for way in (b"", b"raise", b"parts")]
    posts = [
        POST + b"Content-Length: 3000\r\n\r\n" + b"x" * 3000,
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10 + b"0\r\n\r\n",
        LARGE,
    ]
    last = b"HEAD / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"

    def act():
        client_of = socket.create_connection(("127.0.0.1", port), timeout=60)
        client_of.sendall(b"".join(gets + posts) * 8 + b"HEAD" + GET[3:] + last)
        got = b""
        while more := client_of.recv(1 << 16):
            got += more
        assert got.count(b"HTTP/1.1 ") == 50
        client_of.close()
        for bad in (b"BAD\r\n\r\n", *BEGUN):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as cut:
                cut.sendall(bad)

    for _ in range(max(5, rounds // 10)):
        act()
    wait_for(lambda: loop.connections == 0)
    gc.collect()
    before = sys.getallocatedblocks(), descriptors(), loop.threads, rss()
    for _ in range(rounds):
        act()
    wait_for(lambda: loop.connections == 0)
    gc.collect()
    after = sys.getallocatedblocks(), descriptors(), loop.threads, rss()
    wait_for(lambda: loop.held == 0)
    assert after[0] - before[0] < 2000 + rounds // 10
    assert after[1] <= before[1]
    assert after[2] <= max(before[2], 8)
    assert after[3] - before[3] < 20_000


def test_drains_while_all_of_that_happens(watched, client) -> None:
    """The fixture stops the server while these wait; it must end by itself."""

    def app(environ, start_response):
        start_response("200 OK", [])
        return iter(lambda: b"x" * 100_000, None)

    port, loop = watched(app)
    for data in [*BEGUN, GET, GET * 100, b"BAD\r\n\r\n"]:
        client(port).send(data)
    wait_for(lambda: loop.connections >= len(BEGUN) + 2)
