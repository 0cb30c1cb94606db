"""What governance costs: Pie with more gates, or fewer, than a service gets by itself."""

from bench import Bench
from common.measure import Measured, Server
from common.stats import ratio
from common.table import Goal, Report, middle, noise, values
from peers import PIE

_CONNECTIONS = 16


def middlewares(bench: Bench) -> Report:
    """Three gates in Python, as an author of a service writes them."""
    return _compare(bench, "middlewares", "Middlewares: Echo with 3 gates in Python ÷ without", 0.8)


def rules(bench: Bench) -> Report:
    """A realistic set of rules: three of access and two of rate, all of which pass the calls."""
    title = "Rules: Echo under 3 rules of access and 2 of rate ÷ without"
    return _compare(bench, "rules", title, 0.92)


def observe(bench: Bench) -> Report:
    """Observation against none."""
    title = "Observation: Echo without trace, record and access log ÷ with them"
    return _compare(bench, "unobserved", title, None)


def _compare(bench: Bench, variant: str, title: str, limit: float | None) -> Report:
    with bench.servers(PIE) as plain, bench.servers(PIE, variant=variant) as changed:

        def cell(name: str) -> Measured:
            server = changed[PIE] if name == variant else plain[PIE]
            return bench.measure(PIE, server, "Echo", bench.load(_CONNECTIONS))

        keys = ("plain", variant)
        rounds = bench.interleave(keys, cell)
        _check(changed[PIE], rounds.broken, variant)
    qps = {key: rounds.series(key, lambda each: each.qps / 1e3) for key in keys}
    cpu = {key: rounds.series(key, lambda each: each.cpu) for key in keys}
    report = Report(
        title, ("", "kQPS", "CPU µs", "CPU ÷ plain", "noise"), data={}, notes=rounds.why_broken()
    )
    for key in keys:
        times = ratio(cpu[key], cpu["plain"])
        cells = (middle(qps[key]), middle(cpu[key], 2), middle(times, 2), noise(cpu[key]))
        report.rows.append((f"Pie, {key}", *cells))
        report.data[key] = {"kqps": values(qps[key]), "cpu": values(cpu[key])}
    if limit is not None:
        # By CPU time: what a full core serves is its inverse, and neighbours disturb it less.
        share = None if variant in rounds.broken else ratio(cpu["plain"], cpu[variant])
        report.goals = [Goal(f"Pie's CPU, plain ÷ with {variant}", "≥", limit, share)]
    return report


def _check(server: Server | str, broken: dict[str, str], variant: str) -> None:
    """Gates that no call went through would cost nothing, and say so."""
    if isinstance(server, str):
        return
    words = server.stop().split()
    if variant not in broken and (len(words) < 3 or words[-2] == "0"):
        broken[variant] = "the gates saw no call: the server has no face for them"
