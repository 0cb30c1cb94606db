"""Clients for coroutines: their pools, their loops, and what a cancelled task leaves."""

import asyncio
import os
import threading

import pytest
from tests.rpc.scripted import Line, Peer

from pie.model import Failure, Kind, current_call
from pie.rpc import PoolLimits, over

PSM = "toutiao.my.server"


@pytest.fixture
def nothing(demo):
    return demo.DemoService.methods["Nothing"]


@pytest.fixture
def serve(nothing):
    """A script that answers every request."""

    def script(line: Line) -> None:
        while True:
            line.serve(nothing)

    return script


def test_it_has_the_methods_of_the_other_and_the_same_outcomes(start, handler, demo, bench) -> None:
    start(handler)
    client = demo.AsyncDemoServiceClient(PSM)

    async def main() -> None:
        response = await client.GetItem(demo.Demo2Request(ItemId=7))
        assert (response.item.ItemName, response.BaseResp.StatusCode) == ("123", 0)
        assert await client.Nothing() is None
        assert await client.Note("hello") is None
        with pytest.raises(demo.NoSuchItem):
            await client.GetItem(demo.Demo2Request(ItemId=404))
        with pytest.raises(Failure, match="ItemId"):
            await client.GetItem(demo.Demo2Request(ItemId="one"))

    asyncio.run(main())
    assert handler.note_came.wait(10)
    rows = [row["outcome"] for row in bench.facts() if row["side"] == "client"]
    assert rows == ["ok", "ok", "ok", "business", "invalid"]


def test_it_finds_a_dead_instance_and_takes_a_living_one(start, handler, demo, bench) -> None:
    from tests.rpc.conftest import register

    start(handler)
    register(bench, 1, psm=PSM, cluster="default", transport="ttheader")
    client = demo.AsyncDemoServiceClient(PSM, timeout=10)

    async def main() -> None:
        await asyncio.gather(*(client.Nothing() for _ in range(50)))

    asyncio.run(main())
    whole = [row for row in bench.facts() if row["side"] == "client" and not row["attempt"]]
    assert {row["outcome"] for row in whole} == {"ok"}


def test_few_connections_serve_many_coroutines_in_turn(bench, demo, serve) -> None:
    async def main(port: int) -> None:
        client = demo.AsyncDemoServiceClient(
            address=f"127.0.0.1:{port}/framed",
            timeout=30,
            pool=PoolLimits(max_connections=3, max_idle=2),
        )
        for _ in range(3):
            await asyncio.gather(*(client.Nothing() for _ in range(100)))

    with Peer(serve) as peer:
        asyncio.run(main(peer.port))
        assert 3 <= peer.accepted <= 9  # One in three is not kept when a hundred calls have ended.


def test_waiting_for_a_connection_ends_with_the_deadline_and_with_its_task(
    bench, demo, nothing
) -> None:
    came, release = threading.Event(), threading.Event()

    def slow(line: Line) -> None:
        while True:
            frame = line.request()
            came.set()
            release.wait(10)
            line.reply(nothing, frame)

    async def main(port: int) -> None:
        made = {"address": f"127.0.0.1:{port}/framed", "pool": PoolLimits(max_connections=1)}
        patient = demo.AsyncDemoServiceClient(**made, timeout=20)
        first = asyncio.create_task(patient.Nothing())
        assert await asyncio.to_thread(came.wait, 10)
        with pytest.raises(Failure, match="waiting for one of the 1 connections") as caught:
            await demo.AsyncDemoServiceClient(**made, timeout=0.1).Nothing()
        assert caught.value.never_sent
        waiting = asyncio.create_task(patient.Nothing())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        release.set()
        await first
        await patient.Nothing()

    with Peer(slow) as peer:
        asyncio.run(main(peer.port))
        assert peer.accepted == 1


def test_a_cancelled_call_leaves_its_gates_and_closes_its_connection(bench, demo, serve) -> None:
    came, closed = threading.Event(), threading.Event()

    def stall(line: Line) -> None:
        line.request()
        came.set()
        try:
            line.wait_for_close()
        finally:
            closed.set()

    async def main(port: int) -> None:
        client = demo.AsyncDemoServiceClient(address=f"127.0.0.1:{port}/ttheader", timeout=20)
        task = asyncio.create_task(client.Nothing())
        assert await asyncio.to_thread(came.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(closed.wait, 10)
        await client.Nothing()

    with Peer(stall, serve) as peer:
        asyncio.run(main(peer.port))
        assert peer.accepted == 2
    assert [row["outcome"] for row in bench.facts()] == ["cancelled", "ok"]


def test_each_loop_has_its_own_connections_and_closes_them(bench, demo, serve) -> None:
    async def twice(client) -> None:
        await client.Nothing()
        await client.Nothing()

    with Peer(serve) as peer:
        client = demo.AsyncDemoServiceClient(address=f"127.0.0.1:{peer.port}/ttheader", timeout=10)
        for _ in range(3):
            asyncio.run(twice(client))
        assert peer.accepted == 3


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Forking with threads.
def test_a_forked_child_calls_on_a_loop_of_its_own(bench, demo, serve) -> None:
    with Peer(serve) as peer, asyncio.Runner() as runner:
        client = demo.AsyncDemoServiceClient(address=f"127.0.0.1:{peer.port}/ttheader", timeout=10)
        runner.run(client.Nothing())
        child = os.fork()
        if child == 0:
            try:
                asyncio.set_event_loop(None)
                loop = asyncio.new_event_loop()
                os._exit(0 if loop.run_until_complete(client.Nothing()) is None else 1)
            except BaseException:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        runner.run(client.Nothing())
        assert peer.accepted == 2


def test_the_call_being_served_is_its_parent(start, handler, demo, bench) -> None:
    from pie.model import Call

    start(handler)
    outer = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="4" * 32)

    async def main() -> None:
        current_call.set(outer)
        await demo.AsyncDemoServiceClient(PSM, timeout=10).Nothing()

    asyncio.run(main())
    assert {row["logid"] for row in bench.facts()} == {"4" * 32}


def test_a_function_makes_its_calls_in_tests(demo) -> None:
    async def answer(method, args):
        await asyncio.sleep(0)
        return method.name

    for invoke in (answer, lambda method, args: method.name):
        client = over(demo.AsyncDemoServiceClient, invoke)
        assert asyncio.run(client.GetItem(demo.Demo2Request())) == "GetItem"


def test_a_failure_keeps_its_kind(start, handler, demo) -> None:
    def refuse(req):
        raise Failure(Kind.EXHAUSTED, "too many", code=429)

    handler.GetItem = refuse
    start(handler)
    client = demo.AsyncDemoServiceClient(PSM, timeout=10)
    with pytest.raises(Failure, match="too many") as caught:
        asyncio.run(client.GetItem(demo.Demo2Request(ItemId=1)))
    assert (caught.value.kind, caught.value.raised_by) == (Kind.EXHAUSTED, "peer")
