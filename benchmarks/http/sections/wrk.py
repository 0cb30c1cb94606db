"""wrk beside the generator: whether another tool finds the same."""

import re
import shutil
import subprocess
import time
from typing import NamedTuple

from bench import Bench, ask
from common.machine import pinned
from common.measure import Broken, Server
from common.table import Report, figure, middle, noise, values
from peers import Peer
from sections.cases import without_fastapi

_CONNECTIONS = 16
_MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Told(NamedTuple):
    """What wrk says, and what the server used."""

    qps: float
    p99: float
    cpu: float
    errors: int


def wrk(bench: Bench) -> Report:
    """Bare WSGI hello, loaded by wrk and by the benchmark's generator in turn."""
    # wrk takes for an error that a server closes a connection.
    peers = tuple(peer for peer in without_fastapi(bench) if peer.keeps)
    report = Report(
        f"Bare WSGI hello loaded by wrk, {_CONNECTIONS} connections, and by the benchmark's own",
        ("", "wrk: kQPS", "CPU µs", "p99 µs", "errors", "own: kQPS", "CPU µs", "p99 µs", "noise"),
        data={},
    )
    program = shutil.which("wrk")
    if program is None:
        report.notes.append("wrk is not on the path; on Debian and Ubuntu: apt install wrk")
        return report
    with bench.servers(*peers, app="bare_app") as servers:

        def cell(peer: Peer) -> tuple[Told, Told]:
            own = bench.measure(peer, servers[peer], "/hello", bench.load(_CONNECTIONS))
            server = servers[peer]
            assert not isinstance(server, str)
            return _run(program, bench, server), Told(own.qps, own.p99, own.cpu, own.errors)

        rounds = bench.interleave(peers, cell)
    report.notes += rounds.why_broken()
    for peer in peers:
        cells = []
        for index in (0, 1):
            found = {
                name: rounds.series(peer, lambda each, i=index, n=name: getattr(each[i], n))
                for name in Told._fields
            }
            qps, errors = found["qps"], found["errors"]
            cells.append(figure(qps.median / 1e3 if qps else None))
            cells += [middle(found["cpu"]), middle(found["p99"], 0)]
            if index == 0:
                cells.append(figure(sum(errors.values) if errors else None, 0))
            report.data.setdefault(peer.name, []).append(values(qps))
        report.rows.append(
            (peer.name, *cells, noise(rounds.series(peer, lambda each: each[0].cpu)))
        )
    return report


def _run(program: str, bench: Bench, server: Server) -> Told:
    ask(server, "/hello")
    seconds = max(1, round(bench.seconds))  # wrk knows whole seconds only.
    command = [program, "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "--latency"]
    before = _cpu(server)
    with pinned(bench.cores.generator):
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{server.port}/hello"],
            capture_output=True, text=True, check=False, timeout=seconds + 60,
        )  # fmt: skip
    used = _cpu(server) - before
    return told_by_wrk(done.stdout, used)


def told_by_wrk(text: str, cpu_seconds: float) -> Told:
    """Read wrk's report.

    Raises:
        Broken: it is none.
    """
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    count = re.search(r"(\d+) requests in", text)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    if rate is None or count is None or late is None or not int(count[1]):
        raise Broken(f"wrk failed: {text.strip()[-200:]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    lost = re.search(r"Socket errors: (.*)", text)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, re.findall(r"\d+", lost[1]))) if lost else 0
    p99 = float(late[1]) * _MICROSECONDS[late[2]]
    return Told(float(rate[1]), p99, cpu_seconds / int(count[1]) * 1e6, errors)


def _cpu(server: Server) -> float:
    """Seconds of all threads, by the clock that clock_getcpuclockid(3) would name."""
    return sum(time.clock_gettime(~process << 3 | 2) for process in server.processes)
