"""A server's gate that gives a failed call its result: the caller gets it, on each loop."""

from typing import Any

import pytest

import pie.rpc.server.server
from pie._core import native
from pie.model import Call, Failure, Kind

PSM = "toutiao.my.server"


class Fallback:
    """Answers for the handler, and for the gates behind it."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        if call.failure is not None:
            call.succeed(self._result)


class Closed:
    def enter(self, call: Call) -> None:
        if call.method == "Nothing":
            raise Failure(Kind.DENIED, "closed")

    def leave(self, call: Call) -> None:
        pass


class Coroutine:
    def __init__(self, handler: Any) -> None:
        self._handler = handler

    async def GetItem(self, req: Any) -> Any:
        return self._handler.GetItem(req)

    async def Note(self, text: str) -> None:
        self._handler.Note(text)

    async def Nothing(self) -> None:
        self._handler.Nothing()


@pytest.fixture(params=["leader", "turns", "threads"])
def client(request, bench, demo, start, handler, monkeypatch):
    """A client of a server whose gates are the given ones."""
    if request.param == "threads":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)

    def make(*gates: Any, transport: str = "ttheader") -> Any:
        served = Coroutine(handler) if request.param == "turns" else handler
        start(served, gates=gates, transport=transport)
        return demo.DemoServiceClient(PSM, timeout=20)

    return make


def test_the_result_of_a_gate_replaces_a_failure(client, demo) -> None:
    plan_b = demo.Demo2Response(item=demo.Demo2Item(ItemId=2, ItemName="plan b"))
    made = client(Fallback(plan_b))
    assert made.GetItem(demo.Demo2Request(ItemId=500)).item.ItemName == "plan b"
    assert made.GetItem(demo.Demo2Request(ItemId=13)).item.ItemName == "plan b"
    assert made.GetItem(demo.Demo2Request(ItemId=1)).item.ItemName == "123"


def test_a_rejected_call_may_have_a_result_too(client, bench) -> None:
    made = client(Fallback(None), Closed())
    assert made.Nothing() is None
    rows = [row for row in bench.facts() if row["side"] == "server"]
    assert [(row["outcome"], row["gate"]) for row in rows] == [("ok", "Closed")]


def test_a_result_of_the_wrong_type_is_a_failure(client, demo) -> None:
    made = client(Fallback("no response"))
    with pytest.raises(Failure) as caught:
        made.GetItem(demo.Demo2Request(ItemId=500))
    assert caught.value.kind is Kind.INTERNAL
    assert made.GetItem(demo.Demo2Request(ItemId=1)).item.ItemName == "123"


class Slow:
    """Holds the calls of one method back."""

    def enter(self, call: Call) -> float:
        return 0.2 if call.method == "Nothing" else 0.0

    def leave(self, call: Call) -> None:
        pass


def test_a_delay_holds_back_no_other_call(client, demo, request, bench) -> None:
    """Threads wait; an asyncio loop in C, which serves all calls, refuses the call instead."""
    made = client(Slow())
    if native is None or request.node.callspec.params["client"] != "turns":
        assert made.Nothing() is None
        return
    with pytest.raises(Failure) as caught:
        made.Nothing()
    assert caught.value.kind is Kind.EXHAUSTED
    assert "would have to wait 200 ms, and a server whose handlers are cor" in caught.value.message
    assert made.GetItem(demo.Demo2Request(ItemId=1)).item.ItemName == "123"
    rows = [row for row in bench.facts() if row["side"] == "server"]
    assert [(row["outcome"], row["gate"]) for row in rows] == [("exhausted", "Slow"), ("ok", "")]


class Endless:
    def enter(self, call: Call) -> float:
        return float("inf")

    def leave(self, call: Call) -> None:
        pass


def test_a_delay_without_an_end_fails_a_call_without_a_deadline(client, demo) -> None:
    made = client(Endless(), transport="framed")  # Which tells a server of no deadline.
    with pytest.raises(Failure) as caught:
        made.GetItem(demo.Demo2Request(ItemId=1))
    assert caught.value.kind in (Kind.INTERNAL, Kind.EXHAUSTED)
