"""How a server behaves when calls are not all cheap and connections not all busy."""

from collections.abc import Callable

from bench import Bench
from common.measure import Broken, Measured
from common.stats import Series, ratio
from common.table import Goal, Report, figure, middle, noise, values
from peers import FLOOR, GRPCIO, PIE, Peer
from workload.data import SLEEP_MS, SPIN_ROUNDS

_THREADS = 64
_CONNECTIONS = 16
_IDLE = 2000
_TAIL_RATE = 500.0
_SPINNERS = 2


def blocking(bench: Bench) -> Report:
    """Handlers that sleep: how near 64 threads come to what they could do."""
    ideal = _THREADS / SLEEP_MS * 1e3
    with bench.servers(*bench.everyone, threads=_THREADS) as servers:

        def cell(peer: Peer) -> Measured:
            return bench.measure(peer, servers[peer], "Sleep", bench.load(_THREADS))

        rounds = bench.interleave(bench.everyone, cell)
    report = Report(
        f"Blocking: handlers that sleep {SLEEP_MS} ms, {_THREADS} threads, {_THREADS} connections; "
        f"ideal {ideal:,.0f} calls/s",
        ("", "QPS", "% of ideal", "CPU µs", "p99 µs", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for peer in bench.everyone:
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
    measured = rounds.series(PIE, lambda each: each.qps / ideal * 100)
    report.goals = [Goal("Pie's share of the ideal", "≥", 85, measured, "%")]
    return report


def idle(bench: Bench) -> Report:
    """What connections that do nothing cost those that do something."""
    peers = (FLOOR, *_without_grpcio(bench))

    def cell(peer: Peer) -> tuple[Measured, Measured, float]:
        # A server for each time: memory, once used, would not be used anew.
        with bench.start(peer) as server:
            alone = bench.measure(peer, server, "Echo", bench.load(_CONNECTIONS))
            before = server.rss
            load = bench.load(_CONNECTIONS, idle=_IDLE)
            beside = bench.measure(peer, server, "Echo", load)
            _no_errors(beside)
            return alone, beside, (beside.rss - before) / _IDLE / 1e3

    rounds = bench.interleave(peers, cell)
    report = Report(
        f"Idle: {_IDLE:,} idle connections beside {_CONNECTIONS} that echo",
        ("", "kQPS, alone", "kQPS, beside", "lost %", "CPU lost %", "resident kB each"),
        data={},
        notes=[*rounds.why_broken(), *_left_out(bench)],
    )
    lost = {
        peer: rounds.series(peer, lambda each: _lost(each[1].qps, each[0].qps)) for peer in peers
    }
    size = {peer: rounds.series(peer, lambda each: each[2]) for peer in peers}
    for peer in peers:
        cells = (
            rounds.series(peer, lambda each: each[0].qps / 1e3),
            rounds.series(peer, lambda each: each[1].qps / 1e3),
            lost[peer],
            rounds.series(peer, lambda each: _lost(each[0].cpu, each[1].cpu)),
            size[peer],
        )
        report.rows.append((peer.name, *map(middle, cells)))
        report.data[peer.name] = {"lost": values(lost[peer]), "kB": values(size[peer])}
    report.goals = [
        Goal("Pie's QPS lost", "≤", 3, lost[PIE], "%"),
        Goal("Pie's resident memory of a connection", "≤", 8, size[PIE], " kB"),
    ]
    return report


def twocore(bench: Bench) -> Report:
    """Whether a second core helps or harms: threads that fight for the interpreter harm."""
    peers = _without_grpcio(bench)
    with bench.servers(*peers) as servers:

        def cell(peer: Peer, cores: int) -> Measured:
            server = servers[peer]
            if isinstance(server, str):
                raise Broken(server)
            if len(bench.cores.both) < 2:
                raise Broken("this machine has one core")
            server.allow(bench.cores.both if cores == 2 else bench.cores.server)
            return bench.measure(peer, server, "Echo", bench.load(_CONNECTIONS))

        keys = [(peer, cores) for peer in peers for cores in (1, 2)]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        f"Two cores: Echo on {_CONNECTIONS} connections, server allowed two cores ÷ one",
        ("", "kQPS, one", "kQPS, two", "QPS ratio", "CPU µs, one", "CPU µs, two", "noise"),
        data={},
        notes=[*rounds.why_broken(), *_left_out(bench)],
    )
    ratios: dict[Peer, Series | None] = {}
    for peer in peers:
        one, two = (rounds.series((peer, cores), lambda each: each.qps / 1e3) for cores in (1, 2))
        cpu = [rounds.series((peer, cores), lambda each: each.cpu) for cores in (1, 2)]
        ratios[peer] = share = ratio(two, one)
        cells = (middle(one), middle(two), middle(share, 2), middle(cpu[0]), middle(cpu[1]))
        report.rows.append((peer.name, *cells, noise(share)))
        report.data[peer.name] = values(share)
    report.goals = [Goal("Pie's QPS, two cores ÷ one", "≥", 0.9, ratios[PIE])]
    if len(bench.cores.both) > 1 and bench.cores.both & bench.cores.generator:
        report.notes.append("the second core is the generator's, too: this machine has no third")
    return report


def growth(bench: Bench) -> Report:
    """From ten connections to ten thousand, all of them calling."""
    peers = (FLOOR, PIE)

    def cell(peer: Peer, connections: int) -> tuple[Measured, float]:
        with bench.start(peer) as server:
            before = server.rss
            load = bench.load(connections)
            # Every connection is to have had its turn, also of a server that is slow.
            load = load._replace(warm_up=max(load.warm_up, connections / 5000))
            load = load._replace(seconds=max(load.seconds, connections / 2500))
            found = bench.measure(peer, server, "Echo", load)
            _no_errors(found)
            return found, (found.rss - before) / 1e6

    keys = [(peer, number) for peer in peers for number in bench.growth]
    rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        "Growth: Echo on ever more connections, one call at a time on each",
        ("", "conns", "kQPS", "CPU µs", "p99 ms", "MB grown", "noise"),
        data=[],
        notes=rounds.why_broken(),
    )
    for key in keys:
        qps = rounds.series(key, lambda each: each[0].qps)
        cpu = rounds.series(key, lambda each: each[0].cpu)
        late = rounds.series(key, lambda each: each[0].p99 / 1e3)
        size = rounds.series(key, lambda each: each[1])
        cells = (figure(qps.median / 1e3 if qps else None), middle(cpu), middle(late))
        report.rows.append((key[0].name, f"{key[1]:,}", *cells, middle(size), noise(cpu)))
        figures = {"qps": values(qps), "cpu": values(cpu), "grown_mb": values(size)}
        report.data.append({"peer": key[0].name, "connections": key[1], **figures})
    return report


