"""A handler that answers with a business status: ``raise BusinessError(…)``."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from pie import rpc
from pie.model import Failure, Kind
from pie.rpc import BusinessError
from pie.thrift import (
    BUFFERED,
    FRAMED,
    TTHEADER,
    ApplicationError,
    FrameSplitter,
    Protocol,
    decode_reply,
    encode_call,
)

PSM = "toutiao.my.server"
WHY = {"why": "law"}


@pytest.fixture(params=["function", "coroutine"])
def let(request: pytest.FixtureRequest, handler: Any) -> Callable[..., None]:
    """Makes a method of the handler raise something."""

    def raising(name: str, error: Exception) -> None:
        def function(*_: Any) -> None:
            raise error

        async def coroutine(*_: Any) -> None:
            raise error

        setattr(handler, name, function if request.param == "function" else coroutine)

    return raising


def test_the_caller_gets_the_status(start, handler, demo, bench, let) -> None:
    let("GetItem", BusinessError(1410, "withdrawn", WHY))
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=10)
    with rpc.options() as made, pytest.raises(BusinessError) as caught:
        client.GetItem(demo.Demo2Request(ItemId=1))
    assert caught.value.status == made.business == (1410, "withdrawn", WHY)
    assert caught.value.value is None
    outcomes = [(row["side"], row["outcome"], row["code"], row["message"]) for row in bench.facts()]
    expected = ("business", 1410, "withdrawn")
    assert sorted(outcomes) == [("client", *expected), ("server", *expected)]


def test_a_value_may_come_with_it(start, handler, demo, let) -> None:
    value = demo.Demo2Response(item=demo.Demo2Item(ItemId=7, ItemName="old"))
    let("GetItem", BusinessError(-3, "stale", value=value))
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=10)
    with pytest.raises(BusinessError, match="-3: stale") as caught:
        client.GetItem(demo.Demo2Request(ItemId=1))
    assert caught.value.value.item == value.item


def test_void_and_oneway_methods_may_raise_it(start, handler, demo, bench, let) -> None:
    let("Nothing", BusinessError(1001, "closed"))
    let("Note", BusinessError(1002, "full"))
    start(handler)
    client = demo.DemoServiceClient(PSM, timeout=10)
    client.Note("hello")
    with pytest.raises(BusinessError, match="1001: closed"):
        client.Nothing()
    rows = [row for row in bench.facts() if row["side"] == "server"]
    assert sorted((row["outcome"], row["code"]) for row in rows) == [
        ("business", 1001),
        ("business", 1002),
    ]


def test_a_value_of_the_wrong_type_is_an_internal_error(start, handler, demo, let) -> None:
    let("GetItem", BusinessError(1410, "withdrawn", value="not a response"))
    start(handler)
    with pytest.raises(Failure, match="internal error, logid") as caught:
        demo.DemoServiceClient(PSM, timeout=10).GetItem(demo.Demo2Request(ItemId=1))
    assert caught.value.kind == Kind.INTERNAL


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("transport", [FRAMED, BUFFERED])
def test_without_headers_it_is_an_application_exception(
    start, handler, demo, bench, let, transport, protocol
) -> None:
    let("GetItem", BusinessError(1410, "withdrawn"))
    method = demo.DemoService.methods["GetItem"]
    args = method.args(demo.Demo2Request(ItemId=1))
    with socket.create_connection(("127.0.0.1", start(handler)), timeout=10) as sock:
        sock.sendall(encode_call(method, args, 5, transport, protocol=protocol))
        splitter = FrameSplitter()
        while (frame := splitter.take()) is None:
            splitter.feed(sock.recv(65536))
        with pytest.raises(ApplicationError, match="business status 1410: withdrawn"):
            decode_reply(method, frame, 5)
    (row,) = bench.facts()
    assert (row["outcome"], row["code"]) == ("business", 1410)


def test_damaged_headers_close_the_connection_and_the_log_says_why(
    start, handler, demo, caplog
) -> None:
    method = demo.DemoService.methods["Nothing"]
    good = encode_call(method, method.args(), 1, TTHEADER)
    port = start(handler)
    for bad, reason in (
        (good[:16] + b"\x77" + good[17:], "block 0x77 is not known"),
        (good[:14] + b"\x02" + good[15:], "expected compact"),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(bad)
            assert sock.recv(1) == b""
        assert reason in caplog.text
