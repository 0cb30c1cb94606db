"""Whether a server's memory grows with the number of its requests."""

from bench import Bench
from common.measure import Load, Measured
from common.stats import Series
from common.table import Goal, Report, figure
from peers import Peer

_PARTS = 10
_CONNECTIONS = 16
_LONGEST = 250.0
_GROWN_MB = 1.0
"""What a process may gain by chance: a thread more that has served, a buffer more that was kept."""


def steady(bench: Bench) -> Report:
    """Memory after each tenth of many requests."""
    part = max(1, bench.steady // _PARTS)
    report = Report(
        f"Steady: {part * _PARTS:,} requests of bare WSGI hello, resident MB",
        ("", f"after {part:,}", "half", "all", "CPU µs, first tenth", "last tenth"),
        data={},
    )
    load = Load(_CONNECTIONS, _LONGEST, 0.0, calls=part)
    for peer in bench.everyone:
        if peer.packages:
            continue  # It takes long, and the goal is Pie's.
        with bench.servers(peer, app="bare_app") as servers:

            def tenth(number: int, peer: Peer = peer, servers: dict = servers) -> Measured:
                bench.say(f"{peer}: {number + 1} of {_PARTS}")
                return bench.measure(peer, servers[peer], "/hello", load)

            found = [tenth(number) for number in range(_PARTS)]
        sizes = [each.rss / 1e6 for each in found]
        cpu = [each.cpu for each in found]
        shown = (sizes[0], sizes[_PARTS // 2 - 1], sizes[-1], cpu[0], cpu[-1])
        report.rows.append((peer.name, *(figure(each) for each in shown)))
        report.data[peer.name] = {"mb": sizes, "cpu": cpu}
        if peer == bench.pie:
            grown = Series((sizes[-1] - sizes[0],))
            report.goals = [
                Goal(f"{peer.name}'s growth after the first tenth", "≤", _GROWN_MB, grown, " MB")
            ]
    return report
