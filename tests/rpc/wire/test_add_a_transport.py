"""The example of docs/add-a-transport.md: a transport that no file of Pie names."""

import asyncio
import contextlib
import socket

import pytest
from tests.rpc.test_documents import blocks

from pie.model import Failure, current_call, known_transports
from pie.rpc import options
from pie.rpc.client.callee_file import CalleeError, parse
from pie.thrift import (
    FrameError,
    FrameSplitter,
    Protocol,
    decode_reply,
    encode_call,
    remove_transport,
    transports,
)


@pytest.fixture
def page(demo):
    """What the Python of the page defines; the table is as before when the test has ended."""
    names = {"DemoServiceClient": demo.DemoServiceClient}
    before = transports()
    for block in blocks("add-a-transport", "python"):
        exec(compile(block, "add-a-transport.md", "exec"), names)
    yield names
    for each in transports():
        if each not in before:
            remove_transport(each)
    assert "marked" not in known_transports


@pytest.fixture
def marked(page):
    return page["MARKED"]


def item_of(response) -> int:
    return response.item.ItemId


def test_threads_and_coroutines_call_a_registered_instance(
    page, start, handler, demo, bench
) -> None:
    seen = []
    handler.Nothing = lambda: seen.append(current_call.get().caller)
    start(handler, transport="marked")
    wanted = demo.Demo2Request(ItemId=7)
    client = demo.DemoServiceClient("toutiao.my.server", timeout=10)
    assert item_of(client.GetItem(wanted)) == 7
    assert client.Nothing() is None

    async def ask() -> int:
        return item_of(
            await demo.AsyncDemoServiceClient("toutiao.my.server", timeout=10).GetItem(wanted)
        )

    assert asyncio.run(ask()) == 7
    with pytest.raises(demo.NoSuchItem):
        client.GetItem(demo.Demo2Request(ItemId=404))
    assert len(seen) == 1


def test_addresses_pins_and_files_know_its_name(page, start, handler, demo, tmp_path) -> None:
    port = start(handler)
    wanted = demo.Demo2Request(ItemId=7)
    assert item_of(page["client_of"](port).GetItem(wanted)) == 7
    with options(pinned=f"127.0.0.1:{port}/marked"):
        client = demo.DemoServiceClient("toutiao.my.elsewhere", timeout=10)
        assert item_of(client.GetItem(wanted)) == 7
    text = f"psm: a.b.c\ntransport: marked\naddresses: ['127.0.0.1:{port}']\n"
    assert parse(text, tmp_path / "DemoService.yml", "DemoService").transport == "marked"


def test_one_port_answers_it_beside_the_others(start, handler, demo, marked) -> None:
    method = demo.DemoService.methods["GetItem"]
    args = method.args(req=demo.Demo2Request(ItemId=7))
    with socket.create_connection(("127.0.0.1", start(handler)), timeout=10) as sock:
        for protocol in Protocol:
            sock.sendall(encode_call(method, args, 5, marked, None, protocol))
            splitter = FrameSplitter()
            while (frame := splitter.take()) is None:
                splitter.feed(sock.recv(65536))
            assert (frame.transport, frame.protocol) == (marked, protocol)
            assert item_of(method.unpack(decode_reply(method, frame, 5))) == 7


def test_it_cannot_be_multiplexed_without_headers(page, start, handler, demo) -> None:
    start(handler, transport="marked")
    client = demo.DemoServiceClient("toutiao.my.server", multiplex=True, timeout=10)
    with pytest.raises(Failure, match="speaks marked, which cannot be multiplexed"):
        client.Nothing()


def test_it_is_unknown_without_its_entry(page, demo, tmp_path) -> None:
    marked = page["MARKED"]
    data = encode_call(
        demo.DemoService.methods["Nothing"], demo.DemoService.methods["Nothing"].args(), 1, marked
    )
    with pytest.raises(ValueError, match="there is a transport 'marked' already"):
        page["add_transport"](marked)
    remove_transport(marked)
    with contextlib.ExitStack() as stack:
        stack.callback(page["add_transport"], marked)
        with pytest.raises(CalleeError, match="'marked' is not a transport: choose ttheader"):
            parse("psm: a.b.c\ntransport: marked\n", tmp_path / "X.yml", "X")
        splitter = FrameSplitter()
        splitter.feed(data)
        with pytest.raises(FrameError, match="begin no known transport"):
            splitter.take()
