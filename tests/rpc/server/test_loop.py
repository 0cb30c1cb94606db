"""The loop of a server under every kind of handler and peer, in C and in Python alike."""

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.rpc.peer import Peer, item

from pie._core import native
from pie.model import Failure, Kind
from pie.rpc import ServerOptions, ThriftServer
from pie.thrift import (
    BUFFERED,
    FRAMED,
    THEADER,
    TTHEADER,
    Flag,
    Protocol,
    decode_reply,
)

PSM = "toutiao.my.server"
TLS = Path(__file__).parents[1] / "tls"
only_native = pytest.mark.skipif(native is None, reason="the loop in C is not in use")


def test_a_handler_that_blocks_holds_nobody_up(start, handler, demo, peer) -> None:
    go = threading.Event()

    def get(req):
        if req.ItemId == 1:
            assert go.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler)
    slow, quick = peer(port), peer(port)
    slow.send(1)
    for number in range(2, 12):
        quick.send(number)
        assert quick.reply()[0] == number
    go.set()
    assert slow.reply()[0] == 1


def test_as_many_handlers_run_at_once_as_there_are_threads(start, handler, demo, peer) -> None:
    together = threading.Barrier(8)

    def get(req):
        together.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler, options=ServerOptions(max_threads=8))
    for _ in range(3):  # As a surprise at first, then as a method known to be slow.
        peers = [peer(port) for _ in range(8)]
        for number, each in enumerate(peers):
            each.send(number)
        assert [each.reply()[0] for each in peers] == list(range(8))


def test_more_requests_than_threads_wait_their_turn(start, handler, demo, peer) -> None:
    def get(req):
        time.sleep(0.005)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler, options=ServerOptions(max_threads=2))
    peers = [peer(port) for _ in range(12)]
    for number, each in enumerate(peers):
        each.send(number)
    assert [each.reply()[0] for each in peers] == list(range(12))


@only_native
def test_what_waits_too_long_for_a_thread_is_refused(start, handler, demo, bench, peer) -> None:
    go, entered = threading.Event(), threading.Semaphore(0)

    def get(req):
        entered.release()
        assert go.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler, options=ServerOptions(max_threads=2, overload_timeout=0.05))
    busy = [peer(port), peer(port)]
    for each in busy:
        each.send(1)
        assert entered.acquire(timeout=10)
    client = demo.DemoServiceClient(PSM, timeout=10)
    with pytest.raises(Failure, match="overloaded") as caught:
        client.GetItem(demo.Demo2Request(ItemId=2))
    assert caught.value.kind == Kind.EXHAUSTED
    go.set()
    assert [each.reply()[0] for each in busy] == [1, 1]
    assert client.GetItem(demo.Demo2Request(ItemId=3)).item.ItemId == 3
    outcomes = [row["outcome"] for row in bench.facts() if row["side"] == "server"]
    assert sorted(outcomes) == ["exhausted", "ok", "ok", "ok"]


@only_native
def test_requests_that_may_be_answered_in_any_order_run_side_by_side(
    start, handler, demo, peer
) -> None:
    go = threading.Event()

    def get(req):
        if req.ItemId == 1:
            assert go.wait(10)
        elif req.ItemId > 100:
            time.sleep(0.002)  # Let it be known that this takes long.
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler)
    one = peer(port)
    how = {"transport": TTHEADER, "flags": Flag.OUT_OF_ORDER}
    for number in range(101, 111):
        one.send(number, number, **how)
        assert one.reply()[0] == number
    one.sock.sendall(one.request(1, 1, **how) + one.request(2, 2, **how))
    one.send(3, 3, **how)
    assert {one.reply()[0], one.reply()[0]} == {2, 3}
    go.set()
    assert one.reply()[0] == 1


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("transport", [FRAMED, TTHEADER, BUFFERED])
def test_pipelined_requests_come_in_any_pieces(
    start, handler, demo, peer, transport, protocol, size
) -> None:
    handler.GetItem = lambda req: item(demo, req.ItemId)
    one = peer(start(handler))
    count = 20 if size == 1 else 500
    data = b"".join(one.request(n, n, transport=transport, protocol=protocol) for n in range(count))

    def send() -> None:
        for at in range(0, len(data), size):
            one.sock.sendall(data[at : at + size])

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send)
        assert [one.reply()[0] for _ in range(count)] == list(range(count))
        sent.result(10)


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize(
    "transport",
    [FRAMED, TTHEADER, BUFFERED, THEADER],
)
def test_every_transport_and_protocol_on_one_port(
    start, handler, demo, peer, transport, protocol
) -> None:
    one = peer(start(handler))
    for number in (1, 2):
        one.send(number, number, transport=transport, protocol=protocol)
        frame = one.frame()
        assert (frame.transport, frame.protocol) == (transport, protocol)
        method = demo.DemoService.methods["GetItem"]
        assert method.unpack(decode_reply(method, frame, number)).item.ItemId == number


