"""Calls served: QPS, CPU time and latency of Echo and of MGetItems, beside the other libraries."""

from operator import attrgetter

from bench import Bench
from common.measure import Measured
from common.stats import Rounds, Series, ratio
from common.table import Goal, Report, figure, middle, noise, values
from peers import FLOOR, GRPCIO, PIE, PIE_TTHEADER, THRIFTPY2, Peer

_AT = 16
"""Connections the goals are for."""
_COLUMNS = ("", "conns", "kQPS", "CPU µs", "p50 µs", "p99 µs", "CPU ÷ Pie's", "noise", "errors")
_BUSY = 0.9
Cells = Rounds[tuple[Peer, int], Measured]


def echo(bench: Bench) -> Report:
    """A text of 100 bytes, back as it came."""
    report, rounds, at = _calls(bench, "Echo", "Echo: 100 bytes there and back")
    report.goals = [
        _cpu_goal(rounds, at, THRIFTPY2, 1.8),
        _cpu_goal(rounds, at, GRPCIO, 12),
        Goal(
            f"Pie's CPU ÷ the C floor's, {at} connections",
            "≤",
            1.3,
            ratio(_cpu(rounds, PIE, at), _cpu(rounds, FLOOR, at)),
        ),
    ]
    return report


def mgetitems(bench: Bench) -> Report:
    """Twenty ids there, twenty items of eight fields back."""
    title = "MGetItems: 20 ids there, 20 items of 8 fields back, Base and BaseResp"
    report, rounds, at = _calls(bench, "MGetItems", title)
    report.goals = [
        _cpu_goal(rounds, at, THRIFTPY2, 4),
        _cpu_goal(rounds, at, GRPCIO, 10),
    ]
    return report


def _calls(bench: Bench, method: str, title: str) -> tuple[Report, Cells, int]:
    peers = (FLOOR, PIE, PIE_TTHEADER, *bench.others)
    with bench.servers(*peers, canned=method != "Echo") as servers:

        def cell(peer: Peer, connections: int) -> Measured:
            return bench.measure(peer, servers[peer], method, bench.load(connections))

        keys = [(peer, number) for number in bench.connections for peer in peers]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    at = min(bench.connections, key=lambda number: abs(number - _AT))
    return _report(title, keys, rounds), rounds, at


def _report(title: str, keys: list[tuple[Peer, int]], rounds: Cells) -> Report:
    report = Report(title, _COLUMNS, data=[])
    limited = False
    for key in keys:
        peer, connections = key
        series = {
            name: rounds.series(key, attrgetter(name))
            for name in ("qps", "cpu", "p50", "p99", "errors", "generator_busy")
        }
        qps, cpu, errors, busy = (series[n] for n in ("qps", "cpu", "errors", "generator_busy"))
        mark = ""
        if busy is not None and busy.median > _BUSY:
            mark, limited = "*", True
        report.rows.append(
            (
                peer.name,
                str(connections),
                figure(qps.median / 1e3 if qps else None) + mark,
                middle(cpu),
                middle(series["p50"], 0),
                middle(series["p99"], 0),
                middle(ratio(cpu, _cpu(rounds, PIE, connections)), 2),
                noise(cpu),
                figure(sum(errors.values) if errors else None, 0),
            )
        )
        figures = {name: values(each) for name, each in series.items()}
        report.data.append({"peer": peer.name, "connections": connections, **figures})
    if limited:
        report.notes.append(
            "* the generator's core was full: these calls per second are the generator's, CPU per "
            "call is the server's own"
        )
    if any(peer == GRPCIO for peer, _ in keys):
        report.notes.append(
            "load.c speaks no HTTP/2: grpcio is loaded by a grpc.aio client, one channel per "
            "connection"
        )
    report.notes += rounds.why_broken()
    report.notes += _first_errors(rounds)
    return report


def _first_errors(rounds: Cells) -> list[str]:
    found = {}
    for (peer, _), results in rounds.results.items():
        for each in results:
            if each.errors:
                found[peer.name] = each.first_error
    return [f"{name}: an error was: {text}" for name, text in found.items()]


def _cpu(rounds: Cells, peer: Peer, connections: int) -> Series | None:
    return rounds.series((peer, connections), lambda each: each.cpu)


def _cpu_goal(rounds: Cells, at: int, peer: Peer, limit: float) -> Goal:
    return Goal(
        f"{peer.name}'s CPU ÷ Pie's, {at} connections",
        "≥",
        limit,
        ratio(_cpu(rounds, peer, at), _cpu(rounds, PIE, at)),
    )
