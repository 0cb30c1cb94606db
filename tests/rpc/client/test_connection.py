"""The course of an exchange without I/O: the steps that it asks for, and how they end."""

import asyncio
from typing import Any

import pytest
from tests.rpc.scripted import reply_to

from pie.model import Call, Failure
from pie.rpc.client.connection import Closed, Connection, Pending
from pie.rpc.client.link import Target, link_of
from pie.rpc.client.steps import run, run_async
from pie.rpc.wire.refusal import Stale
from pie.thrift import CRRST, FRAMED, TTHEADER, Frame, TTHeader, read_message


class Scripted(Connection):
    """A connection whose operations are taken from a list: bytes that come, or an error."""

    def __init__(
        self,
        *script: Any,
        shared: bool = False,
        proven: int | None = None,
        keeps_quiet: bool = False,
    ) -> None:
        link = link_of(multiplex=shared)
        super().__init__(Target("127.0.0.1", 1, "ttheader", link, keeps_quiet))
        self.script = list(script)
        self.proven = proven
        self.done: list[str] = []

    def send(self, pending: Pending, request: bytes) -> None:
        self.done.append("send")
        self._next()
        self.count(pending, len(request))

    def receive(self, pending: Pending) -> None:
        self.done.append("receive")
        self._next()

    def await_refusal(self, pending: Pending) -> None:
        self.done.append("await refusal")
        self.refused_from = self.proven

    def close(self) -> None:
        self.done.append("close")

    def _next(self) -> None:
        found = self.script.pop(0)
        if isinstance(found, Closed):
            self.end(found)
        elif isinstance(found, BaseException):
            raise found
        elif found:
            self.received(found)


SENT = None


@pytest.fixture
def call() -> Call:
    return Call("client", "thrift", caller="", callee="a.b.c", method="Nothing", peer="h:1")


@pytest.fixture
def nothing(demo: Any) -> Any:
    return demo.DemoService.methods["Nothing"]


@pytest.fixture
def reply(nothing: Any) -> Any:
    """The bytes of a reply to the request with this number."""

    def make(seqid: int = 1, transport: Any = FRAMED, **header: Any) -> bytes:
        headers = TTHeader(seqid, **header) if transport is TTHEADER else None
        return reply_to(nothing, Frame(transport, b"", headers, 0), seqid=seqid, **header)

    return make


def exchange(connection: Connection, call: Call, *, seqid: int = 1, oneway: bool = False) -> Any:
    return run(connection.exchange(call, b"request", seqid, oneway=oneway))


def test_a_reply_in_pieces_ends_an_exchange(call, reply) -> None:
    data = reply()
    connection = Scripted(SENT, data[:5], data[5:])
    frame = exchange(connection, call)
    assert read_message(frame.payload, frame.protocol)[0].seqid == 1
    assert connection.done == ["send", "receive", "receive"]
    assert (connection.used, connection.reusable, connection.sent) == (
        True,
        True,
        1 + len(b"request"),
    )


@pytest.mark.parametrize("keeps_quiet", [False, True])
def test_a_oneway_call_waits_for_nothing(call, keeps_quiet) -> None:
    """Its connection is used again only where the peer is known not to answer, nor to close."""
    connection = Scripted(SENT, keeps_quiet=keeps_quiet)
    assert exchange(connection, call, oneway=True) is None
    assert (connection.done, connection.reusable) == (["send"], keeps_quiet)


@pytest.mark.parametrize("extra", [b"\0", None])
def test_bytes_behind_the_reply_make_it_useless(call, reply, extra) -> None:
    connection = Scripted(SENT, reply() + (reply(2) if extra is None else extra))
    exchange(connection, call)
    assert not connection.reusable


def test_a_peer_that_asks_for_another_connection_gets_no_further_call(call, reply) -> None:
    connection = Scripted(SENT, reply(transport=TTHEADER, strings={CRRST: "1"}))
    exchange(connection, call)
    assert not connection.reusable


