"""Many calls in flight on one connection."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.rpc.scripted import Line, Peer

from pie.model import Failure, Kind
from pie.thrift import CRRST, decode_call


@pytest.fixture(params=["threads", "coroutines"])
def fan(request, bench, demo):
    """Calls ``GetItem`` with many numbers at once; returns names and failures in their order."""

    def run(port: int, numbers: Any, **arguments: Any) -> list[str | Failure]:
        arguments = {
            "address": f"127.0.0.1:{port}/ttheader",
            "multiplex": True,
            "timeout": 10,
            **arguments,
        }
        if request.param == "threads":
            client = demo.DemoServiceClient(**arguments)

            def ask(number: int) -> str | Failure:
                try:
                    return client.GetItem(demo.Demo2Request(ItemId=number)).item.ItemName
                except Failure as failure:
                    return failure

            with ThreadPoolExecutor(32) as pool:
                return list(pool.map(ask, numbers))
        client = demo.AsyncDemoServiceClient(**arguments)

        async def ask_async(number: int) -> str | Failure:
            try:
                return (await client.GetItem(demo.Demo2Request(ItemId=number))).item.ItemName
            except Failure as failure:
                return failure

        async def ask_all() -> list[str | Failure]:
            return list(await asyncio.gather(*map(ask_async, numbers)))

        return asyncio.run(ask_all())

    return run


@pytest.fixture
def answer(demo):
    """Answers a request for an item with its number."""
    method = demo.DemoService.methods["GetItem"]

    def one(line: Line, frame: Any, **header: Any) -> None:
        number = decode_call(demo.DemoService, frame).args.req.ItemId
        item = demo.Demo2Item(ItemId=number, ItemName=str(number))
        line.reply(method, frame, demo.Demo2Response(item=item), **header)

    return one


def test_replies_find_their_calls_in_any_order(fan, answer) -> None:
    def backwards(line: Line) -> None:
        while True:
            frames = [line.request() for _ in range(8)]
            for frame in reversed(frames):
                answer(line, frame)

    with Peer(backwards) as peer:
        assert fan(peer.port, range(64)) == [str(number) for number in range(64)]
        assert peer.accepted == 1


def test_pies_own_server_is_spoken_to_over_one_connection(start, handler, demo, fan) -> None:
    handler.GetItem = lambda req: demo.Demo2Response(
        item=demo.Demo2Item(ItemId=req.ItemId, ItemName=str(req.ItemId))
    )
    port = start(handler)
    assert fan(port, range(200)) == [str(number) for number in range(200)]


def test_a_late_reply_is_dropped(bench, demo, answer) -> None:
    came, timed_out = threading.Event(), threading.Event()

    def script(line: Line) -> None:
        answer(line, line.request())
        slow = line.request()
        came.set()
        answer(line, line.request())
        assert timed_out.wait(10)
        answer(line, slow)
        answer(line, line.request())

    with Peer(script) as peer, ThreadPoolExecutor(1) as pool:
        made = {"address": f"127.0.0.1:{peer.port}/ttheader", "multiplex": True}
        patient = demo.DemoServiceClient(**made, timeout=10)
        hasty = demo.DemoServiceClient(**made, timeout=0.3)

        def ask(client: Any, number: int) -> int:
            return client.GetItem(demo.Demo2Request(ItemId=number)).item.ItemId

        assert ask(patient, 1) == 1
        late = pool.submit(ask, hasty, 2)
        assert came.wait(10)
        assert ask(patient, 3) == 3  # Something came, so that the connection counts as alive.
        with pytest.raises(Failure, match="waiting for the reply"):
            late.result(10)
        timed_out.set()
        assert ask(patient, 4) == 4
        assert peer.accepted == 1


def test_a_connection_that_is_silent_for_a_whole_call_is_left(bench, demo, answer) -> None:
    stop = threading.Event()

    def works(line: Line) -> None:
        while True:
            answer(line, line.request())

    with Peer(lambda line: stop.wait(10), works) as peer:
        client = demo.DemoServiceClient(
            address=f"127.0.0.1:{peer.port}/ttheader", multiplex=True, timeout=0.2
        )
        with pytest.raises(Failure, match="waiting for the reply"):
            client.GetItem(demo.Demo2Request(ItemId=1))
        assert client.GetItem(demo.Demo2Request(ItemId=2)).item.ItemId == 2
        stop.set()
        assert peer.accepted == 2


def test_a_timed_out_call_leaves_the_others_alone(fan, answer, bench, demo) -> None:
    """One reply never comes; those of the others go on coming on the same connection."""

    def script(line: Line) -> None:
        while True:
            frame = line.request()
            if decode_call(demo.DemoService, frame).args.req.ItemId != 13:
                answer(line, frame)

    with Peer(script) as peer:
        found = fan(peer.port, range(40), timeout=1)
        assert isinstance(found[13], Failure)
        assert found[13].kind == Kind.DEADLINE
        del found[13]
        assert found == [str(number) for number in range(40) if number != 13]
        assert peer.accepted == 1


def test_a_broken_connection_fails_all_in_flight_and_the_next_call_makes_another(
    fan, answer
) -> None:
    def breaks(line: Line) -> None:
        for _ in range(8):
            line.request()
        line.sock.close()

    def works(line: Line) -> None:
        while True:
            answer(line, line.request())

    with Peer(breaks, works) as peer:
        found = fan(peer.port, range(8))
        assert all(isinstance(each, Failure) for each in found)
        assert {each.kind for each in found} == {Kind.UNAVAILABLE}
        assert fan(peer.port, [1]) == ["1"]
        assert peer.accepted == 2


def test_crrst_moves_calls_to_another_connection(fan, answer) -> None:
    def leaving(line: Line) -> None:
        while True:
            answer(line, line.request(), strings={CRRST: "1"})

    with Peer(leaving) as peer:
        assert fan(peer.port, range(16)) == [str(number) for number in range(16)]
        assert fan(peer.port, [1]) == ["1"]
        assert peer.accepted >= 2


def test_only_ttheader_can_be_multiplexed(bench, demo) -> None:
    client = demo.DemoServiceClient(address="127.0.0.1:1/framed", multiplex=True)
    with pytest.raises(Failure, match="cannot be multiplexed"):
        client.Nothing()


def test_a_stale_shared_connection_is_replaced(bench, demo, answer) -> None:
    closed = threading.Event()

    def once(line: Line) -> None:
        answer(line, line.request())
        line.sock.close()
        closed.set()

    with Peer(once) as peer:
        client = demo.DemoServiceClient(
            address=f"127.0.0.1:{peer.port}/ttheader", multiplex=True, timeout=5
        )
        for number in range(4):
            closed.clear()
            assert client.GetItem(demo.Demo2Request(ItemId=number)).item.ItemId == number
            assert closed.wait(5)
        assert peer.accepted == 4


def test_a_cancelled_call_leaves_the_connection_to_the_others(bench, demo, answer) -> None:
    came, release = threading.Event(), threading.Event()

    def script(line: Line) -> None:
        frames = [line.request() for _ in range(2)]
        came.set()
        assert release.wait(10)
        for frame in frames:
            answer(line, frame)
        answer(line, line.request())

    async def main(port: int) -> list[int]:
        client = demo.AsyncDemoServiceClient(
            address=f"127.0.0.1:{port}/ttheader", multiplex=True, timeout=5
        )
        doomed, kept = (
            asyncio.ensure_future(client.GetItem(demo.Demo2Request(ItemId=n))) for n in (1, 2)
        )
        assert await asyncio.to_thread(came.wait, 10)
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        release.set()
        more = await client.GetItem(demo.Demo2Request(ItemId=3))
        return [(await kept).item.ItemId, more.item.ItemId]

    with Peer(script) as peer:
        assert asyncio.run(main(peer.port)) == [2, 3]
        assert peer.accepted == 1
    rows = {row["outcome"] for row in bench.facts()}
    assert rows == {"ok", "cancelled"}
