"""The agent ships what processes that were killed had counted, each call once."""

import itertools
import random
import signal
import subprocess
import sys
import time

import pytest

from pie._core import native
from pie.observe.record.counts import COUNTS

SERVICE = """
import os, sys, time
from pathlib import Path
from pie.model import Call
from pie.observe import Identity, Observer

observer = Observer(Identity(psm="toutiao.my.api", instance="i:1"), Path(sys.argv[1]), Path("x"))
for n in range(50):
    call = Call("client", "thrift", caller="toutiao.my.api", callee="d.e.f", method=f"m{n % 3}")
    call.started, call.start, call.end, call.peer = time.time(), 1.0, 1.001, "p:1"
    observer.recorder.log.leave(call)
print(flush=True)
time.sleep(60)
"""


AGENT = """
import sys
from pathlib import Path
from pie.agent import AgentOptions, run_agent
run_agent(Path(sys.argv[1]), sys.argv[2], sys.argv[3], AgentOptions(
    scan_s=0.02, poll_s=0.01, recover_s=0.01, linger_s=0.005, backoff_s=0.01, backoff_max_s=0.05,
    timeout_s=5, status_s=0.05, host_id="h"))
"""


def kill_services(root, count):
    services = [
        subprocess.Popen([sys.executable, "-c", SERVICE, str(root)], stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    for each in services:
        each.stdout.readline()
        each.send_signal(signal.SIGKILL)
        each.communicate()


def counted(platform, table):
    return sum(row["count"] for row in platform.all(table))


def test_counts_of_killed_services_are_shipped_once(tmp_path, platform, start, eventually):
    kill_services(tmp_path, 2)
    folder = tmp_path / "toutiao" / COUNTS
    (folder / "foreign.counts").write_bytes(b"no such file")
    agent = start()
    eventually(lambda: (counted(platform, "edge_10s"), counted(platform, "peer_60s")) == (100, 100))
    eventually(lambda: agent.status.recovered_rows == 8 and agent.status.damaged_counts == 1)
    assert agent.status.running
    assert [each.name for each in folder.iterdir()] == ["foreign.counts.damaged"]
    agent.stop()
    again = start()
    eventually(again.is_level)
    assert (counted(platform, "edge_10s"), counted(platform, "peer_60s")) == (100, 100)


def test_no_error_ends_the_search(tmp_path, platform, start, eventually, caplog):
    """Rows that cannot be written wait until they can."""
    kill_services(tmp_path, 1)
    facts = tmp_path / "toutiao" / "log" / "facts"
    if facts.exists():
        facts.rename(facts.with_name("aside"))
    facts.parent.mkdir(parents=True, exist_ok=True)
    facts.write_bytes(b"")  # Something else stands where the folder is to be.
    start()
    eventually(lambda: "wait to be written" in caplog.text)
    assert list((tmp_path / "toutiao" / COUNTS).iterdir())
    facts.unlink()
    eventually(lambda: counted(platform, "edge_10s") == 50)


@pytest.mark.slow
def test_an_agent_that_is_killed_while_it_recovers_counts_nothing_twice(
    tmp_path, platform, start, eventually
):
    chance = random.Random()
    command = [sys.executable, "-c", AGENT, str(tmp_path), platform.url, platform.token]
    for number in itertools.count(1):
        kill_services(tmp_path, 4)
        with subprocess.Popen(command) as agent:
            time.sleep(chance.uniform(0.15, 0.5))
            agent.send_signal(signal.SIGKILL)
        if number == 12:
            break
    agent = start()
    calls = 4 * 12 * 50
    for table in ("edge_10s", "peer_60s"):
        eventually(lambda table=table: counted(platform, table) >= calls)
    eventually(lambda: not list((tmp_path / "toutiao" / COUNTS).glob("*.counts")))
    eventually(agent.is_level)
    assert counted(platform, "edge_10s") == counted(platform, "peer_60s") == calls
    records = [row["span_id"] + row["logid"] + str(row["ts"]) for row in platform.all("calls")]
    assert len(records) == calls or native is None  # The twin makes its records as it writes them.
