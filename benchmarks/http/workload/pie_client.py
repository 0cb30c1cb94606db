"""Pie's own Thrift client; the callee is pinned by the environment."""

import os
from pathlib import Path

from pie.thrift import load_module
from workload.data import TEXT

_IDL = Path(os.environ["BENCH_IDL"])


class Client:
    """Calls Echo."""

    def __init__(self) -> None:
        bench = load_module(_IDL.read_text(), path=_IDL.name)
        self._client = bench.BenchClient("bench.thrift.server", timeout=10)

    def echo(self) -> str:
        return self._client.Echo(TEXT)
