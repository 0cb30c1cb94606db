"""Integer key 21 of TTHeader, by which services beside Pie know a load test: read and sent, by the
C path and its twin."""

import socket
from typing import Any

import pytest
from tests.rpc.scripted import Line, Peer

import pie.rpc.server.server
from pie import rpc
from pie.model import current_call
from pie.rpc.client.fast_path import TwinCaller
from pie.thrift import TTHEADER, FrameSplitter, IntKey, TTHeader, encode_call

TRAFFIC = "RPC_PERSIST_PIE_TRAFFIC"
PSM = "toutiao.my.server"


@pytest.fixture(params=["c", "twin"])
def server(request: Any, start: Any, handler: Any, monkeypatch: Any) -> int:
    """Tells by the text of its answer what the call was."""

    def told(req: Any) -> Any:
        call = current_call.get()
        raise rpc.BusinessError(1000, f"{call.traffic} {sorted(call.persist.items())}")

    handler.GetItem = told
    if request.param == "twin":
        monkeypatch.setattr(pie.rpc.server.server, "native", None)
    return int(start(handler))


def asked(port: int, demo: Any, tag: str | None, persisted: str | None = None) -> str:
    header = TTHeader()
    if tag is not None:
        header.ints[IntKey.STRESS_TAG] = tag
    if persisted is not None:
        header.strings[TRAFFIC] = persisted
    method = demo.DemoService.methods["GetItem"]
    args = method.args(demo.Demo2Request(ItemId=1))
    splitter = FrameSplitter()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(encode_call(method, args, 1, TTHEADER, header))
        while (found := splitter.take()) is None:
            splitter.feed(sock.recv(65536))
    return str(found.header.strings["biz-message"])


@pytest.mark.parametrize(
    ("tag", "persisted", "told"),
    [
        ("load-7", None, "stress [('PIE_STRESS_TAG', 'load-7'), ('PIE_TRAFFIC', 'stress')]"),
        ("a\x1bb", None, "stress [('PIE_STRESS_TAG', 'a?b'), ('PIE_TRAFFIC', 'stress')]"),
        ("load-7", "test", "test [('PIE_TRAFFIC', 'test')]"),
        ("", None, " []"),
        (None, None, " []"),
    ],
)
def test_a_request_with_a_tag_belongs_to_a_load_test(
    server: int, demo: Any, tag: str | None, persisted: str | None, told: str
) -> None:
    assert asked(server, demo, tag, persisted) == told


@pytest.mark.parametrize("path", ["c", "twin"])
def test_calls_of_a_load_test_carry_the_tag(demo: Any, bench: Any, path: str) -> None:
    seen: list[str] = []
    method = demo.DemoService.methods["Nothing"]

    def script(line: Line) -> None:
        while True:
            frame = line.request()
            seen.append(frame.header.ints.get(IntKey.STRESS_TAG, ""))
            line.reply(method, frame)

    with Peer(script) as peer:
        client = demo.DemoServiceClient(PSM, address=f"127.0.0.1:{peer.port}/ttheader", timeout=10)
        call = client._call if path == "c" else TwinCaller(client._call.channel, demo.DemoService)
        call("Nothing")
        with rpc.options(traffic="test"):
            call("Nothing")
        with rpc.options(traffic="stress"):
            call("Nothing")
        with rpc.options(traffic="stress", persist={"PIE_STRESS_TAG": "load-7"}):
            call("Nothing")
    assert seen == ["", "", "stress", "load-7"]
