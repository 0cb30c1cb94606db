"""How a server behaves when views take their time, and connections are many."""

from bench import Bench
from common import servers
from common.measure import Measured
from common.table import Report, middle, noise, values
from peers import FLOOR, UWSGI, UWSGI_HTTP, Peer
from sections.cases import without_fastapi
from workload.data import COMPUTE_SECONDS, SLEEP_MS, WAIT_SECONDS

_CONNECTIONS = 16
_UWSGI = (UWSGI, UWSGI_HTTP)
_KILOBYTES = 2
"""Of an idle connection of Pie's."""


def mixed(bench: Bench) -> Report:
    """Views that compute beside views that wait: the first fill the processor, the second should
    not wait for them longer than they must."""
    mix = {"/compute": 1, "/wait": 1}
    with bench.servers(*bench.everyone, app="flask_app") as running:

        def cell(peer: Peer) -> Measured:
            return bench.measure(peer, running[peer], mix, bench.load(_CONNECTIONS))

        rounds = bench.interleave(bench.everyone, cell)
    compute, wait = COMPUTE_SECONDS * 1e3, WAIT_SECONDS * 1e3
    report = Report(
        f"Flask, views that compute {compute:g} ms beside as many that wait {wait:g} ms, "
        f"{_CONNECTIONS} connections",
        ("", "QPS", "wait: p50 ms", "p99 ms", "compute: p50 ms", "p99 ms", "CPU µs", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for peer in bench.everyone:
        qps = rounds.series(peer, lambda each: each.qps)
        late = {
            (kind, name): rounds.series(peer, lambda each, k=kind, n=name: _late(each, k, n))
            for kind in ("wait", "compute")
            for name in ("p50", "p99")
        }
        cells = (middle(each) for each in late.values())
        cpu = middle(rounds.series(peer, lambda each: each.cpu), 0)
        report.rows.append((peer.name, middle(qps, 0), *cells, cpu, noise(qps)))
        report.data[peer.name] = {"qps": values(qps)}
        report.data[peer.name] |= {" ".join(key): values(each) for key, each in late.items()}
    return report


def sleep(bench: Bench) -> Report:
    """Views that sleep: how near 64 threads come to what they could do."""
    peers = without_fastapi(bench)
    return servers.blocking(
        bench, peers, "/sleep", threads=64, milliseconds=SLEEP_MS, limit=90, app="bare_app"
    )


def idle(bench: Bench) -> Report:
    """What connections that do nothing cost those that do something."""
    peers = _with_many(bench)
    report = servers.idle(bench, peers, "/hello", kilobytes=_KILOBYTES, percent=3, app="bare_app")
    report.notes.append("each connection has made one request before it is idle")
    return _noted(bench, report)


def twocore(bench: Bench) -> Report:
    """Whether a second core helps or harms: threads that fight for the interpreter harm."""
    return servers.twocore(bench, without_fastapi(bench), "/hello", limit=0.95, app="bare_app")


def growth(bench: Bench) -> Report:
    """From ten connections to ten thousand, all of them calling."""
    return _noted(bench, servers.growth(bench, _with_many(bench), "/hello", app="bare_app"))


def _with_many(bench: Bench) -> tuple[Peer, ...]:
    """The servers that can have many connections."""
    return (FLOOR, *(peer for peer in without_fastapi(bench) if peer not in _UWSGI))


def _noted(bench: Bench, report: Report) -> Report:
    if set(_UWSGI) & set(bench.everyone):
        report.notes.append(
            "uWSGI is left out: it gives each connection a thread, or closes it after a reply"
        )
    return report


def _late(measured: Measured, view: str, name: str) -> float:
    """Milliseconds of one view."""
    (kind,) = (each for each in measured.kinds if each["method"].endswith(f"/{view}"))
    return kind[name] / 1e3
