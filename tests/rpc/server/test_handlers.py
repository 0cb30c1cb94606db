"""What a handler can do to its server: leave its thread, fork, block everything, be thrown away."""

import asyncio
import gc
import os
import select
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.rpc.peer import Peer, item

from pie._core import native
from pie.rpc import ServerOptions
from pie.thrift import TTHEADER, ApplicationError, Flag

only_native = pytest.mark.skipif(native is None, reason="the loop in C is not in use")


EXITS = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]


@pytest.mark.parametrize("error", EXITS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_exceptions_that_are_for_a_thread_are_answered(
    start, handler, demo, peer, bench, kind, error
) -> None:
    def get(req):
        if req.ItemId == 1:
            raise error
        return item(demo, req.ItemId)

    async def get_later(req):
        await asyncio.sleep(0)
        return get(req)

    handler.GetItem = get if kind == "function" else get_later
    one = peer(start(handler))
    for _ in range(3):
        one.send(1)
        with pytest.raises(ApplicationError):
            one.reply()
        one.send(2)
        assert one.reply()[0] == 2
    failed = {row["outcome"] for row in bench.facts()} - {"ok"}
    assert failed == {
        "internal" if isinstance(error, (SystemExit, KeyboardInterrupt)) else "cancelled"
    }


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Forking with threads.
@pytest.mark.parametrize("kind", ["function", "coroutine", "function beside coroutines"])
def test_a_child_that_comes_back_from_the_handler_answers_nobody(
    start, handler, demo, peer, kind
) -> None:
    children = []

    def get(req):
        if req.ItemId == 1:
            child = os.fork()
            if child:
                children.append(child)
        return item(demo, req.ItemId, str(os.getpid()))

    async def get_later(req):
        return get(req)

    async def nothing():
        pass

    handler.GetItem = get_later if kind == "coroutine" else get
    if kind == "function beside coroutines":
        handler.Nothing = nothing
    port = start(handler)
    one, other = peer(port), peer(port)
    for number in (1, 2, 3):
        for each in (one, other):
            each.send(number)
            assert each.reply() == (number, str(os.getpid()))
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    one.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):  # Nothing was sent twice.
        one.sock.recv(1)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_a_child_that_ends_as_it_should_harms_nobody(start, handler, demo, peer, kind) -> None:
    def get(req):
        child = os.fork()
        if not child:
            gc.collect()
            os._exit(7)
        return item(demo, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    async def get_later(req):
        return get(req)

    handler.GetItem = get if kind == "function" else get_later
    port = start(handler)
    for _ in range(3):
        one = peer(port)
        for number in range(3):
            one.send(number)
            assert one.reply()[0] == 7
        one.close()


@only_native
def test_slow_methods_are_refused_after_a_rest_as_well(start, handler, demo, peer) -> None:
    """The watchdog has gone to sleep by then, and no handler surprises anybody."""
    go = threading.Event()

    def get(req):
        if req.ItemId:
            assert go.wait(30)
        else:
            time.sleep(0.002)
        return item(demo, req.ItemId)

    handler.GetItem = get
    # Long enough for a thread that waits for a processor and not for a handler.
    port = start(handler, options=ServerOptions(max_threads=2, overload_timeout=0.5))
    one = peer(port)
    for _ in range(20):
        one.send(0)
        one.reply()
    time.sleep(0.3)  # There is no telling from outside that the watchdog sleeps.
    waiting = {made.sock: made for made in [peer(port) for _ in range(6)]}
    for each in waiting.values():
        each.send(1)
    while len(waiting) > 2:
        readable, _, _ = select.select(list(waiting), [], [], 8)
        assert readable, f"{len(waiting)} wait, and 2 are served"
        for sock in readable:
            with pytest.raises(ApplicationError, match="overloaded"):
                waiting.pop(sock).reply()
    go.set()
    assert [each.reply()[0] for each in waiting.values()] == [1, 1]


@only_native
def test_a_reply_does_not_wait_for_the_next_handler(start, handler, demo, peer) -> None:
    """Replies are sent together; not so when the request behind is one that takes its time."""
    go = threading.Event()

    def get(req):
        if req.ItemId == 1:
            assert go.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler, options=ServerOptions(max_threads=1, overload_timeout=60))
    one = peer(port)
    one.sock.sendall(one.request(2) + one.request(3) + one.request(1))
    assert [one.reply()[0], one.reply()[0]] == [2, 3]
    go.set()
    assert one.reply()[0] == 1


