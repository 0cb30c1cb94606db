"""Exactly once, whatever is killed: agent, facts process and platform, ten times over."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import traffic
from fleet import SERVICES, Fleet

KILLS = 10
QUERY = """
import json, sys, clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
answers = {}
for name, sql in json.loads(sys.argv[2]).items():
    answers[name] = [list(row) for row in client.query(sql).result_rows]
client.close()
print(json.dumps(answers, default=str))
"""
EDGE = "side, psm, caller, callee, method, outcome, code"


@pytest.mark.slow
def test_every_fact_is_stored_exactly_once_after_ten_kills(tmp_path: Path) -> None:
    with Fleet(tmp_path, 0) as fleet:
        check_kills(fleet, KILLS, pause=1.0)


def test_without_the_facts_the_registry_still_answers(fleet: Fleet) -> None:
    os.kill(facts_pid(fleet), signal.SIGSTOP)
    answer = fleet.client.get("/api/services")
    os.kill(facts_pid(fleet), signal.SIGCONT)
    assert not answer["traffic_known"]
    assert {each["psm"] for each in answer["services"] if each["onboarded"]} == set(SERVICES)
    fleet.wait(lambda: fleet.client.get("/api/services")["traffic_known"], "facts are not back")


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.3, 0.7, 1.7, 4.0])
def test_the_same_at_other_moments_and_for_longer(tmp_path: Path, pause: float) -> None:
    with Fleet(tmp_path, 0) as fleet:
        check_kills(fleet, 15, pause=pause)


def check_kills(fleet: Fleet, kills: int, pause: float) -> None:
    """Kill something every so often under traffic; then what is stored must be what was written."""
    stop = threading.Event()
    entries = fleet.entries
    sent: list[traffic.Sent] = []

    def send_all_the_time() -> None:
        chance = random.Random(5)
        kinds = [kind for kind in traffic.KINDS.values() if kind.path != "/articles/106"]
        weights = [kind.weight for kind in kinds]
        while not stop.is_set():
            sent.append(traffic.send(entries, chance.choices(kinds, weights)[0]))
            time.sleep(0.01)

    threads = [threading.Thread(target=send_all_the_time) for _ in range(2)]
    for each in threads:
        each.start()
    victims = ["facts", "agent", "platform"]
    for number in range(kills):
        time.sleep(pause)
        kill(fleet, victims[number % 3])
        fleet.wait(fleet.client.is_healthy, "the platform did not come back")
    stop.set()
    for each in threads:
        each.join()
    fleet.stop(*reversed(SERVICES))
    written = facts_on_disk(fleet.directory)
    assert len(sent) > 300
    served = [row for row in written["calls"] if row["side"] == "server"]
    assert len([row for row in served if row["protocol"] == "http"]) == len(sent)
    stopped = time.time()
    fleet.wait(lambda: agent_caught_up(fleet, stopped), "the agent did not catch up")
    fleet.stop("agent", "platform")
    stored = query(
        fleet.directory / "platform" / "facts" / "store",
        {
            "calls": "SELECT count(), uniqExact(span_id, attempt) FROM calls",
            "edges": f"SELECT {EDGE}, sum(count), sum(duration_us) FROM edge_10s GROUP BY ALL",
            "logs": "SELECT count(), uniqExact(src, pos) FROM logs",
        },
    )
    assert stored["calls"] == [[len(written["calls"])] * 2]
    assert Counter({tuple(row[:7]): row[7] for row in stored["edges"]}) == by_edge(
        written["edges"], "count"
    )
    assert Counter({tuple(row[:7]): row[8] for row in stored["edges"]}) == by_edge(
        written["edges"], "duration_us"
    )
    assert by_edge(written["edges"], "count") == calls_by_edge(written["calls"])
    assert stored["logs"] == [[lines_on_disk(fleet.directory)] * 2]


def kill(fleet: Fleet, victim: str) -> None:
    """Kill -9; the facts process is the platform's to start again, the others are ours."""
    if victim == "facts":
        os.kill(facts_pid(fleet), signal.SIGKILL)
        return
    fleet.kill(victim)
    fleet.spawn(victim)


def facts_pid(fleet: Fleet) -> int:
    """The one child of the platform's process."""
    tasks = Path(f"/proc/{fleet.pid('platform')}/task").iterdir()
    (pid,) = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return int(pid)


def agent_caught_up(fleet: Fleet, since: float) -> bool:
    """The agent has looked at everything written before ``since``, and sent it."""
    status = json.loads((fleet.directory / ".pie-agent" / "status.json").read_text())
    return status["time"] > since + 3 and status["bytes_behind"] == 0


def facts_on_disk(root: Path) -> dict[str, list[dict[str, Any]]]:
    """What the services wrote: the truth."""
    folder = root / "toutiao" / "log" / "facts"
    return {
        what: [
            json.loads(line)
            for file in folder.glob(f"*.{what}.2*.ndjson")
            for line in file.read_text().splitlines()
        ]
        for what in ("calls", "edges")
    }


def lines_on_disk(root: Path) -> int:
    """Log lines of every folder but facts."""
    files = [
        file
        for file in (root / "toutiao" / "log").glob("*/*.log")
        if not file.is_symlink() and file.parent.name != "facts"
    ]
    return sum(file.read_bytes().count(b"\n") for file in files)


def by_edge(rows: list[dict[str, Any]], what: str) -> Counter[tuple[Any, ...]]:
    total: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        total[tuple(row[key] for key in EDGE.split(", "))] += row[what]
    return total


def calls_by_edge(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    whole = [row | {"count": 1} for row in rows if row["attempt"] == 0]
    return by_edge(whole, "count")


def query(path: Path, statements: dict[str, str]) -> dict[str, list[list[Any]]]:
    """Ask the column store of a platform that is not running."""
    done = subprocess.run(
        [sys.executable, "-c", QUERY, str(path), json.dumps(statements)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
