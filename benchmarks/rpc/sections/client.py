"""What one call costs its caller: sync clients against one responder in C."""

from bench import Bench
from common.measure import Broken, Server
from common.stats import Rounds, Series, ratio
from common.table import Goal, Report, figure, middle, noise, values
from peers import FLOOR, GRPCIO, PIE, PIE_TTHEADER, THRIFTPY2, Peer

_GOALS = {"Echo": 0.6, "MGetItems": 0.4}
Cells = Rounds[tuple[str, Peer], dict[str, float]]


def client(bench: Bench) -> Report:
    """CPU time of a client's process per call, one thread, one connection."""
    peers = (PIE, PIE_TTHEADER, *bench.others)
    own = [peer for peer in peers if peer == GRPCIO]
    away = bench.cores.generator
    with (
        bench.servers(FLOOR, cores=away, canned=True) as floor,
        bench.servers(*own, cores=away) as others,
    ):

        def cell(method: str, peer: Peer) -> dict[str, float]:
            return _call(bench, peer, others.get(peer, floor[FLOOR]), method)

        keys = [(method, peer) for method in _GOALS for peer in peers]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        "Client: CPU of one sync call, against canned answers of one responder in C",
        ("", "method", "CPU µs", "calls/s", "÷ thriftpy2's", "noise"),
        data=[],
        notes=rounds.why_broken(),
    )
    for method, peer in keys:
        cpu = _cpu(rounds, method, peer)
        rate = rounds.series((method, peer), lambda each: each["calls"] / each["seconds"])
        share = ratio(cpu, _cpu(rounds, method, THRIFTPY2))
        cells = (middle(cpu), figure(rate.median if rate else None, 0), middle(share, 2))
        report.rows.append((peer.name, method, *cells, noise(cpu)))
        report.data.append({"peer": peer.name, "method": method, "cpu": values(cpu)})
    report.goals = [
        Goal(
            f"Pie's CPU ÷ thriftpy2's, {method}",
            "≤",
            limit,
            ratio(_cpu(rounds, method, PIE), _cpu(rounds, method, THRIFTPY2)),
        )
        for method, limit in _GOALS.items()
    ]
    if own:
        report.notes.append("grpcio calls its own server: the responder speaks no HTTP/2")
    return report


def _call(bench: Bench, peer: Peer, server: Server | str, method: str) -> dict[str, float]:
    if isinstance(server, str):
        raise Broken(server)
    arguments = [f"--port={server.port}", f"--method={method}", f"--seconds={bench.seconds}"]
    return bench.side(peer, "call", *arguments, f"--variant={peer.transport}")


def _cpu(rounds: Cells, method: str, peer: Peer) -> Series | None:
    return rounds.series((method, peer), lambda each: each["cpu"] / each["calls"] * 1e6)
