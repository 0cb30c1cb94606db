"""Callers that are not on Pie: Apache Thrift's own clients, in every transport and protocol."""

import pytest
from tests.thrift.test_peers import apache_class
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.protocol.THeaderProtocol import THeaderProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.THeaderTransport import (
    THeaderClientType,
    THeaderSubprotocolID,
    THeaderTransformID,
)
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport


def header(transport, protocol):
    return THeaderProtocol(transport, [THeaderClientType.HEADERS], protocol)


CLIENTS = {
    "framed binary": lambda socket: TBinaryProtocol(TFramedTransport(socket)),
    "framed compact": lambda socket: TCompactProtocol(TFramedTransport(socket)),
    "buffered binary": lambda socket: TBinaryProtocol(TBufferedTransport(socket)),
    "buffered compact": lambda socket: TCompactProtocol(TBufferedTransport(socket)),
    "theader binary": lambda socket: header(socket, THeaderSubprotocolID.BINARY),
    "theader compact": lambda socket: header(socket, THeaderSubprotocolID.COMPACT),
    "theader zlib": lambda socket: header(socket, THeaderSubprotocolID.COMPACT),
    "theader in a frame": lambda socket: header(
        TFramedTransport(socket), THeaderSubprotocolID.BINARY
    ),
}


class Client:
    """Calls ``GetItem`` with Apache's classes."""

    def __init__(self, demo, socket, how) -> None:
        self.protocol = CLIENTS[how](socket)
        if how == "theader zlib":
            self.protocol.add_transform(THeaderTransformID.ZLIB)
        self._method = demo.DemoService.methods["GetItem"]
        self.made = {}
        for cls in (self._method.args, self._method.result):
            apache_class(cls, self.made)
        self.base = apache_class(demo.Demo2Request.__fields__[1].type.cls, self.made)[0]
        self._request = apache_class(demo.Demo2Request, self.made)[0]

    def get_item(self, seqid, number, base=None, name="GetItem", answered=""):
        protocol = self.protocol
        protocol.writeMessageBegin(name, TMessageType.CALL, seqid)
        request = self._request(ItemId=number, Base=base)
        self.made[self._method.args][0](req=request).write(protocol)
        protocol.writeMessageEnd()
        protocol.trans.flush()
        replied, kind, found = protocol.readMessageBegin()
        assert (replied, found) == (answered or name, seqid)
        if kind == TMessageType.EXCEPTION:
            error = TApplicationException()
            error.read(protocol)
            protocol.readMessageEnd()
            raise error
        result = self.made[self._method.result][0]()
        result.read(protocol)
        protocol.readMessageEnd()
        return result


@pytest.mark.parametrize("how", CLIENTS)
def test_a_caller_is_answered_in_its_own_form(start, handler, demo, bench, how) -> None:
    socket = TSocket("127.0.0.1", start(handler))
    socket.setTimeout(10_000)
    socket.open()
    try:
        client = Client(demo, socket, how)
        base = client.base(LogID="2017041721432901000304821652640c", Caller="toutiao.legacy.web")
        assert client.get_item(1, 7, base).success.item.ItemName == "123"
        assert client.get_item(-2, 404).missing.ItemId == 404
        with pytest.raises(TApplicationException, match="internal error") as caught:
            client.get_item(3, 500)
        assert caught.value.type == TApplicationException.INTERNAL_ERROR
        with pytest.raises(TApplicationException, match="no method 'Nowhere'"):
            client.get_item(4, 1, name="Nowhere")
        assert client.get_item(5, 8).success.item.ItemId == 8
    finally:
        socket.close()
    rows = bench.facts()
    assert (rows[0]["logid"], rows[0]["caller"]) == (base.LogID, base.Caller)
    assert [row["outcome"] for row in rows] == [
        "ok", "business", "internal", "unimplemented", "ok",
    ]  # fmt: skip


def test_a_multiplexed_caller(start, handler, demo, bench) -> None:
    """``TMultiplexedProtocol`` puts the name of the service before that of the method."""
    socket = TSocket("127.0.0.1", start(handler))
    socket.setTimeout(10_000)
    socket.open()
    try:
        client = Client(demo, socket, "framed binary")
        plain = client.protocol
        client.protocol = TMultiplexedProtocol(plain, "DemoService")
        assert client.get_item(1, 7).success.item.ItemName == "123"
        with pytest.raises(TApplicationException, match="no method 'Nowhere'"):
            client.get_item(2, 7, name="Nowhere", answered="DemoService:Nowhere")
        client.protocol = TMultiplexedProtocol(plain, "Other")
        with pytest.raises(TApplicationException, match="DemoService is served here, not 'Other'"):
            client.get_item(3, 7, answered="Other:GetItem")
    finally:
        socket.close()
    assert [row["method"] for row in bench.facts()] == [
        "GetItem", "DemoService:Nowhere", "Other:GetItem",
    ]  # fmt: skip
