"""What a client makes of peers that close, stall, lie or go away: by threads and by coroutines."""

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.rpc.scripted import Line, Peer, reply_to

from pie.model import Failure, Kind
from pie.rpc import PoolLimits
from pie.rpc.client import connection
from pie.thrift import CRRST


@pytest.fixture(params=["threads", "coroutines"])
def caller(request, bench, demo):
    """Makes a function that calls ``Nothing`` of a peer: the same client for each call."""
    loops: list[asyncio.Runner] = []

    def make(port: int, transport: str = "ttheader", **arguments):
        arguments = {"address": f"127.0.0.1:{port}/{transport}", "timeout": 5, **arguments}
        if request.param == "threads":
            return demo.DemoServiceClient(**arguments).Nothing
        client = demo.AsyncDemoServiceClient(**arguments)
        runner = asyncio.Runner()
        loops.append(runner)
        return lambda: runner.run(client.Nothing())

    yield make
    for each in loops:
        each.close()


@pytest.fixture
def nothing(demo):
    return demo.DemoService.methods["Nothing"]


@pytest.fixture
def unchecked(monkeypatch):
    """Clients do not look whether a pooled connection is still open, as if the peer closed it
    right after they did."""
    monkeypatch.setattr(connection, "LOOK_AFTER_SECONDS", 3600)


def serve_all(method):
    """A script that answers every request."""

    def script(line: Line) -> None:
        while True:
            line.serve(method)

    return script


def failing(call) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value


def test_an_idle_connection_that_was_closed_is_replaced(caller, nothing) -> None:
    closed = threading.Event()

    def once(line: Line) -> None:
        line.serve(nothing)
        line.sock.close()
        closed.set()

    with Peer(once) as peer:
        call = caller(peer.port)
        for _ in range(5):
            closed.clear()
            assert call() is None
            assert closed.wait(5)
        assert peer.accepted == 5


def test_one_that_closes_between_the_look_and_the_request_is_replaced(
    caller, nothing, unchecked, bench
) -> None:
    """Its FIN came first, its RST behind the request: no process can have read it."""
    closed = threading.Event()

    def once(line: Line) -> None:
        line.serve(nothing)
        line.sock.close()
        closed.set()

    with Peer(once) as peer:
        call = caller(peer.port)
        call()
        assert closed.wait(5)
        call()
        assert peer.accepted == 2
    rows = bench.facts()
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("ok", 1)] * 2


@pytest.mark.parametrize("asynchronous", [False, True])
def test_one_that_only_oneway_calls_have_used_is_replaced(
    bench, demo, nothing, unchecked, asynchronous
) -> None:
    closed = threading.Event()

    def once(line: Line) -> None:
        line.request()
        line.sock.close()
        closed.set()

    with Peer(once, serve_all(nothing)) as peer, asyncio.Runner() as runner:
        arguments = {"address": f"127.0.0.1:{peer.port}/framed", "timeout": 5}
        if asynchronous:
            client = demo.AsyncDemoServiceClient(**arguments)
            runner.run(client.Note("x"))
            assert closed.wait(5)
            assert runner.run(client.Nothing()) is None
        else:
            client = demo.DemoServiceClient(**arguments)
            client.Note("x")
            assert closed.wait(5)
            assert client.Nothing() is None
        assert peer.accepted == 2
    assert [row["attempts"] for row in bench.facts()] == [1, 1]


def test_one_that_was_reset_is_replaced(caller, nothing, unchecked) -> None:
    """The kernel does not even take the request."""
    closed = threading.Event()

    def once(line: Line) -> None:
        line.serve(nothing)
        line.reset()
        closed.set()

    with Peer(once) as peer:
        call = caller(peer.port)
        call()
        assert closed.wait(5)
        call()
        assert peer.accepted == 2


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_what_a_peer_has_read_is_not_sent_again(caller, nothing, ending) -> None:
    seen = []

    def script(line: Line) -> None:
        line.serve(nothing)
        line.request()
        seen.append(line.number)
        line.reset() if ending == "reset" else line.sock.close()

    with Peer(script) as peer:
        call = caller(peer.port)
        call()
        failure = failing(call)
        assert (peer.accepted, seen) == (1, [0])
    assert "whether it did the work is not known" in failure.message
    assert (failure.kind, failure.never_sent) == (Kind.UNAVAILABLE, False)