def test_a_peer_that_reads_slowly_holds_no_thread(start, handler, demo, peer) -> None:
    big = "x" * (8 << 20)
    handler.GetItem = lambda req: item(demo, req.ItemId, big if req.ItemId else "")
    port = start(handler, options=ServerOptions(max_threads=2))
    lazy = [peer(port) for _ in range(6)]
    for each in lazy:
        each.send(1)
        each.send(2)
    quick = peer(port)
    quick.send(0)
    assert quick.reply() == (0, "")
    for each in lazy:
        assert each.reply() == (1, big)
        assert each.reply() == (2, big)


@only_native
def test_replies_that_nobody_reads_are_bounded(start, handler, demo, peer) -> None:
    handler.GetItem = lambda req: item(demo, req.ItemId, "x" * (32 << 20))
    one = peer(start(handler, options=ServerOptions(write_limit=1 << 20)))
    one.send(1)
    with pytest.raises((EOFError, ConnectionResetError)):
        one.reply()


def test_a_frame_that_comes_byte_by_byte_is_cut_in_time(start, handler, demo, peer) -> None:
    port = start(handler, options=ServerOptions(transfer_timeout=0.3))
    one = peer(port)
    data = iter(one.request(1) * 10)
    one.sock.settimeout(0.02)
    ended = False
    while not ended:
        with contextlib.suppress(TimeoutError):
            ended = one.ended()
        if not ended:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                one.sock.sendall(bytes([next(data)]))  # It would take some ten seconds in all.


def test_an_idle_connection_ends(start, handler, demo, peer) -> None:
    one = peer(start(handler, options=ServerOptions(idle_timeout=0.1)))
    one.send(1)
    assert one.reply()[0] == 1
    assert one.ended()


def test_a_peer_that_sends_no_more_still_gets_its_answers(start, handler, demo, peer) -> None:
    one = peer(start(handler))
    one.sock.sendall(one.request(1, 1) + one.request(2, 2))
    one.sock.shutdown(socket.SHUT_WR)
    assert (one.reply()[0], one.reply()[0]) == (1, 2)
    assert one.ended()


def test_a_peer_that_leaves_while_it_is_served(start, handler, demo, peer) -> None:
    entered, go = threading.Event(), threading.Event()

    def get(req):
        entered.set()
        assert go.wait(10)
        return item(demo, req.ItemId, "x" * (1 << 20))

    handler.GetItem = get
    port = start(handler)
    gone = peer(port)
    gone.send(1)
    assert entered.wait(10)
    gone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    gone.close()
    go.set()
    one = peer(port)
    one.send(2)
    assert one.reply()[0] == 2


def test_many_connections_come_and_go(start, handler, demo, peer) -> None:
    port = start(handler)
    for _ in range(3):
        many = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(300)]
        for number, sock in enumerate(many):
            one = Peer(demo, port, sock=sock)
            if number % 3 == 0:
                one.send(number)
                assert one.reply()[0] == number
            elif number % 3 == 1:
                sock.sendall(b"\0\0")
        for sock in many:
            sock.close()
    one = peer(port)
    one.send(1)
    assert one.reply()[0] == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(0, 5))
def test_whatever_comes_the_server_serves_on(start, handler, demo, peer, pieces, cut) -> None:
    port = next(iter(start.servers), None) or start(handler)
    bad = Peer(demo, port)
    with contextlib.suppress(OSError):
        for piece in pieces:
            bad.sock.sendall(bad.request(1)[:-cut] + piece if cut else piece)
        bad.sock.shutdown(socket.SHUT_WR)
        while bad.sock.recv(65536):
            pass
    bad.close()
    good = Peer(demo, port)
    good.send(7)
    assert good.reply()[0] == 7
    good.close()


def test_a_handler_that_never_ends_does_not_keep_the_server(bench, demo, handler, peer) -> None:
    entered, go = threading.Event(), threading.Event()

    def get(req):
        entered.set()
        go.wait(30)

    handler.GetItem = get
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = ThriftServer(demo.DemoService, handler, bench.runtime, listener, drain_seconds=0.2)
    thread = threading.Thread(target=server.serve)
    thread.start()
    one = peer(port)
    one.send(1)
    assert entered.wait(10)
    server.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert one.ended()
    go.set()
