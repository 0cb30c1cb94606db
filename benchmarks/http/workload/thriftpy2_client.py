"""thriftpy2 as a service without Pie would use it: a connection for each thread."""

import os
import threading

import thriftpy2
from thriftpy2.protocol import TCyBinaryProtocolFactory
from thriftpy2.rpc import make_client
from thriftpy2.transport import TCyFramedTransportFactory

from workload.data import TEXT

_PORT = int(os.environ["BENCH_THRIFT_PORT"])


class Client:
    """Calls Echo."""

    def __init__(self) -> None:
        self._bench = thriftpy2.load(os.environ["BENCH_IDL"], module_name="bench_thrift")
        self._local = threading.local()

    def echo(self) -> str:
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = make_client(
                self._bench.Bench,
                "127.0.0.1",
                _PORT,
                timeout=10_000,
                proto_factory=TCyBinaryProtocolFactory(),
                trans_factory=TCyFramedTransportFactory(),
            )
        return client.Echo(TEXT)
