"""What was sent against what is stored, once the faults are over."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.world import KINDS, LOG_ROAD, Request, World, send

SETTLE_S = 60.0
LEAST_GOOD = 0.4
"""Share of requests that go well in spite of all faults; most of the time one is on."""
_QUIET_S = 3.0
_RECORDS_MAY_GO = ("full-disk", "no-permission", "no-descriptors", "kill")
"""Faults of the disk that the records go to; each loss is counted where it can be."""
_LINES_MAY_GO = (*_RECORDS_MAY_GO, "deleted")
_QUERY = """
import json, sys, clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
for line in sys.stdin:
    rows = [list(row) for row in client.query(line).result_rows]
    print(json.dumps(rows, default=str), flush=True)
client.close()
"""
_SERVED = "SELECT psm, sum(count) FROM edge_10s WHERE side = 'server' AND psm != '' GROUP BY psm"
_DOUBLE_CALLS = (
    "SELECT span_id, attempt, side, count() FROM calls GROUP BY ALL HAVING count() > 1 LIMIT 20"
)
_DOUBLE_LINES = "SELECT src, pos, count() FROM logs GROUP BY ALL HAVING count() > 1 LIMIT 20"
_NODES = (
    "SELECT logid, countIf(side = 'server'), countIf(side = 'client' AND attempt = 0) "
    "FROM calls WHERE logid != '' GROUP BY logid"
)
_LINES = "SELECT logid, psm, count() FROM logs WHERE logid != '' GROUP BY logid, psm"


@dataclass
class Verdict:
    """What was found wrong, and the figures that say how much was looked at."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Add something that is wrong; a kind that is wrong often is cut."""
        if len(self.wrong) < 40:
            self.wrong.append(text)


def settle(world: World) -> list[str]:
    """Wait until everything runs, is registered and is stored; what does not come to that."""
    fleet = world.fleet
    fleet.restart_dead()
    give_up = time.monotonic() + SETTLE_S
    since = time.time()
    missing = ["nothing was looked at"]
    while missing and time.monotonic() < give_up:
        time.sleep(0.5)
        missing = _missing(world, since)
    return missing


def after_all(world: World) -> list[str]:
    """Each kind of request, when nothing is wrong any more: what is not as it was before."""
    requests = [send(world.fleet.entries, kind) for kind in KINDS]
    world.requests += requests
    return [
        f"{each.kind.name} is answered with {each.status} when all is over"
        for each in requests
        if not each.is_good
    ]


def _missing(world: World, since: float) -> list[str]:
    fleet = world.fleet
    dead = [f"{psm} has ended" for psm in fleet.services if not fleet.is_running(psm)]
    try:
        if not fleet.client.is_healthy():
            return [*dead, "the platform is not healthy"]
        away = [f"{psm} runs and is not registered" for psm in fleet.services
                if not fleet.is_onboarded(psm)]  # fmt: skip
        ghosts = _ghosts(world)
    except OSError as error:
        return [*dead, f"the platform does not answer: {error}"]
    if not _agent_caught_up(fleet.directory, since):
        away.append("the agent has not caught up")
    return dead + away + ghosts


def _ghosts(world: World) -> list[str]:
    """Registrations of processes that are no more."""
    alive = {world.fleet.pid(psm) for psm in world.fleet.services}
    return [
        f"{service['psm']} is registered with process {instance['pid']}, which is no more"
        for service in world.fleet.client.services()
        for cluster in service["clusters"]
        for instance in cluster["instances"]
        if instance["pid"] and instance["pid"] not in alive
    ]


