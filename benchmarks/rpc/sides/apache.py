"""Apache Thrift: a thread per connection, the binary protocol accelerated in C, framed."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from thrift.protocol.TBinaryProtocol import (
    TBinaryProtocolAccelerated,
    TBinaryProtocolAcceleratedFactory,
)
from thrift.server.TServer import TThreadedServer
from thrift.transport import TSocket, TTransport

from common.serving import free_port, ready
from sides.side import Codec, Side, Thunk, main
from workload import apache_types as bench
from workload.data import BASE, IDS, TEXT
from workload.handler import Handler, Types

types = Types(bench.Item, bench.MGetItemsResponse, bench.BaseResp)


class Apache(Side):
    def about(self) -> str:
        _need_accelerator()
        version = importlib.metadata.version("thrift")
        return f"Apache thrift {version}, fastbinary in C, TThreadedServer, framed"

    def serve(self, threads: int, variant: str) -> None:
        _need_accelerator()
        port = free_port()
        listener = TSocket.TServerSocket("127.0.0.1", port)
        server = TThreadedServer(
            bench.Processor(Handler(types)),
            listener,
            TTransport.TFramedTransportFactory(),
            TBinaryProtocolAcceleratedFactory(),
            daemon=True,
        )
        ready(port)
        server.serve()

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        _need_accelerator()
        transport = TTransport.TFramedTransport(TSocket.TSocket("127.0.0.1", port))
        transport.open()
        client = bench.Client(TBinaryProtocolAccelerated(transport))
        return {
            "Echo": lambda: client.call("Echo", TEXT),
            "MGetItems": lambda: client.call("MGetItems", _request()),
        }

    def codec(self) -> Mapping[str, Codec]:
        _need_accelerator()
        request = _request()
        response = Handler(types).MGetItems(request)
        return {"request": _codec(request), "response": _codec(response)}


def _need_accelerator() -> None:
    try:
        from thrift.protocol import fastbinary  # noqa: F401 - to see that it is there
    except ImportError as error:
        raise NotImplementedError(f"Apache thrift came without its accelerator: {error}") from None


def _request() -> bench.MGetItemsRequest:
    return bench.MGetItemsRequest(ids=IDS, base=bench.Base(**BASE))


def _codec(value: Any) -> Codec:
    def encode() -> bytes:
        buffer = TTransport.TMemoryBuffer()
        value.write(TBinaryProtocolAccelerated(buffer))
        return buffer.getvalue()

    data, kind = encode(), type(value)

    def decode() -> Any:
        found = kind()
        found.read(TBinaryProtocolAccelerated(TTransport.TMemoryBuffer(data)))
        return found

    return Codec(encode, decode)


if __name__ == "__main__":
    main(Apache())
