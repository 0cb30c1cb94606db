"""The facts process is killed between any two writes: a real store holds each row once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

INGEST = """
import asyncio, json, os, signal, sys, time
from pathlib import Path
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.ingest import TableIngest
from pie.platform.facts.rows import StoredCall
from pie.platform.facts.schema import CALLS
from pie.platform.facts.upgrade import prepare

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
prepare(engine)
insert, die_before, die_after = engine.insert, sys.argv[2], sys.argv[3]

def watched(table, ndjson):
    if table == die_before:
        os.kill(os.getpid(), signal.SIGKILL)
    insert(table, ndjson)
    if table == die_after:
        os.kill(os.getpid(), signal.SIGKILL)

engine.insert = watched

async def send():
    ingest = TableIngest(engine, CALLS, 0.0)
    running = asyncio.create_task(ingest.run())
    now = time.time()
    rows = [
        StoredCall(
            ts=now - day * 86400, side="server", protocol="http", psm="a.b.c", src=5, pos=pos
        )
        for pos, day in enumerate((0, 1, 0, 1), 1)
    ]
    taken = await ingest.commit(rows)
    running.cancel()
    return taken.accepted, taken.duplicates

print(json.dumps({
    "taken": asyncio.run(send()),
    "rows": engine.query("SELECT pos FROM calls ORDER BY pos"),
    "marks": engine.query("SELECT day, pos FROM marks FINAL ORDER BY pos"),
}), flush=True)
if sys.argv[4] == "remove":
    engine.execute("TRUNCATE TABLE calls")
os._exit(0)
"""


def ingest(
    directory: Path, before: str = "", after: str = "", then: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", INGEST, str(directory), before, after, then]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("before", "after"), [("calls", ""), ("", "calls"), ("marks", ""), ("", "marks")]
)
def test_each_row_once_after_a_kill(tmp_path: Path, before: str, after: str) -> None:
    killed = ingest(tmp_path, before, after)
    assert killed.returncode == -9, killed.stderr
    answer = json.loads(ingest(tmp_path).stdout)
    assert sum(answer["taken"]) == 4
    assert [row["pos"] for row in answer["rows"]] == [1, 2, 3, 4]
    again = json.loads(ingest(tmp_path).stdout)
    assert again["taken"] == [0, 4]


def test_marks_outlast_the_rows(tmp_path: Path) -> None:
    first = json.loads(ingest(tmp_path, then="remove").stdout)
    assert [row["pos"] for row in first["marks"]] == [3, 4]
    again = json.loads(ingest(tmp_path).stdout)
    assert (again["taken"], again["rows"]) == ([0, 4], [])
