"""thriftpy2: a thread per connection, the Cython binary protocol, framed."""

from collections.abc import Mapping
from pathlib import Path

import thriftpy2
from thriftpy2.protocol import TCyBinaryProtocol, TCyBinaryProtocolFactory
from thriftpy2.rpc import make_client, make_server
from thriftpy2.transport import TCyFramedTransportFactory, TCyMemoryBuffer

from common.serving import free_port, ready
from sides.side import Codec, Side, Thunk, main
from workload.data import BASE, IDS, TEXT
from workload.handler import Handler, Types

IDL = Path(__file__).parent.parent / "workload" / "bench.thrift"
bench = thriftpy2.load(str(IDL), module_name="bench_thrift")
types = Types(bench.Item, bench.MGetItemsResponse, bench.BaseResp)
FORM = {
    "proto_factory": TCyBinaryProtocolFactory(),
    "trans_factory": TCyFramedTransportFactory(),
}


class Thriftpy2(Side):
    def about(self) -> str:
        return f"thriftpy2 {thriftpy2.__version__}, Cython protocol, TThreadedServer, framed"

    def serve(self, threads: int, variant: str) -> None:
        port = free_port()
        server = make_server(
            bench.Bench, Handler(types), "127.0.0.1", port, client_timeout=None, **FORM
        )
        ready(port)
        server.serve()

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        client = make_client(bench.Bench, "127.0.0.1", port, timeout=10_000, **FORM)
        return {
            "Echo": lambda: client.Echo(TEXT),
            "MGetItems": lambda: client.MGetItems(_request()),
        }

    def codec(self) -> Mapping[str, Codec]:
        request = _request()
        response = Handler(types).MGetItems(request)
        return {"request": _codec(request), "response": _codec(response)}


def _request() -> object:
    return bench.MGetItemsRequest(ids=IDS, base=bench.Base(**BASE))


def _codec(value: object) -> Codec:
    def encode() -> bytes:
        buffer = TCyMemoryBuffer()
        TCyBinaryProtocol(buffer).write_struct(value)
        return buffer.getvalue()

    data, kind = encode(), type(value)

    def decode() -> object:
        found = kind()
        TCyBinaryProtocol(TCyMemoryBuffer(data)).read_struct(found)
        return found

    return Codec(encode, decode)


if __name__ == "__main__":
    main(Thriftpy2())