@pytest.mark.parametrize(
    ("script", "message", "never_sent"),
    [
        ([TimeoutError()], "sending the request when its deadline passed", True),
        ([SENT, TimeoutError()], "waiting for the reply when its deadline passed", False),
        (
            [BrokenPipeError("gone")],
            "closed the connection before the request was sent: gone",
            True,
        ),
        ([SENT, b"\xff" * 9], "no reply from a.b.c at h:1: bytes ff ff", False),
        ([SENT, Closed()], "closed before the reply was complete; whether it did the work", False),
    ],
)
def test_what_a_call_learns(call, script, message, never_sent) -> None:
    connection = Scripted(*script)
    with pytest.raises(Failure, match=message) as caught:
        exchange(connection, call)
    assert caught.value.never_sent is never_sent
    assert not connection.reusable
    assert not connection.waiting


@pytest.mark.parametrize(("proven", "stale"), [(None, False), (1, True), (2, False)])
def test_a_refusal_proves_that_a_request_was_not_read(call, reply, proven, stale) -> None:
    """Of the first request, bytes from the first on must be refused."""
    connection = Scripted(SENT, Closed(), proven=proven)
    with pytest.raises(Failure) as caught:
        exchange(connection, call)
    assert caught.value.never_sent is stale
    assert connection.done[-1] == "await refusal"


def test_a_connection_that_was_of_use_is_replaced(call, reply) -> None:
    connection = Scripted(SENT, reply(), SENT, Closed(), proven=1 + len(b"request"))
    exchange(connection, call)
    with pytest.raises(Stale):
        exchange(connection, call)
    half = Scripted(SENT, reply(), SENT, reply()[:3], Closed(), proven=1)
    exchange(half, call)
    with pytest.raises(Failure, match="whether it did the work is not known"):
        exchange(half, call)
    assert "await refusal" not in half.done


def test_replies_find_their_requests_on_a_shared_connection(call, reply) -> None:
    connection = Scripted(SENT, SENT, shared=True)
    first = connection.exchange(call, b"request", 1, oneway=False)
    second = connection.exchange(call, b"request", 2, oneway=False)
    for each in (first, second):
        operation, *arguments = next(each)
        operation(*arguments)
        assert each.send(None)[0] == connection.receive
    connection.received(reply(2, TTHEADER) + reply(3, TTHEADER) + reply(1, TTHEADER))
    for each, seqid in ((first, 1), (second, 2)):
        with pytest.raises(StopIteration) as end:
            each.send(None)
        assert end.value.value.header.seqid == seqid
    assert connection.is_usable(0)


def test_a_shared_connection_ends_with_its_last_call(call, reply) -> None:
    connection = Scripted(SENT, reply(1, TTHEADER, strings={CRRST: "1"}), shared=True)
    exchange(connection, call)
    assert connection.done[-1] == "close"
    assert not connection.is_usable(0)
    with pytest.raises(Stale):
        connection.end(Closed())
        exchange(connection, call)


def test_a_connection_that_ends_before_its_first_call_is_not_replaced_for_ever(call) -> None:
    connection = Scripted(shared=True)
    connection.end(Closed())
    with pytest.raises(Failure) as caught:
        exchange(connection, call)
    assert caught.value.never_sent
    assert connection.done == []


def test_threads_and_coroutines_do_the_same_steps() -> None:
    def steps(operation: Any) -> Any:
        seen = [(yield operation, 1)]
        try:
            yield operation, 0
        except ZeroDivisionError:
            seen.append("thrown")
        seen.append((yield operation, 2))
        return seen

    async def divide(number: int) -> float:
        return 10 / number

    assert run(steps(lambda number: 10 / number)) == [10, "thrown", 5]
    assert asyncio.run(run_async(steps(divide))) == [10, "thrown", 5]


def test_an_interrupted_exchange_is_left(call) -> None:
    connection = Scripted(SENT, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        exchange(connection, call)
    assert not connection.waiting
    assert not connection.reusable


def test_a_cancelled_exchange_is_left(call) -> None:
    class Waiting(Scripted):
        async def send(self, pending: Pending, request: bytes) -> None:
            pass

        async def receive(self, pending: Pending) -> None:
            await asyncio.Event().wait()

    async def cancelled() -> Waiting:
        connection = Waiting()
        task = asyncio.create_task(run_async(connection.exchange(call, b"", 1, oneway=False)))
        while not connection.waiting:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return connection

    assert not asyncio.run(cancelled()).waiting
