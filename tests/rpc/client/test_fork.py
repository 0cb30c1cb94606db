"""A client that was used before a fork works in the child, with connections of its own."""

import gc
import os

import pytest

PSM = "toutiao.my.server"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Forking with threads.
def test_a_forked_child_calls_on(start, handler, demo) -> None:
    start(handler)
    client = demo.DemoServiceClient(PSM)
    client.Nothing()
    binder = client._call.channel._binder
    binder._lock.acquire()  # As if another thread was setting it up at the moment of the fork.
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if client.Nothing() is None else 1)
        except BaseException:
            os._exit(2)
    binder._lock.release()
    assert os.waitpid(child, 0)[1] == 0
    assert client.Nothing() is None


def test_a_client_for_every_request_leaves_nothing(start, handler, demo) -> None:
    start(handler)

    def serve(requests: int) -> int:
        for _ in range(requests):
            demo.DemoServiceClient(PSM).Nothing()
        gc.collect()
        return len(gc.get_objects())

    before = serve(20)
    assert serve(200) - before < 400
