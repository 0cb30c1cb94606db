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


NO_DRAFTS = """
import asyncio, json, os, sys, time
from pathlib import Path
from pie.model import Failure
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.ingest import TableIngest
from pie.platform.facts.rows import StoredCall
from pie.platform.facts.schema import CALLS
from pie.platform.facts.upgrade import prepare

directory, table = Path(sys.argv[1]), sys.argv[2]
engine = open_chdb(directory, memory=1 << 30, patience=5)
prepare(engine)
insert = engine.insert

def watched(into, ndjson):
    # The file that rows are handed over in cannot be made, as on a full disk.
    if into == table and (directory / "drafts").exists():
        (directory / "drafts").rmdir()
        try:
            insert(into, ndjson)
        finally:
            (directory / "drafts").mkdir()
    else:
        insert(into, ndjson)

async def send():
    ingest = TableIngest(engine, CALLS, 0.0)
    running = asyncio.create_task(ingest.run())
    row = StoredCall(ts=time.time(), side="server", protocol="http", psm="a.b.c", src=5, pos=1)
    answers = []
    for _ in range(2):
        try:
            async with asyncio.timeout(30):
                answers.append((await ingest.commit([row])).accepted)
        except Failure as failure:
            answers.append(failure.kind.value)
        engine.insert = insert
    running.cancel()
    return answers

engine.insert = watched
print(json.dumps([asyncio.run(send()), engine.query("SELECT pos FROM calls")]), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("table", "answers"), [("calls", ["unavailable", 1]), ("marks", [1, 0])])
def test_ingest_goes_on_after_rows_could_not_be_handed_to_the_store(
    tmp_path: Path, table: str, answers: list[object]
) -> None:
    command = [sys.executable, "-c", NO_DRAFTS, str(tmp_path), table]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [answers, [{"pos": 1}]]
