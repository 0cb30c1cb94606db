"""Calls served: CPU time, QPS, latency, memory; a row for each peer and number of connections."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from common.bench import Bench, Mix, P
from common.measure import Measured
from common.stats import Rounds, Series, ratio
from common.table import Goal, Report, figure, middle, noise, values

_AT = 16
"""Connections the goals are for."""
_BEFORE = ("", "conns", "CPU µs", "kQPS", "p50 µs", "p99 µs", "MB")
_BEHIND = ("noise", "errors")
_FIGURES = ("qps", "cpu", "p50", "p99", "pss", "errors", "generator_busy")
_BUSY = 0.9
Cells = Rounds[tuple[P, int], Measured]


class Calls:
    """One kind of call, or a mix, measured on the servers of several peers.

    Args:
        bench: measures.
        peers: that take part.
        mix: the calls.
        title: of the report.
        options: of the servers.
    """

    def __init__(
        self, bench: Bench[P], peers: Sequence[P], mix: str | Mix, title: str, **options: Any
    ) -> None:
        self._pie = bench.pie
        with bench.servers(*peers, **options) as servers:

            def cell(peer: P, connections: int) -> Measured:
                return bench.measure(peer, servers[peer], mix, bench.load(connections))

            keys = [(peer, number) for number in bench.connections for peer in peers]
            self._rounds: Cells[P] = bench.interleave(keys, lambda key: cell(*key))
        self.at = min(bench.connections, key=lambda number: abs(number - _AT))
        self.report = self._report(title, keys)

    def series(self, peer: P, name: str) -> Series | None:
        """One figure of a peer, at the connections that the goals are for."""
        return self._rounds.series((peer, self.at), attrgetter(name))

    def cpu_goal(self, peer: P, limit: float) -> Goal:
        """How much more CPU time a peer needs than Pie."""
        measured = ratio(self.series(peer, "cpu"), self.series(self._pie, "cpu"))
        return Goal(
            f"{peer.name}'s CPU ÷ {self._pie.name}'s, {self.at} connections", "≥", limit, measured
        )

    def _report(self, title: str, keys: list[tuple[P, int]]) -> Report:
        columns = (*_BEFORE, f"CPU ÷ {self._pie.name}'s", *_BEHIND)
        report = Report(title, columns, data=[])
        limited = False
        for peer, connections in keys:
            key = (peer, connections)
            series = {name: self._rounds.series(key, attrgetter(name)) for name in _FIGURES}
            qps, cpu, errors, busy = (series[n] for n in ("qps", "cpu", "errors", "generator_busy"))
            mark = ""
            if busy is not None and busy.median > _BUSY:
                mark, limited = "*", True
            own = self._rounds.series((self._pie, connections), attrgetter("cpu"))
            report.rows.append(
                (
                    peer.name,
                    str(connections),
                    middle(cpu),
                    figure(qps.median / 1e3 if qps else None) + mark,
                    middle(series["p50"], 0),
                    middle(series["p99"], 0),
                    figure(series["pss"].median / 1e6 if series["pss"] else None),
                    middle(ratio(cpu, own), 2),
                    noise(cpu),
                    figure(sum(errors.values) if errors else None, 0),
                )
            )
            figures = {name: values(each) for name, each in series.items()}
            report.data.append({"peer": peer.name, "connections": connections, **figures})
        if limited:
            report.notes.append(
                "* the generator's core was full: these calls per second are the generator's, CPU "
                "per call is the server's own"
            )
        report.notes += self._rounds.why_broken()
        report.notes += self._oddities()
        return report

    def _oddities(self) -> list[str]:
        """What went wrong, and who closes connections behind replies or serves not all of them."""
        errors, closing = {}, []
        unserved: dict[str, str] = {}
        for (peer, connections), results in self._rounds.results.items():
            for each in results:
                if each.errors:
                    errors[peer.name] = each.first_error
                if each.unserved:
                    unserved[peer.name] = f"{each.unserved} of {connections}"
            if results[-1].reopened and peer.name not in closing:
                closing.append(peer.name)
        notes = [f"{name}: an error was: {text}" for name, text in errors.items()]
        notes += [f"{name}: {text} connections got no reply" for name, text in unserved.items()]
        return notes + [f"{name}: closes a connection after each reply" for name in closing]