def tail(bench: Bench) -> Report:
    """How long cheap calls wait while handlers compute."""
    peers = _without_grpcio(bench)
    with bench.servers(*peers) as servers:

        def cell(peer: Peer, beside: str) -> Measured:
            server, load = servers[peer], bench.load(_CONNECTIONS, rate=_TAIL_RATE)
            if beside == "alone":
                return bench.measure(peer, server, "Echo", load)
            with bench.beside(peer, server, "Spin", bench.load(_SPINNERS)):
                return bench.measure(peer, server, "Echo", load)

        keys = [(peer, beside) for peer in peers for beside in ("alone", "beside")]
        rounds = bench.interleave(keys, lambda key: cell(*key))
    report = Report(
        f"Tail: {_TAIL_RATE:.0f} echoes a second on time, alone and beside {_SPINNERS} connections "
        f"whose handlers compute ({SPIN_ROUNDS:,} rounds of a loop) all the time",
        ("", "p50 ms, alone", "p99 ms, alone", "p50 ms, beside", "p99 ms, beside", "noise"),
        data={},
        notes=[*rounds.why_broken(), *_left_out(bench)],
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


def _without_grpcio(bench: Bench) -> tuple[Peer, ...]:
    return tuple(peer for peer in bench.everyone if peer != GRPCIO)


def _left_out(bench: Bench) -> list[str]:
    if GRPCIO not in bench.others:
        return []
    return ["grpcio is left out: its generator cannot do this, or not beside the server"]


def _milliseconds(name: str) -> Callable[[Measured], float]:
    return lambda each: getattr(each, name) / 1e3


def _lost(less: float, more: float) -> float:
    """Percent."""
    return 100 * (1 - less / more)


def _no_errors(measured: Measured) -> None:
    if measured.errors:
        raise Broken(f"{measured.errors} errors, the first: {measured.first_error}")