def _agent_caught_up(root: Path, since: float) -> bool:
    """The agent has looked at everything written before ``since``, and sent it."""
    try:
        status = json.loads((root / ".pie-agent" / "status.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(status["time"] > since + _QUIET_S and status["bytes_behind"] == 0)


def compare(world: World) -> Verdict:
    """To be called when the fleet's processes have ended and its disks are still there."""
    verdict = Verdict()
    served, doubles, double_lines, nodes, lines = ask(
        world.fleet.directory / "platform" / "facts" / "store",
        [_SERVED, _DOUBLE_CALLS, _DOUBLE_LINES, _NODES, _LINES],
    )
    for span, attempt, side, count in doubles:
        verdict.say(f"the {side} record {span}/{attempt} is stored {count} times")
    for src, pos, count in double_lines:
        verdict.say(f"the line {src}/{pos} is stored {count} times")
    counts = {psm: int(count) for psm, count in served}
    _compare_counts(world, counts, verdict)
    _compare_chains(world, {row[0]: (int(row[1]), int(row[2])) for row in nodes}, verdict)
    _compare_lines(world, {(row[0], row[1]): int(row[2]) for row in lines}, verdict)
    return verdict


def _compare_counts(world: World, counts: dict[str, int], verdict: Verdict) -> None:
    """Aggregates are exact: every answered request, no more than were sent."""
    for psm in {request.kind.psm for request in world.requests}:
        sent = [request for request in world.requests if request.kind.psm == psm]
        answered = sum(request.logid != "" for request in sent)
        counted = counts.get(psm, 0)
        verdict.figures[f"requests to {psm}"] = len(sent)
        verdict.figures[f"calls counted of {psm}"] = counted
        if not answered <= counted <= len(sent):
            verdict.say(
                f"{psm}: {len(sent)} requests were sent and {answered} answered; "
                f"the aggregates count {counted}"
            )
    good = [request for request in world.requests if request.is_good]
    least = sum(request.kind.served for request in good)
    total = sum(counts.values())
    verdict.figures["requests that went well"] = len(good)
    verdict.figures["calls of whole chains"] = least
    if len(good) < LEAST_GOOD * len(world.requests):
        verdict.say(f"only {len(good)} of {len(world.requests)} requests went well")
    verdict.figures["calls counted"] = total
    if total < least:
        verdict.say(f"chains that went well hold {least} served calls, the aggregates {total}")


def _compare_chains(world: World, nodes: dict[str, tuple[int, int]], verdict: Verdict) -> None:
    """Records of requests that no fault of the log road touched are all there."""
    looked_at = 0
    for request in world.requests:
        if not request.is_good or world.is_disturbed(request, *_RECORDS_MAY_GO):
            continue
        looked_at += 1
        found = nodes.get(request.logid, (0, 0))
        # An attempt that failed in a fault was tried again, and is served or asked once more.
        if found[0] < request.kind.served or found[1] < request.kind.asked:
            verdict.say(
                f"{request.kind.name} {request.logid}: {found[0]} and {found[1]} records, "
                f"not {request.kind.served} and {request.kind.asked}"
            )
    verdict.figures["chains compared"] = looked_at


def _compare_lines(world: World, lines: dict[tuple[str, str], int], verdict: Verdict) -> None:
    """The access line of each answered request is stored."""
    looked_at = 0
    for request in world.requests:
        if not request.logid or world.is_disturbed(request, *_LINES_MAY_GO):
            continue
        looked_at += 1
        if (request.logid, request.kind.psm) not in lines:
            verdict.say(f"{request.kind.name} {request.logid}: no line of {request.kind.psm}")
    verdict.figures["lines compared"] = looked_at


def ask(store: Path, statements: list[str]) -> list[list[list[Any]]]:
    """Ask the column store of a platform that is not running."""
    done = subprocess.run(
        [sys.executable, "-c", _QUERY, str(store)],
        input="\n".join(statements),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def disturbed_requests(world: World) -> list[Request]:
    """Requests that did not go as in a fleet without faults, and no fault was near."""
    return [
        request
        for request in world.requests
        if not request.is_good and not world.is_disturbed(request)
    ]


def leftovers(root: Path) -> dict[str, int]:
    """Bytes of output by process: a fault must not fill the disk with complaints."""
    return {file.stem: file.stat().st_size for file in root.glob("*.out")} | {
        "road": sum(file.stat().st_size for file in (root / LOG_ROAD).rglob("*") if file.is_file())
    }
