"""What the platform saw of a batch, as a table, and whether it is what was sent."""

import time
from collections import Counter
from typing import Any, NamedTuple

from platform_client import PlatformClient
from traffic import KINDS, Sent

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
    kinds = {kind.path: kind for kind in KINDS}
    found = []
    calls: Counter[str] = Counter()
    for each in sent:
        kind, chain = kinds[each.path], seen.chains[each.logid]
        if each.status != kind.status:
            found.append(f"{each.path} answered {each.status}, not {kind.status}")
        if len(chain["nodes"]) != kind.served or len(chain["calls"]) != kind.asked:
            found.append(
                f"{each.path} ({each.logid}): {len(chain['nodes'])} nodes and "
                f"{len(chain['calls'])} calls, not {kind.served} and {kind.asked}"
            )
        calls.update(node["psm"] for node in chain["nodes"])
    counted = {service["psm"]: service["calls"] for service in seen.services}
    for psm, count in calls.items():
        if counted.get(psm) != count:
            found.append(f"{psm}: aggregates count {counted.get(psm)} calls, records {count}")
    return found


def show(seen: Seen) -> None:
    """Print the services and the most instructive chain."""
    row = "  {:<26} {:>9} {:>7} {:>7} {:>9} {:>9}"
    print(row.format("service", "instances", "calls", "errors", "avg ms", "p99 ms"))
    for service in seen.services:
        instances = sum(len(cluster["instances"]) for cluster in service["clusters"])
        errors = round(service["error_rate"] * service["calls"])
        numbers = [f"{service[key]:.1f}" for key in ("avg_ms", "p99_ms")]
        print(row.format(service["psm"], instances, service["calls"], errors, *numbers))
    logid, chain = max(seen.chains.items(), key=lambda each: each[1]["total_ms"])
    print(f"\n  chain {logid}, {chain['total_ms']:.0f} ms")
    for node in chain["nodes"]:
        name = "  " * node["depth"] + node["psm"]
        print(
            f"    {node['no']:>2} {name:<32} {node['method']:<14} {node['duration_ms']:>8.1f} ms  "
            f"{node['status']} {node['message']}"
        )
