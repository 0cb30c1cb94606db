"""Handlers that are coroutines, and gates of the service's own, with handlers of both kinds."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.rpc.peer import item

from pie._core import native
from pie.model import Failure, Kind, current_call
from pie.rpc import ServerOptions
from pie.thrift import (
    FRAMED,
    TTHEADER,
    ApplicationError,
    Flag,
    decode_reply,
    encode_call,
)

PSM = "toutiao.my.server"
TLS = Path(__file__).parents[1] / "tls"
only_native = pytest.mark.skipif(native is None, reason="the loop in C is not in use")


def test_coroutine_functions_are_handlers(start, handler, demo, bench, peer) -> None:
    ready = asyncio.Event()
    seen = []

    async def get(req):
        if req.ItemId == 1:
            await ready.wait()
        else:
            ready.set()
        seen.append(current_call.get().method)
        if req.ItemId == 404:
            raise demo.NoSuchItem(ItemId=404)
        return item(demo, req.ItemId)

    handler.GetItem = get
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=10)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.GetItem, demo.Demo2Request(ItemId=1))
        assert client.GetItem(demo.Demo2Request(ItemId=2)).item.ItemId == 2
        assert first.result(10).item.ItemId == 1
    with pytest.raises(demo.NoSuchItem):
        client.GetItem(demo.Demo2Request(ItemId=404))
    client.Nothing()
    assert seen == ["GetItem"] * 3


def test_coroutines_and_functions_side_by_side(start, handler, demo, bench, peer) -> None:
    together = asyncio.Barrier(50)

    async def get(req):
        await together.wait()
        if req.ItemId == 500:
            raise KeyError("secret")
        return item(demo, req.ItemId)

    noted = []
    handler.GetItem = get
    handler.Note = lambda text: noted.append((text, current_call.get().method))
    port = start(handler, options=ServerOptions(max_threads=64))
    peers = [peer(port) for _ in range(50)]
    for _ in range(3):
        for number, each in enumerate(peers):
            each.send(number)
        assert [each.reply()[0] for each in peers] == list(range(50))
    client = demo.DemoServiceClient(PSM, timeout=10)
    client.Note("hello")
    client.Nothing()
    for number, each in enumerate(peers):
        each.send(500 if number == 1 else number)
    assert [each.reply()[0] for each in [peers[0], *peers[2:]]] == [0, *range(2, 50)]
    with pytest.raises(ApplicationError, match="internal error"):
        peers[1].reply()
    assert noted == [("hello", "Note")]
    served = [row for row in bench.facts() if row["side"] == "server"]
    assert sorted({row["outcome"] for row in served}) == ["internal", "ok"]
    assert len(served) == 202


@only_native
def test_coroutines_in_flight_are_bounded(start, handler, demo, peer) -> None:
    go = asyncio.Event()

    async def get(req):
        await go.wait()
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler, options=ServerOptions(max_in_flight=3))
    peers = [peer(port) for _ in range(3)]
    for number, each in enumerate(peers[:2]):
        each.send(number)
    one = peer(port)
    how = {"transport": TTHEADER, "flags": Flag.OUT_OF_ORDER}
    one.sock.sendall(one.request(7, 7, **how) + one.request(8, 8, **how))
    with pytest.raises(ApplicationError, match="overloaded"):
        one.reply()
    peers[0].sock.close()  # Its reply will have nowhere to go.
    method = demo.DemoService.methods["Nothing"]
    peers[2].sock.sendall(encode_call(method, method.args(), 1, FRAMED))
    with pytest.raises(ApplicationError, match="overloaded"):
        decode_reply(method, peers[2].frame())
    start.servers[port]._loop._loop.call_soon_threadsafe(go.set)
    assert one.reply()[0] == 7
    assert peers[1].reply()[0] == 1


@only_native
def test_a_gate_that_blocks_holds_nobody_up(start, handler, demo, peer) -> None:
    go = threading.Event()

    class Gate:
        def enter(self, call):
            return 0.2 if call.request_bytes > 1000 else None

        def leave(self, call):
            pass

    handler.Note = lambda text: None
    port = start(handler, gates=[Gate()])
    slow, quick = peer(port), peer(port)
    note = demo.DemoService.methods["Note"]
    slow.sock.sendall(encode_call(note, note.args("x" * 2000), 1, FRAMED))
    slow.send(1)
    ended = threading.Thread(target=lambda: (slow.reply(), go.set()))
    ended.start()
    for number in range(2, 12):
        quick.send(number)
        assert quick.reply()[0] == number
    assert not go.is_set()
    ended.join(10)
    assert go.is_set()


@pytest.mark.parametrize("coroutines", [False, True])
def test_gates_of_the_services_own(start, handler, demo, bench, peer, coroutines) -> None:
    seen = []

    class Outer:
        def enter(self, call):
            seen.append(("in", call.method, call.logid != ""))

        def leave(self, call):
            seen.append(("out", call.outcome, call.failure is None))

    class Inner:
        def enter(self, call):
            if call.method == "Note":
                raise Failure(Kind.DENIED, "no notes today", rule="notes v3")

        def leave(self, call):
            pass

    async def get(req):
        return item(demo, req.ItemId)

    if coroutines:
        handler.GetItem = get
    start(handler, gates=[Outer(), Inner()])
    client = demo.DemoServiceClient(PSM, timeout=10)
    assert client.GetItem(demo.Demo2Request(ItemId=1)).item.ItemId == 1
    client.Note("hello")
    client.Nothing()
    assert seen == [
        ("in", "GetItem", True), ("out", "ok", True),
        ("in", "Note", True), ("out", "denied", False),
        ("in", "Nothing", True), ("out", "ok", True),
    ]  # fmt: skip
    assert handler.noted == []
    (denied,) = [row for row in bench.facts() if row["outcome"] == "denied"]
    assert (denied["rule"], denied["message"]) == ("notes v3", "no notes today")