def test_replies_to_what_came_before_garbage(start, handler, demo, peer) -> None:
    one = peer(start(handler))
    one.sock.sendall(one.request(2) + one.request(3) + b"\x00\x00\x00\x05garbage")
    assert [one.reply()[0], one.reply()[0]] == [2, 3]
    assert one.ended()


@pytest.mark.parametrize("name", ["GetItem", "Nowhere"])
def test_a_long_message_without_a_length_holds_nobody_up(start, handler, demo, peer, name) -> None:
    """Its end is found, or not, in C; the twin must not walk over it once more."""
    count = 8 << 20 if native else 1 << 17
    message = b"\x80\x01\x00\x01" + len(name).to_bytes(4, "big") + name.encode() + bytes(4)
    message += b"\x0f\x00\x09\x0c" + count.to_bytes(4, "big") + bytes(count)
    message += b"\x63\x00\x01" if name == "GetItem" else b"\x00"
    handler.GetItem = lambda req: item(demo, req.ItemId)
    port = start(handler)
    bad, good = peer(port), peer(port)
    bad.sock.sendall(message)
    good.sock.settimeout(3)
    for number in range(100):
        good.send(number)
        assert good.reply()[0] == number
    with pytest.raises((ApplicationError, EOFError, ConnectionResetError)):
        bad.reply()


@only_native
def test_tasks_that_are_thrown_away_are_answered(start, handler, demo, peer) -> None:
    """By whichever thread lets go of them, in the middle of whatever it is doing."""
    entered = asyncio.Semaphore(0)

    async def get(req):
        if req.ItemId == 1:
            entered.release()
            await asyncio.get_running_loop().create_future()
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler)
    loop = start.servers[port]._loop
    peers = [peer(port) for _ in range(4)]
    how = {"transport": TTHEADER}
    for number, each in enumerate(peers):
        each.send(1, number, flags=Flag.OUT_OF_ORDER if number % 2 else 0, **how)
    for _ in peers:
        asyncio.run_coroutine_threadsafe(entered.acquire(), loop._loop).result(10)

    def forget() -> None:
        running = list(loop._running)
        loop._running.clear()
        for each in running:
            each._log_destroy_pending = False
        del running[:], each
        gc.collect()

    loop._loop.call_soon_threadsafe(forget)
    for each in peers:
        with pytest.raises(ApplicationError):
            each.reply()
        each.send(2, **how)
        assert each.reply()[0] == 2


@only_native
def test_a_thread_that_cannot_be_had_is_asked_for_again(
    start, handler, demo, peer, monkeypatch
) -> None:
    go, entered = threading.Event(), threading.Event()

    def get(req):
        if req.ItemId == 1:
            entered.set()
            assert go.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    port = start(handler)
    slow, one = peer(port), peer(port)
    one.send(2)
    one.reply()
    asked = []

    def none_left(target, name) -> None:
        asked.append(name)
        raise RuntimeError("can't start new thread")

    loop = start.servers[port]._loop
    with monkeypatch.context() as patched:
        patched.setattr(loop, "_run", none_left)
        slow.send(1)
        assert entered.wait(10)
        for number in range(100, 150):  # By the last thread there is.
            one.send(number)
            assert one.reply()[0] == number
        assert 0 < len(asked) < 50
    while loop.native.threads < 3:
        one.send(2)
        one.reply()
    go.set()
    assert slow.reply()[0] == 1


@only_native
def test_a_server_that_never_ends_its_connections_leaves_no_descriptor(
    bench, demo, handler
) -> None:
    from pie.rpc import ThriftServer

    def open_files() -> set[str]:
        """By descriptor and inode: what other tests left may be closed at any moment."""
        found = {
            f"{file.name} {os.path.realpath(file)}" for file in Path("/proc/self/fd").iterdir()
        }
        return {name for name in found if "socket:" in name or "anon_inode:" in name}

    go = threading.Event()

    def get(req):
        assert go.wait(10)
        return item(demo, req.ItemId)

    handler.GetItem = get
    gc.collect()
    before = open_files()
    for _ in range(2):
        go.clear()
        listener = socket.create_server(("127.0.0.1", 0))
        peers = [Peer(demo, listener.getsockname()[1]) for _ in range(3)]
        server = ThriftServer(demo.DemoService, handler, bench.runtime, listener, drain_seconds=0.1)
        serving = threading.Thread(target=server.serve)
        serving.start()
        for each in peers:
            each.send(1)
        server.stop()
        serving.join(10)
        go.set()
        for thread in server._loop._threads:
            thread.join(10)
        for each in peers:
            each.close()
        del server, serving, listener, thread
        gc.collect()
    assert open_files() - before == set()
