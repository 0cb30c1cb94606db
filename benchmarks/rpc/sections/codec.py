"""The codec alone: values to bytes and bytes to values, nothing sent."""

from bench import Bench
from common.stats import Rounds, Series, ratio
from common.table import Goal, Report, figure, noise, values
from peers import MSGPACK, PIE, THRIFTPY2, Peer

_OPERATIONS = ("encode request", "decode request", "encode response", "decode response")
Cells = Rounds[Peer, dict[str, float]]


def codec(bench: Bench) -> Report:
    """Encode and decode request and response of MGetItems."""
    peers = (PIE, MSGPACK, *bench.others)

    def cell(peer: Peer) -> dict[str, float]:
        return bench.side(peer, "codec", f"--seconds={bench.seconds / 4}")

    rounds = bench.interleave(peers, cell)
    report = Report(
        "Codec: request and response of MGetItems, µs",
        ("", *_OPERATIONS, "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for peer in peers:
        series = [_series(rounds, peer, each) for each in _OPERATIONS]
        cells = [figure(each.median / 1e3 if each else None, 2) for each in series]
        worst = max((each for each in series if each), key=lambda each: each.noise, default=None)
        report.rows.append((peer.name, *cells, noise(worst)))
        report.data[peer.name] = dict(zip(_OPERATIONS, map(values, series), strict=True))
    report.goals = [
        *(_goal(rounds, THRIFTPY2, each, 8) for each in _OPERATIONS if "encode" in each),
        *(_goal(rounds, THRIFTPY2, each, 5) for each in _OPERATIONS if "decode" in each),
        *(_goal(rounds, MSGPACK, each, 1) for each in _OPERATIONS),
    ]
    return report


def _series(rounds: Cells, peer: Peer, operation: str) -> Series | None:
    return rounds.series(peer, lambda each: each[operation])


def _goal(rounds: Cells, peer: Peer, operation: str, limit: float) -> Goal:
    measured = ratio(_series(rounds, peer, operation), _series(rounds, PIE, operation))
    return Goal(f"{peer.name} ÷ Pie, {operation}", "≥", limit, measured)
