"""Callees that are not on Pie: Apache Thrift's own servers, framed and buffered."""

import threading

import pytest
from tests.rpc.apache import ApacheServer, Processor
from tests.rpc.conftest import register

from pie.model import Failure, Kind

PSM = "toutiao.legacy.thing"


class Handler:
    """On Apache's structs."""

    def __init__(self, demo) -> None:
        self.processor = Processor(demo.DemoService, self)
        self._demo = demo
        self.bases = []
        self.noted = threading.Event()

    def GetItem(self, req):
        self.bases.append(req.Base)
        if req.ItemId == 500:
            raise KeyError("legacy trouble")
        item = self.processor.cls(self._demo.Demo2Item)(ItemId=req.ItemId, ItemName="old")
        return self.processor.cls(self._demo.Demo2Response)(item=item)

    def Note(self, text):
        assert text == "hello"
        self.noted.set()

    def Nothing(self):
        pass


@pytest.fixture(params=["framed", "buffered"])
def legacy(request, demo):
    """The transport, the port and the handler of a running Apache server."""
    handler = Handler(demo)
    server = ApacheServer(handler.processor, request.param)
    yield request.param, server.port, handler
    server.stop()


def check(client, demo, handler, bench) -> None:
    response = client.GetItem(demo.Demo2Request(ItemId=7))
    assert (response.item.ItemName, response.BaseResp) == ("old", None)
    assert client.Nothing() is None
    client.Note("hello")
    assert handler.noted.wait(20)
    with pytest.raises(Failure, match="legacy trouble") as caught:
        client.GetItem(demo.Demo2Request(ItemId=500))
    assert (caught.value.kind, caught.value.raised_by) == (Kind.INTERNAL, "peer")
    rows = bench.facts()
    assert [row["outcome"] for row in rows] == ["ok", "ok", "ok", "internal"]
    # The chain goes on in Base, which such a service may read or not.
    assert handler.bases[0].LogID == rows[0]["logid"]
    assert handler.bases[0].Caller == "toutiao.my.server"


def test_by_addresses_in_the_yml(legacy, demo, bench, tmp_path) -> None:
    transport, port, handler = legacy
    bench.runtime.conf = tmp_path
    folder = tmp_path / "rpc" / "services"
    folder.mkdir(parents=True)
    (folder / "DemoService.yml").write_text(
        f"service: DemoService\npsm: {PSM}\ntransport: {transport}\n"
        f"addresses: ['127.0.0.1:{port}']\n"
    )
    check(demo.DemoServiceClient(), demo, handler, bench)


def test_by_its_registry_name(legacy, demo, bench) -> None:
    transport, port, handler = legacy
    register(bench, port, psm=PSM, cluster="default", transport=transport)
    check(demo.DemoServiceClient(consul_name=PSM), demo, handler, bench)


def test_by_a_pin(legacy, demo, bench) -> None:
    transport, port, handler = legacy
    bench.runtime.pinned = {PSM: f"127.0.0.1:{port}/{transport}"}
    check(demo.DemoServiceClient(PSM), demo, handler, bench)


def test_a_wrong_transport_is_suspected(legacy, demo, bench) -> None:
    _, port, _ = legacy
    bench.runtime.pinned = {PSM: f"127.0.0.1:{port}/ttheader"}
    with pytest.raises(Failure, match="its configured transport is ttheader: is that right"):
        demo.DemoServiceClient(PSM, timeout=0.5).Nothing()
