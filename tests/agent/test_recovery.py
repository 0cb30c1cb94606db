"""The agent ships what processes that were killed had counted, each call once."""

import signal
import subprocess
import sys

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
