"""What connections hold has one bound: half-sent requests, and replies that nobody reads."""

import contextlib
import re
import socket

import pytest
from tests.rpc.peer import item
from tests.serve.conftest import until

import pie.rpc.server.server
from pie._core import native
from pie.rpc import ServerOptions
from pie.thrift import FRAMED, encode_call

FRAME = 1 << 20
LIMIT = 4 << 20
PEERS = 14


@pytest.fixture(params=["native", "threads"])
def loop(request, monkeypatch) -> str:
    if request.param == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    elif native is None:
        pytest.skip("the loop in C is not in use")
    return request.param


@pytest.fixture
def connected():
    with contextlib.ExitStack() as opened:

        def connect(port: int) -> socket.socket:
            sock = opened.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(20)
            sock.connect(("127.0.0.1", port))
            return sock

        yield connect


def is_closed(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        sock.settimeout(20)


def open_of(peers: list[socket.socket]) -> int:
    return len(peers) - sum(map(is_closed, peers))


def held(server) -> int:
    """Bytes that wait in all its connections."""
    loop = server._loop
    return loop.native.held if hasattr(loop, "native") else loop._connections._crowd._sum


def test_half_sent_requests(loop, start, handler, demo, connected, caplog) -> None:
    port = start(handler, options=ServerOptions(frame_limit=FRAME, buffer_limit=LIMIT))
    text = "x" * (900 << 10)
    method = demo.DemoService.methods["Note"]
    frame = encode_call(method, method.args(text), 1, FRAMED)
    half = len(frame) * 3 // 4
    peers = []
    for _ in range(PEERS):
        peer = connected(port)
        peers.append(peer)
        with contextlib.suppress(ConnectionError):
            peer.sendall(frame[:half])
        until(lambda: held(start.servers[port]) == open_of(peers) * half, "all is read")
    assert open_of(peers) == LIMIT // half
    assert not is_closed(peer)
    assert re.search(r"closed the connection of .*: it held \d+ bytes, and all", caplog.text)
    peer.sendall(frame[half:])
    assert handler.note_came.wait(20)
    assert handler.noted == [text]


@pytest.mark.parametrize("loop", ["native"], indirect=True)
def test_replies_that_nobody_reads(loop, start, handler, demo, connected, caplog) -> None:
    """A thread of a connection sends one reply after the other, and holds no other."""
    handler.GetItem = lambda req: item(demo, 1, "x" * (900 << 10))
    port = start(handler, options=ServerOptions(frame_limit=FRAME, buffer_limit=LIMIT))
    method = demo.DemoService.methods["GetItem"]
    frame = encode_call(method, method.args(demo.Demo2Request(ItemId=1)), 1, FRAMED)
    for _ in range(10):
        with contextlib.suppress(ConnectionError):
            connected(port).sendall(frame * 12)
    words = re.compile(r"closed the connection of .*: it held \d+ bytes, and all")
    until(lambda: words.search(caplog.text), "some are closed")
    server = start.servers[port]._loop.native
    until(lambda: 0 < server.held <= LIMIT, "they fit again")
