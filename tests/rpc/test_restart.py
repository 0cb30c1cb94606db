"""Servers come and go under the traffic of Pie's client, and no call fails."""

import socket
import threading

import pytest
from tests.rpc.conftest import register

from pie.rpc import ThriftServer

PSM = "toutiao.my.server"


class Served:
    """A server that shares its listener with the one that follows it, as workers of a master do."""

    def __init__(self, bench, demo, handler, listener: socket.socket) -> None:
        self._server = ThriftServer(
            demo.DemoService, handler, bench.runtime, listener.dup(), drain_seconds=5
        )
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("kind", ["function", "coroutine"])
@pytest.mark.parametrize(
    "transport", ["ttheader", "framed", "buffered", "framed+compact", "ttheader+compact"]
)
def test_no_call_fails_while_workers_are_replaced(
    bench, demo, handler, transport, kind
) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)  # The mode is shared, and set anew by ``dup``.
    port = listener.getsockname()[1]
    register(bench, port, psm=PSM, cluster="default", transport=transport)
    if kind == "coroutine":
        plain = handler.GetItem

        async def get(req):
            return plain(req)

        handler.GetItem = get
    over, failures, calls = threading.Event(), [], []

    def call() -> None:
        client = demo.DemoServiceClient(PSM, timeout=10)
        done = 0
        while not over.is_set():
            try:
                assert client.GetItem(demo.Demo2Request(ItemId=7)).item.ItemId == 7
            except Exception as error:
                failures.append(error)
            done += 1
            if done % 20 == 0:
                over.wait(0.31)  # As long as a draining server lets a connection idle.
        calls.append(done)

    serving = Served(bench, demo, handler, listener)
    callers = [threading.Thread(target=call) for _ in range(6)]
    for each in callers:
        each.start()
    for _ in range(2):
        follower = Served(bench, demo, handler, listener)
        serving.stop()
        serving = follower
    over.set()
    for each in callers:
        each.join(30)
    serving.stop()
    listener.close()
    assert failures == []
    assert min(calls) > 0
