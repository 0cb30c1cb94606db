"""What one request costs, by what its view does."""

from bench import Bench
from common.calls import Calls
from common.measure import Broken
from common.stats import Series, ratio
from common.table import Goal, Report
from peers import CALLEE, FASTPYSGI, FLOOR, GRANIAN, GUNICORN, UVICORN, UWSGI, Peer


def hello(bench: Bench) -> Report:
    """A WSGI application without a framework."""
    peers = (FLOOR, *without_fastapi(bench))
    calls = Calls(bench, peers, "/hello", "Bare WSGI hello", app="bare_app")
    calls.report.goals = [
        calls.cpu_goal(FASTPYSGI, 0.75),
        calls.cpu_goal(UWSGI, 1.3),
        calls.cpu_goal(GRANIAN, 1.6),
        _tail_goal(bench, calls, peers),
    ]
    return calls.report


def flask(bench: Bench) -> Report:
    """The same by Flask."""
    calls = _flask(bench, "/hello", "Flask hello")
    calls.report.goals = [
        calls.cpu_goal(GUNICORN, 2.4),
        calls.cpu_goal(UWSGI, 1.1),
        calls.cpu_goal(GRANIAN, 0.95),
        _tail_goal(bench, calls, bench.everyone),
    ]
    return calls.report


def django(bench: Bench) -> Report:
    """The same by Django."""
    peers = without_fastapi(bench)
    return Calls(bench, peers, "/hello", "Django hello", app="django_app").report


def json(bench: Bench) -> Report:
    """A view that answers with data."""
    return _flask(bench, "/json", "Flask, 2 kB of JSON").report


def post(bench: Bench) -> Report:
    """A view that takes a body."""
    return _flask(bench, "/post", "Flask, POST of 10 kB").report


def file(bench: Bench) -> Report:
    """A view that sends a file."""
    return _flask(bench, "/file", "Flask, a file of 1 MB").report


def thrift(bench: Bench) -> Report:
    """A view that makes a Thrift call."""
    with bench.servers(CALLEE, cores=bench.cores.generator) as started:
        callee = started[CALLEE]
        if isinstance(callee, str):
            raise Broken(callee)
        title = "Flask, a view with one Thrift call, of an echo in C on the generator's core"
        report = _flask(bench, "/thrift", title, thrift_port=callee.port).report
    report.notes.append("Pie calls with its own client, the others with thriftpy2's")
    return report


def without_fastapi(bench: Bench) -> tuple[Peer, ...]:
    """The servers that run WSGI applications."""
    return tuple(peer for peer in bench.everyone if peer != UVICORN)


def _flask(bench: Bench, path: str, title: str, thrift_port: int = 0) -> Calls:
    options = {"app": "flask_app", "thrift_port": thrift_port}
    return Calls(bench, bench.everyone, path, title, **options)


def _tail_goal(bench: Bench, calls: Calls, peers: tuple[Peer, ...]) -> Goal:
    """How long the slowest of a hundred requests takes, beside the best peer's."""
    found = [calls.series(peer, "p99") for peer in peers if peer.packages]
    best: Series | None = min(
        (each for each in found if each), key=lambda each: each.median, default=None
    )
    measured = ratio(calls.series(bench.pie, "p99"), best)
    return Goal(f"{bench.pie.name}'s p99 ÷ the best peer's", "≤", 1.2, measured)
