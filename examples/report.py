"""What the platform saw of a batch, as a table, and whether it is what was sent."""

import time
from collections import Counter
from typing import Any, NamedTuple

from platform_client import PlatformClient
from traffic import Sent

WAIT_SECONDS = 45


class Seen(NamedTuple):
    """The platform's view of a batch."""

    services: list[dict[str, Any]]
    chains: dict[str, dict[str, Any]]


def collect(client: PlatformClient, sent: list[Sent]) -> Seen:
    """Ask until everything is there, or for WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        chains = {each.logid: client.chain(each.logid) or _EMPTY for each in sent}
        services = client.get("/api/services?window=600")["services"]
        seen = Seen(services, chains)
        if not differences(seen, sent) or time.monotonic() > deadline:
            return seen
        time.sleep(0.5)


_EMPTY: dict[str, Any] = {"nodes": [], "calls": [], "total_ms": 0, "flags": []}


def differences(seen: Seen, sent: list[Sent]) -> list[str]:
    """Where what was seen is not what was sent; empty = all is well."""
    found = []
    calls: Counter[str] = Counter()
    for each in sent:
        kind, chain = each.kind, seen.chains[each.logid]
        if each.status != kind.status:
            found.append(f"{kind.name} answered {each.status}, not {kind.status}")
        if len(chain["nodes"]) != kind.served or len(chain["calls"]) != kind.asked:
            found.append(
                f"{kind.name} ({each.logid}): {len(chain['nodes'])} nodes and "
                f"{len(chain['calls'])} calls, not {kind.served} and {kind.asked}"
            )
        calls.update(node["psm"] for node in chain["nodes"])
    counted = {service["psm"]: service["calls"] for service in seen.services}
    for psm, count in calls.items():
        if counted.get(psm) != count:
            found.append(f"{psm}: aggregates count {counted.get(psm)} calls, records {count}")
    return found


def decisions(seen: Seen) -> list[str]:
    """What rules decided on the batch, with how often."""
    notes = Counter(
        note.partition(" method=")[0]
        for chain in seen.chains.values()
        for record in (*chain["nodes"], *chain["calls"])
        for note in record["notes"]
        if note.startswith(("would reject: ", "rejected: ", "routed to "))
    )
    return [f"{count} × {note}" for note, count in sorted(notes.items())]


def show(seen: Seen) -> None:
    """Print the services and the most instructive chain."""
    row = "  {:<26} {:>9} {:>7} {:>8} {:>8} {:>9} {:>9}"
    heads = ("service", "instances", "calls", "failures", "rejected", "avg ms", "p99 ms")
    print(row.format(*heads))
    for service in seen.services:
        instances = sum(len(cluster["instances"]) for cluster in service["clusters"])
        calls = service["calls"]
        bad = [round(service[f"{part}_rate"] * calls) for part in ("failure", "rejected")]
        numbers = [f"{service[key]:.1f}" for key in ("avg_ms", "p99_ms")]
        print(row.format(service["psm"], instances, calls, *bad, *numbers))
    slowest = max(seen.chains, key=lambda logid: seen.chains[logid]["total_ms"])
    unlogged = [logid for logid, chain in seen.chains.items() if _never_logged(chain)]
    for logid in (slowest, *unlogged[:1]):
        print(f"\n  chain {logid}")
        show_chain(seen.chains[logid])


def show_chain(chain: dict[str, Any]) -> None:
    """The tree of a chain; a call whose server side was never logged has number -1."""
    for node in chain["nodes"]:
        _show_row(node["no"], node["depth"], node["psm"], node)
        for call in _never_logged(chain):
            if call["caller_no"] == node["no"]:
                _show_row(-1, node["depth"] + 1, call["callee"], call)


def _never_logged(chain: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for call in chain["calls"] if call["callee_no"] == -1]


def _show_row(number: int, depth: int, psm: str, row: dict[str, Any]) -> None:
    name = "  " * depth + psm
    print(
        f"    {number:>2} {name:<30} {row['method']:<12} {row['duration_ms']:>8.1f} ms  "
        f"{row['status']:<7} {row['outcome'] if row['outcome'] != 'ok' else ''}"
    )
