"""The classes Pie makes of bench.thrift."""

from pathlib import Path

from pie.thrift import Struct, load_module
from workload.data import BASE
from workload.handler import Types

IDL = Path(__file__).parent / "bench.thrift"

bench = load_module(IDL.read_text(), path="bench.thrift")
types = Types(bench.Item, bench.MGetItemsResponse, bench.BaseResp)


def request(ids: list[int]) -> Struct:
    """The argument of ``MGetItems``."""
    return bench.MGetItemsRequest(ids=ids, base=bench.Base(**BASE))
