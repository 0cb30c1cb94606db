"""How a server behaves when calls are not all cheap and connections not all busy."""

from bench import Bench
from common import servers
from common.table import Report
from peers import FLOOR, GRPCIO, Peer
from workload.data import SLEEP_MS, SPIN_ROUNDS


def blocking(bench: Bench) -> Report:
    """Handlers that sleep: how near 64 threads come to what they could do."""
    peers = bench.everyone
    return servers.blocking(bench, peers, "Sleep", threads=64, milliseconds=SLEEP_MS, limit=85)


def idle(bench: Bench) -> Report:
    """What connections that do nothing cost those that do something."""
    peers = (FLOOR, *_without_grpcio(bench))
    return _noted(bench, servers.idle(bench, peers, "Echo", kilobytes=8, percent=3))


def twocore(bench: Bench) -> Report:
    """Whether a second core helps or harms: threads that fight for the interpreter harm."""
    report = servers.twocore(bench, _without_grpcio(bench), "Echo", limit=0.9)
    return _noted(bench, report)


def growth(bench: Bench) -> Report:
    """From ten connections to ten thousand, all of them calling."""
    return servers.growth(bench, (FLOOR, bench.pie), "Echo")


def tail(bench: Bench) -> Report:
    """How long cheap calls wait while handlers compute."""
    what = f"{SPIN_ROUNDS:,} rounds of a loop"
    return _noted(bench, servers.tail(bench, _without_grpcio(bench), "Echo", "Spin", what))


def _without_grpcio(bench: Bench) -> tuple[Peer, ...]:
    return tuple(peer for peer in bench.everyone if peer != GRPCIO)


def _noted(bench: Bench, report: Report) -> Report:
    if GRPCIO in bench.others:
        report.notes.append(
            "grpcio is left out: its generator cannot do this, or not beside the server"
        )
    return report