def test_a_peer_that_closed_its_own_direction_only_may_have_read(
    bench, demo, nothing, unchecked
) -> None:
    seen, half_closed = [], threading.Event()

    def script(line: Line) -> None:
        line.serve(nothing)
        line.sock.shutdown(socket.SHUT_WR)
        half_closed.set()
        line.request()
        seen.append(line.number)

    with Peer(script) as peer:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{peer.port}/framed", timeout=5)
        client.Nothing()
        assert half_closed.wait(5)
        failure = failing(client.Nothing)
        assert peer.accepted == 1
    assert seen == [0]
    assert (failure.kind, failure.never_sent) == (Kind.UNAVAILABLE, False)


def test_a_peer_that_closes_every_new_connection_fails_the_call(caller, nothing) -> None:
    with Peer(lambda line: line.sock.close()) as peer:
        failure = failing(caller(peer.port))
    assert failure.kind == Kind.UNAVAILABLE


@pytest.mark.parametrize("transport", ["ttheader", "framed", "buffered", "framed+compact"])
def test_half_a_reply_is_no_reply(caller, nothing, transport) -> None:
    def half(line: Line) -> None:
        data = reply_to(nothing, line.request())
        line.sock.sendall(data[: len(data) // 2])
        line.sock.close()

    with Peer(half) as peer:
        failure = failing(caller(peer.port, transport))
        assert not failure.never_sent
        assert peer.accepted == 1
    assert "no reply" in failure.message


def test_a_reply_byte_by_byte(caller, nothing) -> None:
    def slowly(line: Line) -> None:
        while True:
            for byte in reply_to(nothing, line.request()):
                line.sock.sendall(bytes((byte,)))

    with Peer(slowly) as peer:
        call = caller(peer.port)
        assert [call(), call()] == [None, None]
        assert peer.accepted == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 64,
        b"\xff" * 64,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x7f\xff\xff\xff\x80\x01",
    ],
    ids=["zeros", "ones", "http", "huge"],
)
def test_garbage_fails_one_call(caller, nothing, garbage) -> None:
    def lie(line: Line) -> None:
        line.request()
        line.sock.sendall(garbage)
        line.wait_for_close()

    with Peer(lie, lambda line: line.serve(nothing)) as peer:
        call = caller(peer.port)
        failure = failing(call)
        assert (failure.kind, failure.never_sent) == (Kind.UNAVAILABLE, False)
        assert call() is None


def test_an_answer_to_another_call_spoils_no_further_one(caller, nothing) -> None:
    def out_of_step(line: Line) -> None:
        line.reply(nothing, line.request(), seqid=77)
        line.wait_for_close()

    with Peer(out_of_step, lambda line: line.serve(nothing)) as peer:
        call = caller(peer.port)
        failing(call)
        assert call() is None


def test_crrst_is_obeyed(caller, nothing) -> None:
    def closing(line: Line) -> None:
        line.reply(nothing, line.request(), strings={CRRST: "1"})
        line.wait_for_close()

    with Peer(closing) as peer:
        call = caller(peer.port)
        for _ in range(3):
            call()
        assert peer.accepted == 3


def test_something_unasked_makes_a_connection_unusable(caller, nothing) -> None:
    sent = threading.Event()

    def chatty(line: Line) -> None:
        frame = line.request()
        line.reply(nothing, frame)
        line.reply(nothing, frame)
        sent.set()
        line.wait_for_close()

    with Peer(chatty) as peer:
        call = caller(peer.port)
        for _ in range(3):
            call()
            assert sent.wait(5)
            sent.clear()
        assert peer.accepted == 3


# --- Deadlines: each of the four things that take time. ---


