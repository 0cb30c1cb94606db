"""thriftpy2's own clients and servers at the other end of the wire."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import thriftpy2
from thriftpy2.protocol import (
    TBinaryProtocolFactory,
    TCompactProtocolFactory,
    TCyBinaryProtocolFactory,
)
from thriftpy2.rpc import make_client
from thriftpy2.server import TThreadedServer
from thriftpy2.thrift import TApplicationException, TProcessor
from thriftpy2.transport import (
    TBufferedTransportFactory,
    TCyBufferedTransportFactory,
    TCyFramedTransportFactory,
    TFramedTransportFactory,
    TSocket,
)

WAYS: dict[str, tuple[Any, Any]] = {
    "framed binary": (TFramedTransportFactory, TBinaryProtocolFactory),
    "framed binary, Cython": (TCyFramedTransportFactory, TCyBinaryProtocolFactory),
    "framed compact": (TFramedTransportFactory, TCompactProtocolFactory),
    "buffered binary": (TBufferedTransportFactory, TBinaryProtocolFactory),
    "buffered binary, Cython": (TCyBufferedTransportFactory, TCyBinaryProtocolFactory),
    "buffered compact": (TBufferedTransportFactory, TCompactProtocolFactory),
}


@pytest.fixture(scope="module")
def theirs() -> ModuleType:
    """What thriftpy2 makes of demo.thrift."""
    path = Path(__file__).parent / "demo.thrift"
    loaded: ModuleType = thriftpy2.load(str(path), module_name="peer_demo_thrift")
    return loaded


@pytest.mark.parametrize("way", WAYS)
def test_its_clients_call_a_service(start, handler, demo, bench, theirs, way) -> None:
    transport, protocol = WAYS[way]
    client = make_client(
        theirs.DemoService,
        "127.0.0.1",
        start(handler),
        trans_factory=transport(),
        proto_factory=protocol(),
        timeout=10_000,
    )
    logid = "2017041721432901000304821652640c"
    with contextlib.closing(client):
        base = theirs.base.Base(LogID=logid, Caller="toutiao.legacy.web")
        found = client.GetItem(theirs.Demo2Request(ItemId=1, Base=base))
        assert (found.item.ItemId, found.item.ItemName) == (1, "123")
        assert (found.BaseResp.StatusMessage, found.BaseResp.StatusCode) == ("SUCCESS", 0)
        with pytest.raises(theirs.NoSuchItem) as missing:
            client.GetItem(theirs.Demo2Request(ItemId=404))
        assert missing.value.ItemId == 404
        with pytest.raises(TApplicationException, match="internal error, logid") as internal:
            client.GetItem(theirs.Demo2Request(ItemId=500))
        assert internal.value.type == TApplicationException.INTERNAL_ERROR
        assert client.Nothing() is None
        client.Note("hello")
        assert handler.note_came.wait(10)
        assert client.GetItem(theirs.Demo2Request(ItemId=8)).item.ItemId == 8
    rows = bench.facts()
    assert (rows[0]["logid"], rows[0]["caller"]) == (logid, "toutiao.legacy.web")
    outcomes = [row["outcome"] for row in rows]
    assert outcomes == ["ok", "business", "internal", "ok", "ok", "ok"]


class Handler:
    """On thriftpy2's structs."""

    def __init__(self, theirs: ModuleType) -> None:
        self._theirs = theirs
        self.callers: list[str] = []
        self.noted = threading.Event()

    def GetItem(self, req: Any) -> Any:
        self.callers.append(req.Base.Caller)
        if req.ItemId == 404:
            raise self._theirs.NoSuchItem(ItemId=404)
        item = self._theirs.Demo2Item(ItemId=req.ItemId, ItemName="old")
        return self._theirs.Demo2Response(item=item)

    def Note(self, text: str) -> None:
        assert text == "hello"
        self.noted.set()

    def Nothing(self) -> None:
        pass


class Listener:
    """What a thriftpy2 server accepts from, until it is shut: such a server has no other end."""

    def __init__(self) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))

    def listen(self) -> None:
        """It does already."""

    def accept(self) -> TSocket:
        try:
            return TSocket(sock=self.sock.accept()[0])
        except OSError:
            raise SystemExit from None


@contextlib.contextmanager
def serving(theirs: ModuleType, handler: Handler, way: str) -> Iterator[int]:
    """The port of one of its servers."""
    transport, protocol = WAYS[way]
    listener = Listener()
    server = TThreadedServer(
        TProcessor(theirs.DemoService, handler),
        listener,
        iprot_factory=protocol(),
        itrans_factory=transport(),
        daemon=True,
    )

    def serve() -> None:
        with contextlib.suppress(SystemExit):
            server.serve()

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.sock.getsockname()[1]
    listener.sock.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    listener.sock.close()
    assert not thread.is_alive()


@pytest.mark.parametrize("way", WAYS)
def test_its_servers_are_called(demo, bench, theirs, way) -> None:
    handler = Handler(theirs)
    transport, protocol = way.partition(",")[0].split()
    form = transport if protocol == "binary" else f"{transport}+compact"
    with serving(theirs, handler, way) as port:
        client = demo.DemoServiceClient(address=f"127.0.0.1:{port}/{form}", timeout=10)
        response = client.GetItem(demo.Demo2Request(ItemId=7))
        assert (response.item.ItemName, response.BaseResp) == ("old", None)
        with pytest.raises(demo.NoSuchItem) as missing:
            client.GetItem(demo.Demo2Request(ItemId=404))
        assert missing.value.ItemId == 404
        assert client.Nothing() is None
        client.Note("hello")
        assert handler.noted.wait(10)
    assert handler.callers == ["toutiao.my.server"] * 2
    assert [row["outcome"] for row in bench.facts()] == ["ok", "business", "ok", "ok"]
