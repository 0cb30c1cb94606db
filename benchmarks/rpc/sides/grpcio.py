"""gRPC: its own server with a pool of threads, protobuf messages in C."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import google.protobuf
import grpc

from common.serving import ready, wait_for_stop
from sides.side import Codec, Side, Thunk, main
from workload.data import BASE, IDS, TEXT
from workload.handler import Handler, Types

sys.path.insert(0, str(Path(sys.prefix) / "generated"))
import bench_pb2
import bench_pb2_grpc

types = Types(
    bench_pb2.Item,
    bench_pb2.MGetItemsResponse,
    bench_pb2.BaseResp,
    ("status_message", "status_code"),
)


class Servicer(bench_pb2_grpc.BenchServicer):
    def __init__(self) -> None:
        self._handler = Handler(types)

    def Echo(self, request: Any, context: Any) -> Any:
        return bench_pb2.Text(text=self._handler.Echo(request.text))

    def MGetItems(self, request: Any, context: Any) -> Any:
        return self._handler.MGetItems(request)

    def Sleep(self, request: Any, context: Any) -> Any:
        return bench_pb2.Number(number=self._handler.Sleep(request.number))

    def Spin(self, request: Any, context: Any) -> Any:
        return bench_pb2.Number(number=self._handler.Spin(request.number))


class Grpc(Side):
    def about(self) -> str:
        return f"grpcio {grpc.__version__} sync, protobuf {google.protobuf.__version__}"

    def serve(self, threads: int, variant: str) -> None:
        server = grpc.server(ThreadPoolExecutor(threads))
        bench_pb2_grpc.add_BenchServicer_to_server(Servicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        ready(port)
        wait_for_stop()
        server.stop(0)

    def client(self, port: int, variant: str) -> Mapping[str, Thunk]:
        stub = bench_pb2_grpc.BenchStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return {
            "Echo": lambda: stub.Echo(bench_pb2.Text(text=TEXT)).text,
            "MGetItems": lambda: stub.MGetItems(request()),
        }

    def codec(self) -> Mapping[str, Codec]:
        response = Handler(types).MGetItems(request())
        return {"request": _codec(request()), "response": _codec(response)}


def request() -> Any:
    """The argument of ``MGetItems``."""
    base = bench_pb2.Base(
        log_id=BASE["LogID"],
        caller=BASE["Caller"],
        addr=BASE["Addr"],
        client=BASE["Client"],
    )
    return bench_pb2.MGetItemsRequest(ids=IDS, base=base)


def _codec(value: Any) -> Codec:
    data, kind = value.SerializeToString(), type(value)
    return Codec(value.SerializeToString, lambda: kind.FromString(data))


if __name__ == "__main__":
    main(Grpc())
