"""How a server behaves when calls are not all cheap and connections not all busy."""

from collections.abc import Callable, Sequence
from typing import Any

from common.bench import Bench, Mix, P
from common.measure import Broken, Measured
from common.stats import Series, ratio
from common.table import Goal, Report, figure, middle, noise, values

_CONNECTIONS = 16
_IDLE = 2000
_TAIL_RATE = 500.0
_SLOW = 2


def blocking(
    bench: Bench[P],
    peers: Sequence[P],
    mix: str | Mix,
    *,
    threads: int,
    milliseconds: float,
    limit: float,
    **options: Any,
) -> Report:
    """Handlers that sleep: how near many threads come to what they could do.

    Args:
        bench: measures.
        peers: that take part.
        mix: calls of the handler that sleeps.
        threads: that run handlers; as many connections call.
        milliseconds: that the handler sleeps.
        limit: percent of the ideal that Pie is to reach.
        options: of the servers.
    """
    ideal = threads / milliseconds * 1e3
    with bench.servers(*peers, threads=threads, **options) as servers:

        def cell(peer: P) -> Measured:
            return bench.measure(peer, servers[peer], mix, bench.load(threads))

        rounds = bench.interleave(peers, cell)
    report = Report(
        f"Blocking: handlers that sleep {milliseconds} ms, {threads} threads, {threads} "
        f"connections; ideal {ideal:,.0f} calls/s",
        ("", "QPS", "% of ideal", "CPU µs", "p99 µs", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for peer in peers:
        share = rounds.series(peer, lambda each: each.qps / ideal * 100)
        report.rows.append(
            (
                peer.name,
                middle(rounds.series(peer, lambda each: each.qps), 0),
                middle(share),
                middle(rounds.series(peer, lambda each: each.cpu)),
                middle(rounds.series(peer, lambda each: each.p99), 0),
                noise(share),
            )
        )
        report.data[peer.name] = values(share)
    measured = rounds.series(bench.pie, lambda each: each.qps / ideal * 100)
    report.goals = [Goal(f"{bench.pie.name}'s share of the ideal", "≥", limit, measured, "%")]
    return report


def idle(
    bench: Bench[P],
    peers: Sequence[P],
    mix: str | Mix,
    *,
    kilobytes: float,
    percent: float,
    **options: Any,
) -> Report:
    """What connections that do nothing cost those that do something.

    Args:
        bench: measures.
        peers: that take part.
        mix: calls beside the idle connections.
        kilobytes: that a connection of Pie's may take.
        percent: of its calls per second that Pie may lose.
        options: of the servers.
    """

    def cell(peer: P) -> tuple[Measured, Measured]:
        # A server for each time: memory, once used, would not be used anew.
        with bench.start(peer, **options) as server:
            alone = bench.measure(peer, server, mix, bench.load(_CONNECTIONS))
            beside = bench.measure(peer, server, mix, bench.load(_CONNECTIONS, idle=_IDLE))
            if not beside.idle_lost:
                _no_errors(beside)
            return alone, beside

    rounds = bench.interleave(peers, cell)
    report = Report(
        f"Idle: {_IDLE:,} idle connections beside {_CONNECTIONS} that call",
        ("", "kQPS, alone", "kQPS, beside", "fewer %", "CPU, more %", "kB each", "PSS kB", "lost"),
        data={},
        notes=rounds.why_broken(),
    )
    fewer = {
        peer: rounds.series(peer, lambda each: _less(each[1].qps, each[0].qps)) for peer in peers
    }
    size = {peer: rounds.series(peer, _kilobytes("rss")) for peer in peers}
    lost = {peer: rounds.series(peer, lambda each: each[1].idle_lost) for peer in peers}
    for peer in peers:
        cells = (
            rounds.series(peer, lambda each: each[0].qps / 1e3),
            rounds.series(peer, lambda each: each[1].qps / 1e3),
            fewer[peer],
            rounds.series(peer, lambda each: -_less(each[1].cpu, each[0].cpu)),
            size[peer],
            rounds.series(peer, _kilobytes("pss")),
        )
        report.rows.append((peer.name, *map(middle, cells), middle(lost[peer], 0)))
        report.data[peer.name] = {"fewer": values(fewer[peer]), "kB": values(size[peer])}
        report.data[peer.name]["lost"] = values(lost[peer])
    name = bench.pie.name
    report.goals = [
        Goal(f"{name}'s idle connections lost", "≤", 0, lost.get(bench.pie)),
        Goal(f"{name}'s calls per second lost", "≤", percent, fewer.get(bench.pie), "%"),
        Goal(
            f"{name}'s resident memory of a connection", "≤", kilobytes, size.get(bench.pie), " kB"
        ),
    ]
    return report


def twocore(
    bench: Bench[P], peers: Sequence[P], mix: str | Mix, *, limit: float, **options: Any
) -> Report:
    """Whether a second core helps or harms: threads that fight for the interpreter harm.

    Args:
        bench: measures.
        peers: that take part.
        mix: calls to make.
        limit: of Pie's calls per second with two cores, divided by those with one.
        options: of the servers.
    """
    with bench.servers(*peers, **options) as servers:

        def cell(peer: P, cores: int) -> Measured:
            server = servers[peer]
            if isinstance(server, str):
                raise Broken(server)
            if len(bench.cores.both) < 2:
                raise Broken("this machine has one core")
            server.allow(bench.cores.both if cores == 2 else bench.cores.server)
            return bench.measure(peer, server, mix, bench.load(_CONNECTIONS))

        keys = [(peer, cores) for peer in peers for cores in (1, 2)]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        f"Two cores: {_CONNECTIONS} connections, server allowed two cores ÷ one",
        ("", "kQPS, one", "kQPS, two", "QPS ratio", "CPU µs, one", "CPU µs, two", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    ratios: dict[P, Series | None] = {}
    for peer in peers:
        one, two = (rounds.series((peer, cores), lambda each: each.qps / 1e3) for cores in (1, 2))
        cpu = [rounds.series((peer, cores), lambda each: each.cpu) for cores in (1, 2)]
        ratios[peer] = share = ratio(two, one)
        cells = (middle(one), middle(two), middle(share, 2), middle(cpu[0]), middle(cpu[1]))
        report.rows.append((peer.name, *cells, noise(share)))
        report.data[peer.name] = values(share)
    report.goals = [
        Goal(f"{bench.pie.name}'s QPS, two cores ÷ one", "≥", limit, ratios.get(bench.pie))
    ]
    if len(bench.cores.both) > 1 and bench.cores.both & bench.cores.generator:
        report.notes.append("the second core is the generator's, too: this machine has no third")
    return report


def growth(bench: Bench[P], peers: Sequence[P], mix: str | Mix, **options: Any) -> Report:
    """From ten connections to ten thousand, all of them calling."""

    def cell(peer: P, connections: int) -> tuple[Measured, float]:
        with bench.start(peer, **options) as server:
            before = server.rss
            load = bench.load(connections)
            # Every connection is to have had its turn, also of a server that is slow.
            load = load._replace(warm_up=max(load.warm_up, connections / 5000))
            load = load._replace(seconds=max(load.seconds, connections / 2500))
            found = bench.measure(peer, server, mix, load)
            _no_errors(found)
            return found, (found.rss - before) / 1e6

    keys = [(peer, number) for peer in peers for number in bench.growth]
    rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        "Growth: ever more connections, one call at a time on each",
        ("", "conns", "kQPS", "CPU µs", "p99 ms", "MB grown", "unserved", "noise"),
        data=[],
        notes=rounds.why_broken(),
    )
    for key in keys:
        qps = rounds.series(key, lambda each: each[0].qps)
        cpu = rounds.series(key, lambda each: each[0].cpu)
        late = rounds.series(key, lambda each: each[0].p99 / 1e3)
        size = rounds.series(key, lambda each: each[1])
        cells = (figure(qps.median / 1e3 if qps else None), middle(cpu), middle(late))
        unserved = middle(rounds.series(key, lambda each: each[0].unserved), 0)
        shown = (*cells, middle(size), unserved, noise(cpu))
        report.rows.append((key[0].name, f"{key[1]:,}", *shown))
        figures = {"qps": values(qps), "cpu": values(cpu), "grown_mb": values(size)}
        report.data.append({"peer": key[0].name, "connections": key[1], **figures})
    return report


def tail(
    bench: Bench[P],
    peers: Sequence[P],
    mix: str | Mix,
    slow: str | Mix,
    what: str,
    **options: Any,
) -> Report:
    """How long calls wait while other handlers compute.

    Args:
        bench: measures.
        peers: that take part.
        mix: calls that are measured.
        slow: calls whose handlers compute.
        what: for the title.
        options: of the servers.
    """
    with bench.servers(*peers, **options) as servers:

        def cell(peer: P, beside: str) -> Measured:
            server, load = servers[peer], bench.load(_CONNECTIONS, rate=_TAIL_RATE)
            if beside == "alone":
                return bench.measure(peer, server, mix, load)
            with bench.beside(peer, server, slow, bench.load(_SLOW)):
                return bench.measure(peer, server, mix, load)

        keys = [(peer, beside) for peer in peers for beside in ("alone", "beside")]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        f"Tail: {_TAIL_RATE:.0f} calls a second on time, alone and beside {_SLOW} connections "
        f"whose handlers compute all the time ({what})",
        ("", "p50 ms, alone", "p99 ms, alone", "p50 ms, beside", "p99 ms, beside", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for peer in peers:
        cells = [
            rounds.series((peer, beside), _milliseconds(name))
            for beside in ("alone", "beside")
            for name in ("p50", "p99")
        ]
        report.rows.append((peer.name, *(middle(each, 2) for each in cells), noise(cells[-1])))
        report.data[peer.name] = {"p99_alone": values(cells[1]), "p99_beside": values(cells[3])}
    return report


def _milliseconds(name: str) -> Callable[[Measured], float]:
    return lambda each: getattr(each, name) / 1e3


def _kilobytes(name: str) -> Callable[[tuple[Measured, Measured]], float]:
    """Of one idle connection."""
    return lambda each: (getattr(each[1], name) - getattr(each[0], name)) / _IDLE / 1e3


def _less(less: float, more: float) -> float:
    """Percent."""
    return 100 * (1 - less / more)


def _no_errors(measured: Measured) -> None:
    if measured.errors:
        raise Broken(f"{measured.errors} errors, the first: {measured.first_error}")
