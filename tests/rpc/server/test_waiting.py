"""A request that waits for a thread for longer than its caller does is not served any more."""

import asyncio
import socket
import threading
import time
from typing import Any

import pytest
from tests.rpc.peer import item

import pie.rpc.server.server
from pie.rpc import ServerOptions
from pie.thrift import (
    TTHEADER,
    Flag,
    Frame,
    FrameSplitter,
    IntKey,
    MessageType,
    TTHeader,
    encode_call,
    read_message,
)

HOLDS, LATE, PATIENT = 1, 2, 3


class Blocking:
    """Its thread, of which there is one, is held until it is let go."""

    def __init__(self, demo: Any) -> None:
        self._demo = demo
        self.held, self.go = threading.Event(), threading.Event()
        self.served: list[int] = []

    def GetItem(self, req: Any) -> Any:
        self.served.append(req.ItemId)
        if req.ItemId == HOLDS:
            self.held.set()
            assert self.go.wait(20)
        return item(self._demo, req.ItemId)

    def Note(self, text: str) -> None:
        self.served.append(-1)

    def Nothing(self) -> None:
        pass


class BlockingLoop(Blocking):
    """Holds the asyncio loop; its plain functions wait for the one thread beside it."""

    async def Nothing(self) -> None:
        pass


class Coroutines(Blocking):
    async def GetItem(self, req: Any) -> Any:
        return Blocking.GetItem(self, req)  # It blocks the loop.


@pytest.fixture(params=["leader", "executor", "asyncio", "threads", "threads of coroutines"])
def served(request, demo, start, monkeypatch):
    """The kind of server, its handler, and its port."""
    kind = request.param
    if kind.startswith("threads"):
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    kinds = {"leader": Blocking, "threads": Blocking, "executor": BlockingLoop}
    handler = kinds.get(kind, Coroutines)(demo)
    port = start(handler, options=ServerOptions(max_threads=1, overload_timeout=30))
    yield kind, handler, port
    handler.go.set()


class Line:
    def __init__(self, demo: Any, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._method = demo.DemoService.methods["GetItem"]
        self._demo = demo
        self._splitter = FrameSplitter()

    def send(self, number: int, ms: int = 0, *, flags: int = 0) -> None:
        ints = {IntKey.RPC_TIMEOUT: str(ms)} if ms else {}
        args = self._method.args(self._demo.Demo2Request(ItemId=number))
        header = TTHeader(flags=flags, ints=ints)
        self.sock.sendall(encode_call(self._method, args, number, TTHEADER, header))

    def frame(self) -> Frame:
        while (frame := self._splitter.take()) is None:
            data = self.sock.recv(65536)
            assert data, "closed"
            self._splitter.feed(data)
        return frame

    def reply(self) -> tuple[int, MessageType, str]:
        frame = self.frame()
        head, _ = read_message(frame.payload)
        return head.seqid, head.type, frame.header.strings.get("pie-kind", "")


@pytest.fixture
def lines(served, demo):
    """Connections to it; each has had an answer."""
    made = [Line(demo, served[2]) for _ in range(3)]
    for each in made:
        each.send(7)
        assert each.reply()[1] is MessageType.REPLY
    yield made
    for each in made:
        each.sock.close()


def test_a_request_is_late_by_the_time_that_it_waited(served, lines) -> None:
    kind, handler, _ = served
    holding, late, patient = lines
    same = kind == "threads"  # Each connection has a thread: only its own requests wait for it.
    if same:
        late = patient = holding
    holding.send(HOLDS)
    assert handler.held.wait(20)
    late.send(LATE, ms=60)
    time.sleep(0.15)
    patient.send(PATIENT, ms=60_000)
    time.sleep(0.05)
    handler.go.set()
    assert holding.reply()[:2] == (HOLDS, MessageType.REPLY)
    if not same:
        assert late.reply() == (LATE, MessageType.EXCEPTION, "deadline")
        assert LATE not in handler.served
    else:  # TCP knows when the last bytes came, which are another request's.
        late.reply()
    assert patient.reply()[:2] == (PATIENT, MessageType.REPLY)


def test_a_request_that_is_alone_on_its_connection(served, lines) -> None:
    _, handler, _ = served
    line = lines[0]
    line.send(HOLDS)
    assert handler.held.wait(20)
    line.send(LATE, ms=60)
    time.sleep(0.15)
    handler.go.set()
    assert line.reply()[:2] == (HOLDS, MessageType.REPLY)
    assert line.reply() == (LATE, MessageType.EXCEPTION, "deadline")
    assert LATE not in handler.served
    line.send(PATIENT, ms=60_000)
    assert line.reply()[:2] == (PATIENT, MessageType.REPLY)


@pytest.mark.parametrize("served", ["leader"], indirect=True)
def test_each_of_many_requests_on_one_connection_has_its_own_time(served, lines) -> None:
    """They come one by one while no thread is free to read them; elsewhere they wait together."""
    _, handler, _ = served
    holding, shared, _ = lines
    holding.send(HOLDS)
    assert handler.held.wait(20)
    for number in range(10, 15):
        shared.send(number, ms=100, flags=Flag.OUT_OF_ORDER)
        time.sleep(0.01)
    time.sleep(0.15)
    for number in range(20, 25):
        shared.send(number, ms=10_000, flags=Flag.OUT_OF_ORDER)
        time.sleep(0.01)
    handler.go.set()
    replies = sorted(shared.reply() for _ in range(10))
    assert [kind for _, _, kind in replies] == ["deadline"] * 5 + [""] * 5
    assert [number for number in handler.served if number in range(10, 25)] == list(range(20, 25))


@pytest.mark.parametrize("served", ["leader", "executor", "asyncio"], indirect=True)
def test_the_first_request_of_a_connection(served, lines, demo) -> None:
    """Where a connection has a thread of its own it waits for none."""
    _, handler, port = served
    lines[0].send(HOLDS)
    assert handler.held.wait(20)
    fresh = Line(demo, port)
    fresh.send(LATE, ms=60)
    time.sleep(0.15)
    handler.go.set()
    assert fresh.reply() == (LATE, MessageType.EXCEPTION, "deadline")
    fresh.sock.close()
    assert LATE not in handler.served


def test_a_coroutine_that_gets_its_turn_too_late(demo, start) -> None:
    """Between its task and its first step the loop was busy."""

    class Busy(Coroutines):
        async def GetItem(self, req: Any) -> Any:
            self.served.append(req.ItemId)
            if req.ItemId == HOLDS:
                time.sleep(0.15)
            await asyncio.sleep(0)
            return item(self._demo, req.ItemId)

    handler = Busy(demo)
    line = Line(demo, start(handler))
    args = demo.DemoService.methods["GetItem"].args
    data = b"".join(
        encode_call(
            demo.DemoService.methods["GetItem"],
            args(demo.Demo2Request(ItemId=number)),
            number,
            TTHEADER,
            TTHeader(flags=Flag.OUT_OF_ORDER, ints={IntKey.RPC_TIMEOUT: ms}),
        )
        for number, ms in ((HOLDS, "5000"), (LATE, "60"))
    )
    line.sock.sendall(data)
    replies = {line.reply(), line.reply()}
    assert replies == {(HOLDS, MessageType.REPLY, ""), (LATE, MessageType.EXCEPTION, "deadline")}
    assert handler.served == [HOLDS]
    line.sock.close()
