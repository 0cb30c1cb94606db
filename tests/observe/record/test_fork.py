"""A forked child writes its own calls, not its parent's again."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys, threading, warnings
from pathlib import Path
from pie.call import Driver, Policies
from pie.model import Call
from pie.observe import Identity, Observer

warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads.
observer = Observer(Identity(psm="a.b.c"), Path(sys.argv[1]), Path("nowhere"))
driver = Driver(Policies(observer).server())

def serve(method, count):
    for _ in range(count):
        driver.run(Call("server", "thrift", caller="", callee="a.b.c", method=method), lambda c: 1)

stop = threading.Event()
def background():
    while not stop.is_set():
        serve("background", 1)
thread = threading.Thread(target=background)
thread.start()
serve("before", 50)
children = []
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        serve("child", 20)
        observer.recorder.close()
        os._exit(0)
    children.append(pid)
for pid in children:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
stop.set()
thread.join()
observer.close()
"""


def test_every_call_is_written_once_by_whoever_made_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = tmp_path / "a" / "log" / "facts"
    rows = [
        json.loads(line)
        for file in facts.glob("a.b.c.calls.2*.ndjson")
        for line in file.read_text().splitlines()
        if line  # Who opens a file while another process writes may end its line once more.
    ]
    assert len({row["logid"] for row in rows}) == len({row["span_id"] for row in rows}) == len(rows)
    edges = [
        json.loads(line)
        for file in facts.glob("a.b.c.edges.2*.ndjson")
        for line in file.read_text().splitlines()
        if line
    ]
    counted = {"before": 0, "child": 0, "background": 0}
    for edge in edges:
        counted[edge["method"]] += edge["count"]
    assert (counted["before"], counted["child"]) == (50, 100)
