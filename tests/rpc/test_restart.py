"""Servers come and go under the traffic of Pie's client, and no call fails."""

import socket
import threading

import pytest
from tests.rpc.conftest import register

from pie.rpc import ThriftServer

PSM = "toutiao.my.server"


class Served:
    """A server that shares its listener with the one that follows it, as workers of a master do."""

    def __init__(self, bench, demo, handler, listener: socket.socket, drain: float) -> None:
        self._server = ThriftServer(
            demo.DemoService, handler, bench.runtime, listener.dup(), drain_seconds=drain
        )
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def replaced(bench, demo, handler):
    """Calls a server on several threads while others take its place; failures, and calls made."""

    def run(transport: str, *, pause: float, drain: float) -> tuple[list[Exception], list[int]]:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listener.setblocking(False)  # The mode is shared, and set anew by ``dup``.
        port = listener.getsockname()[1]
        register(bench, port, psm=PSM, cluster="default", transport=transport)
        over, failures, calls = threading.Event(), [], []
        all_call = threading.Barrier(7)

        def call() -> None:
            client = demo.DemoServiceClient(PSM, timeout=10)
            done = 0
            while not over.is_set():
                try:
                    assert client.GetItem(demo.Demo2Request(ItemId=7)).item.ItemId == 7
                except Exception as error:
                    failures.append(error)
                done += 1
                if done == 1:
                    all_call.wait(30)
                if pause and done % 20 == 0:
                    over.wait(pause)
            calls.append(done)

        serving = Served(bench, demo, handler, listener, drain)
        callers = [threading.Thread(target=call) for _ in range(6)]
        for each in callers:
            each.start()
        all_call.wait(30)
        for _ in range(2):
            follower = Served(bench, demo, handler, listener, drain)
            serving.stop()
            serving = follower
        over.set()
        for each in callers:
            each.join(30)
        serving.stop()
        listener.close()
        return failures, calls

    return run


@pytest.mark.parametrize("kind", ["function", "coroutine"])
@pytest.mark.parametrize(
    "transport", ["ttheader", "framed", "buffered", "framed+compact", "ttheader+compact"]
)
def test_no_call_fails_while_workers_are_replaced(replaced, handler, transport, kind) -> None:
    if kind == "coroutine":
        plain = handler.GetItem

        async def get(req):
            return plain(req)

        handler.GetItem = get
    # The pause is as long as a draining server lets a connection idle.
    failures, calls = replaced(transport, pause=0.31, drain=5)
    assert failures == []
    assert min(calls) > 0


def test_no_call_fails_on_a_framed_connection_that_is_never_idle(replaced) -> None:
    """It has no header that asks the client for another connection."""
    failures, calls = replaced("framed", pause=0, drain=2)
    assert failures == []
    assert min(calls) > 0
