"""What a server rejects before the handler runs goes to another instance, and nothing else does."""

import asyncio
import threading
from typing import Any

import pytest
from tests.rpc.conftest import register
from tests.rpc.peer import item

import pie.rpc.server.server
from pie.model import Call, Failure, Kind, is_for
from pie.rpc.client.fast_path import TwinCaller

PSM = "toutiao.my.server"


class Served:
    """A handler that counts, on threads or on a loop."""

    def __init__(self, demo: Any) -> None:
        self._demo = demo
        self.count = 0
        self.noted = threading.Event()
        self.raises: Failure | None = None

    def GetItem(self, req: Any) -> Any:
        self.count += 1
        if self.raises is not None:
            raise self.raises
        return item(self._demo, req.ItemId)

    def Note(self, text: str) -> None:
        self.count += 1
        self.noted.set()

    def Nothing(self) -> None:
        self.count += 1


class Coroutines(Served):
    async def Nothing(self) -> None:
        self.count += 1


class Closed:
    """A gate that rejects what it is asked to."""

    def __init__(self, *, never_sent: bool) -> None:
        self._never_sent = never_sent

    def enter(self, call: Call) -> None:
        raise Failure(Kind.EXHAUSTED, "closed for now", never_sent=self._never_sent)

    def leave(self, call: Call) -> None:
        pass


@pytest.fixture(params=["leader", "turns", "threads"])
def make(request, demo, monkeypatch):
    """Makes a handler for the kind of server."""
    if request.param == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    return lambda: (Coroutines if request.param == "turns" else Served)(demo)


@pytest.fixture(params=["fast path", "twin", "async"])
def get(request, demo):
    """Makes a call by a kind of client."""

    def call(psm: str, number: int = 1) -> Any:
        asked = demo.Demo2Request(ItemId=number)
        if request.param == "async":
            return asyncio.run(demo.AsyncDemoServiceClient(psm, timeout=10).GetItem(asked))
        client = demo.DemoServiceClient(psm, timeout=10)
        if request.param == "twin":
            client._call = TwinCaller(client._call.channel, demo.DemoService)
        return client.GetItem(asked)

    return call


def register_another(bench: Any, port: int, psm: str, transport: str = "ttheader") -> None:
    """As if a process of that service had this port before, and the list still said so."""
    register(bench, port, psm=psm, cluster="default", transport=transport, pid=1)


def test_another_service_that_has_the_port_by_now(make, get, start, bench) -> None:
    handler = make()
    port = start(handler)
    register_another(bench, port, "toutiao.gone.server")
    with pytest.raises(Failure, match=r"this is toutiao\.my\.server/127\.0\.0\.1:1, and") as caught:
        get("toutiao.gone.server")
    assert (caught.value.kind, caught.value.never_sent) == (Kind.UNAVAILABLE, True)
    assert handler.count == 0
    rows = [row for row in bench.facts() if row["side"] == "server"]
    assert [row["outcome"] for row in rows] == ["unavailable"]
    assert get(PSM).item.ItemId == 1  # By a name that nobody registered for himself.


def test_a_oneway_call_to_it_is_dropped(make, start, demo, bench) -> None:
    handler = make()
    port = start(handler)
    register_another(bench, port, "toutiao.gone.server")
    demo.DemoServiceClient("toutiao.gone.server").Note("x")
    demo.DemoServiceClient(PSM).Note("y")
    assert handler.noted.wait(10)
    assert handler.count == 1


def test_framed_cannot_say_whom_it_is_for(make, start, demo, bench) -> None:
    handler = make()
    port = start(handler)
    register_another(bench, port, "toutiao.gone.server", "framed")
    client = demo.DemoServiceClient("toutiao.gone.server", timeout=10)
    assert client.GetItem(demo.Demo2Request(ItemId=3)).item.ItemId == 3


def test_a_rejection_by_a_gate_goes_to_another_instance(make, get, start, bench) -> None:
    closed, opened = make(), make()
    start(closed, gates=[Closed(never_sent=True)])
    start(opened)
    for number in range(10):
        assert get(PSM, number).item.ItemId == number
    assert (closed.count, opened.count) == (0, 10)


def test_alone_it_is_not_asked_again(make, get, start, bench) -> None:
    start(make(), gates=[Closed(never_sent=True)])
    with pytest.raises(Failure, match="closed for now") as caught:
        get(PSM)
    assert (caught.value.never_sent, caught.value.raised_by) == (True, "peer")
    assert len([row for row in bench.facts() if row["side"] == "server"]) == 1


@pytest.mark.parametrize("by", ["gate", "handler"])
def test_what_may_have_had_an_effect_is_not_sent_again(make, get, start, bench, by) -> None:
    """A handler's failure says what became of a call that it made itself."""
    handlers = [make(), make()]
    for each in handlers:
        each.raises = Failure(Kind.UNAVAILABLE, "a callee is away", never_sent=True)
        start(each, gates=[Closed(never_sent=False)] if by == "gate" else [])
    with pytest.raises(Failure) as caught:
        get(PSM)
    assert not caught.value.never_sent
    assert sum(each.count for each in handlers) == (0 if by == "gate" else 1)


@pytest.mark.parametrize(
    ("to", "instance", "found"),
    [
        ("", "h:1", True),
        ("a.b.c", "h:1", True),
        ("a.b.c/h:1", "h:1", True),
        ("a.b.c/h:2", "h:1", False),
        ("a.b.cd/h:1", "h:1", False),
        ("a.b", "h:1", False),
        ("a.b.c/h:2", "", True),
        ("a.b.d/h:2", "", False),
        ("a.b.c/", "h:1", False),
    ],
)
def test_whom_it_is_for(to, instance, found) -> None:
    assert is_for(to, "a.b.c", instance) is found
