"""Calls served: QPS, CPU time and latency of Echo and of MGetItems, beside the other libraries."""

from bench import Bench
from common.calls import Calls
from common.stats import ratio
from common.table import Goal, Report
from peers import FLOOR, GRPCIO, PIE, PIE_TTHEADER, THRIFTPY2


def echo(bench: Bench) -> Report:
    """A text of 100 bytes, back as it came."""
    calls = _calls(bench, "Echo", "Echo: 100 bytes there and back")
    calls.report.goals = [
        calls.cpu_goal(THRIFTPY2, 1.8),
        calls.cpu_goal(GRPCIO, 12),
        Goal(
            f"Pie's CPU ÷ the C floor's, {calls.at} connections",
            "≤",
            1.3,
            ratio(calls.series(PIE, "cpu"), calls.series(FLOOR, "cpu")),
        ),
    ]
    return calls.report


def mgetitems(bench: Bench) -> Report:
    """Twenty ids there, twenty items of eight fields back."""
    title = "MGetItems: 20 ids there, 20 items of 8 fields back, Base and BaseResp"
    calls = _calls(bench, "MGetItems", title)
    calls.report.goals = [calls.cpu_goal(THRIFTPY2, 4), calls.cpu_goal(GRPCIO, 10)]
    return calls.report


def _calls(bench: Bench, method: str, title: str) -> Calls:
    peers = (FLOOR, PIE, PIE_TTHEADER, *bench.others)
    calls = Calls(bench, peers, method, title, canned=method != "Echo")
    if GRPCIO in bench.others:
        calls.report.notes.append(
            "load.c speaks no HTTP/2: grpcio is loaded by a grpc.aio client, one channel per "
            "connection"
        )
    return calls
