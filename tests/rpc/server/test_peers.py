"""What peers do to their connections: half-close them, flood them, read them a little at a time."""

import contextlib
import re
import socket
import subprocess
import sys
import threading

import pytest
from tests.rpc.peer import item

import pie.rpc.server.server
from pie.observe import report_left_out
from pie.thrift import FRAMED, TTHEADER, ApplicationError, Flag, encode_call

APART = {"transport": TTHEADER, "flags": Flag.OUT_OF_ORDER}


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_a_peer_that_sends_no_more_gets_the_answers_that_take_longer(
    start, handler, demo, peer, kind
) -> None:
    """Also those whose requests hold up no others: their connection was let go meanwhile."""
    entered, go = threading.Event(), threading.Event()

    def get(req):
        if req.ItemId == 1:
            entered.set()
            assert go.wait(10)
        return item(demo, req.ItemId)

    async def nothing():
        pass

    handler.GetItem = get
    if kind == "coroutine":
        handler.Nothing = nothing
    one, other = peer(start(handler)), None
    one.send(1, 1, **APART)
    assert entered.wait(10)
    one.send(2, 2, **APART)
    one.sock.shutdown(socket.SHUT_WR)
    other = peer(one.sock.getpeername()[1])
    for number in range(3, 40):  # The end has been seen by then.
        other.send(number)
        assert other.reply()[0] == number
    go.set()
    assert sorted([one.reply()[0], one.reply()[0]]) == [1, 2]
    assert one.ended()


FLOOD = """
import socket, sys
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
data = bytes.fromhex(sys.stdin.readline()) * 10000
while True:
    sock.sendall(data)
"""


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_a_peer_that_never_stops_sending_does_not_starve_others(
    start, handler, demo, peer, kind
) -> None:
    flooded = threading.Semaphore(0)

    async def nothing():
        pass

    handler.Note = lambda text: flooded.release()
    if kind == "coroutine":
        handler.Nothing = nothing
    port = start(handler)
    method = demo.DemoService.methods["Note"]
    message = encode_call(method, method.args("x" * 500), 1, FRAMED)
    flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(port)], stdin=subprocess.PIPE)
    with flood:
        try:
            flood.stdin.write(message.hex().encode() + b"\n")
            flood.stdin.flush()
            for _ in range(1000):
                assert flooded.acquire(timeout=10)
            one = peer(port)
            for number in range(5):
                one.send(number)
                assert one.reply()[0] == number
        finally:
            flood.kill()


def test_a_response_that_cannot_be_asked_whether_it_says_anything(
    start, handler, demo, peer
) -> None:
    class Sulky:
        def __bool__(self) -> bool:
            raise OSError("no word from me")

    def get(req):
        made = item(demo, req.ItemId)
        if req.ItemId == 1:
            made.BaseResp = demo.base.BaseResp(StatusMessage=Sulky())
        return made

    handler.GetItem = get
    one = peer(start(handler))
    for _ in range(3):
        one.send(1)
        with pytest.raises(ApplicationError):
            one.reply()
        one.send(2)
        assert one.reply()[0] == 2


@pytest.mark.parametrize("loop", ["native", "threads"])
def test_strangers_do_not_fill_the_log(start, handler, demo, caplog, monkeypatch, loop) -> None:
    if loop == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    report_left_out()  # Of servers of other tests.
    caplog.clear()
    port = start(handler)
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
            stranger.sendall(b"\xff" * 64)
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(1) == b""
    named = [each for each in caplog.messages if each.startswith("closed the connection of 127.")]
    assert 0 < len(named) < 20
    report_left_out()
    lines = re.search(r"(\d+) lines more in .*, such as: closed the connection", caplog.text)
    assert int(lines[1]) + len(named) == 40
