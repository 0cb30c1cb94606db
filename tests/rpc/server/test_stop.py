"""How a server ends: whatever its handlers do, and whatever waits for them."""

import asyncio
import contextlib
import socket
import threading

import pytest
from tests.rpc.peer import Peer

from pie.rpc import ServerOptions, ThriftServer


@contextlib.contextmanager
def stopping(bench, demo, handler, options=None):
    """A server that is asked to stop at the end, and must within ten seconds."""
    listener = socket.create_server(("127.0.0.1", 0))
    peers = [Peer(demo, listener.getsockname()[1]) for _ in range(3)]
    server = ThriftServer(
        demo.DemoService, handler, bench.runtime, listener, options, drain_seconds=0.2
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield peers
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()
        for each in peers:
            while not each.ended():  # Some get a reply of overload before.
                pass
            each.close()
        assert listener.fileno() == -1


def test_while_every_thread_is_held_up(bench, demo, handler) -> None:
    """No thread is left to lead, and no request is refused yet: connections are cut anyway."""
    entered, go = threading.Event(), threading.Event()

    def get(req):
        entered.set()
        go.wait(30)

    handler.GetItem = get
    options = ServerOptions(max_threads=1, overload_timeout=60)
    with stopping(bench, demo, handler, options) as peers:
        for each in peers:
            each.send(1)
        assert entered.wait(10)
    go.set()


def test_while_a_coroutine_will_not_be_cancelled(bench, demo, handler, caplog) -> None:
    entered, go = threading.Event(), threading.Event()

    async def get(req):
        entered.set()
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    handler.GetItem = get
    with stopping(bench, demo, handler) as peers:
        peers[0].send(1)
        assert entered.wait(10)
    assert "does not end although it was cancelled" in caplog.text
    go.set()


@pytest.mark.parametrize("kind", ["function", "function beside coroutines"])
def test_while_a_function_never_returns(bench, demo, handler, kind) -> None:
    """Its thread does not keep the process either."""
    entered, go = threading.Event(), threading.Event()
    threads = []

    async def nothing():
        pass

    def get(req):
        threads.append(threading.current_thread())
        entered.set()
        go.wait(30)

    handler.GetItem = get
    if kind == "function beside coroutines":
        handler.Nothing = nothing
    with stopping(bench, demo, handler) as peers:
        peers[0].send(1)
        assert entered.wait(10)
    assert threads[0].is_alive()
    assert threads[0].daemon
    go.set()
    threads[0].join(10)
