"""What it costs to see a service: Pie, beside a server with the usual libraries."""

from bench import Bench
from common.measure import Measured
from common.stats import ratio
from common.table import Goal, Report, middle, noise, values
from peers import GRANIAN, Peer

_CONNECTIONS = 16
_APPS = {"bare": "flask_app", "observed": "observed_app"}


def instrument(bench: Bench) -> Report:
    """Flask hello: bare, on Pie, and observed by the usual libraries."""
    granian = GRANIAN in bench.others
    keys = [(bench.pie, "everything on")]
    keys += [(GRANIAN, name) for name in _APPS if granian]
    with (
        bench.servers(bench.pie, app="flask_app") as own,
        bench.servers(*[GRANIAN] * granian, app="flask_app") as bare,
        bench.servers(*[GRANIAN] * granian, app="observed_app") as observed,
    ):
        running = {"everything on": own, "bare": bare, "observed": observed}

        def cell(peer: Peer, how: str) -> Measured:
            return bench.measure(peer, running[how][peer], "/hello", bench.load(_CONNECTIONS))

        rounds = bench.interleave(keys, lambda key: cell(*key))
    cpu = {key: rounds.series(key, lambda each: each.cpu) for key in keys}
    report = Report(
        "Instrumentation: Flask hello; observed = OpenTelemetry + prometheus_client + a line of "
        "the standard library's logging",
        ("", "CPU µs", f"CPU ÷ {bench.pie.name}'s", "kQPS", "p99 µs", "MB", "noise"),
        data={},
        notes=rounds.why_broken(),
    )
    for key in keys:
        report.rows.append(
            (
                f"{key[0].name}, {key[1]}",
                middle(cpu[key]),
                middle(ratio(cpu[key], cpu[keys[0]]), 2),
                middle(rounds.series(key, lambda each: each.qps / 1e3)),
                middle(rounds.series(key, lambda each: each.p99), 0),
                middle(rounds.series(key, lambda each: each.pss / 1e6)),
                noise(cpu[key]),
            )
        )
        report.data[f"{key[0].name}, {key[1]}"] = values(cpu[key])
    measured = ratio(cpu.get((GRANIAN, "observed")), cpu[keys[0]])
    report.goals = [Goal(f"granian's CPU, observed ÷ {bench.pie.name}'s", "≥", 3, measured)]
    return report