def test_the_deadline_ends_connecting(caller) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    filler = socket.create_connection(listener.getsockname())  # The backlog is full with it.
    with listener, filler:
        call = caller(listener.getsockname()[1], timeout=0.2)
        began = time.monotonic()
        failure = failing(call)
        assert time.monotonic() - began < 3
    assert failure.never_sent
    assert failure.kind in (Kind.UNAVAILABLE, Kind.DEADLINE)
    assert "no answer in time" in failure.message or "connecting to" in failure.message


def test_the_deadline_ends_writing(bench, demo) -> None:
    """The peer reads nothing, and the request is larger than all buffers.

    The time is enough to begin writing on a machine that is busy.
    """
    stop = threading.Event()
    client = None
    with Peer(lambda line: stop.wait(10)) as peer:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{peer.port}/framed", timeout=2)
        with pytest.raises(Failure, match="sending the request") as caught:
            client.Note("x" * (15 << 20))

        async def ask() -> None:
            again = demo.AsyncDemoServiceClient(address=f"127.0.0.1:{peer.port}/framed", timeout=2)
            await again.Note("x" * (15 << 20))

        with pytest.raises(Failure, match="sending the request") as caught_async:
            asyncio.run(ask())
        stop.set()
    for each in (caught, caught_async):
        assert (each.value.kind, each.value.never_sent) == (Kind.DEADLINE, True)


def test_the_deadline_ends_reading(caller, nothing) -> None:
    stop = threading.Event()

    def stalls(line: Line) -> None:
        with contextlib.suppress(ConnectionError):  # The client gave up before it asked.
            line.sock.sendall(reply_to(nothing, line.request())[:-1])
        stop.wait(30)

    with Peer(stalls) as peer:
        for timeout in (0.2, 1, 5):  # On a busy machine it may pass before the request is sent.
            failure = failing(caller(peer.port, timeout=timeout))
            if not failure.never_sent:
                break
        stop.set()
    assert (failure.kind, failure.never_sent) == (Kind.DEADLINE, False)
    assert "waiting for the reply" in failure.message


def test_the_deadline_ends_waiting_for_a_connection(bench, demo, nothing) -> None:
    release = threading.Event()

    def slow(line: Line) -> None:
        while True:
            frame = line.request()
            release.wait(10)
            line.reply(nothing, frame)

    with Peer(slow) as peer, ThreadPoolExecutor(1) as pool:
        made = {
            "address": f"127.0.0.1:{peer.port}/framed",
            "pool": PoolLimits(max_connections=1),
        }
        first = pool.submit(demo.DemoServiceClient(**made, timeout=10).Nothing)
        while not peer.accepted:
            time.sleep(0.001)
        failure = failing(demo.DemoServiceClient(**made, timeout=0.1).Nothing)
        release.set()
        assert first.result(10) is None
        assert peer.accepted == 1
    assert "waiting for one of the 1 connections" in failure.message
    assert (failure.kind, failure.never_sent) == (Kind.DEADLINE, True)


@pytest.mark.parametrize("asynchronous", [False, True])
@settings(
    max_examples=examples(30),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=200), cut=st.integers(0, 80))
def test_no_reply_breaks_a_client(bench, demo, asynchronous: bool, data: bytes, cut: int) -> None:
    """Whatever comes back: a Failure or a value, and a later call works."""
    nothing = demo.DemoService.methods["Nothing"]

    def lie(line: Line) -> None:
        line.sock.sendall(reply_to(nothing, line.request())[:cut] + data)
        line.sock.close()

    with Peer(lie, serve_all(nothing)) as peer:
        address = f"127.0.0.1:{peer.port}/ttheader"
        if asynchronous:
            client = demo.AsyncDemoServiceClient(address=address, timeout=5)

            async def thrice() -> None:
                for _ in range(2):
                    with contextlib.suppress(Failure):
                        await client.Nothing()
                await client.Nothing()

            asyncio.run(thrice())
        else:
            client = demo.DemoServiceClient(address=address, timeout=5)
            for _ in range(2):
                with contextlib.suppress(Failure):
                    client.Nothing()
            client.Nothing()
