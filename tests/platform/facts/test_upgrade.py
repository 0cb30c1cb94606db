"""A store of an older Pie is carried over at start, once, with everything that it holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

VERSION_1 = """
CREATE TABLE IF NOT EXISTS pie_schema (version UInt32, since DateTime('UTC')) ENGINE=MergeTree
ORDER BY version;

CREATE TABLE IF NOT EXISTS logs ( ts DateTime64(6,'UTC') CODEC(Delta(8),ZSTD(1)), folder
LowCardinality(String), host LowCardinality(String), psm LowCardinality(String), cluster
LowCardinality(String), level LowCardinality(String), logid String CODEC(ZSTD(1)), span_id
String CODEC(ZSTD(1)), process UInt32 CODEC(ZSTD(1)), thread UInt64 CODEC(ZSTD(1)), file
LowCardinality(String), line UInt32 CODEC(ZSTD(1)), message String CODEC(ZSTD(1)), stack String
CODEC(ZSTD(3)), stack_hash UInt64 CODEC(ZSTD(1)), fields Map(LowCardinality(String),String)
CODEC(ZSTD(1)), INDEX i_logid logid TYPE bloom_filter(0.001) GRANULARITY 1, INDEX i_msg message
TYPE text(tokenizer=unicodeWord, preprocessor=translate(lower(message),'._:',' ')), INDEX i_stk
stack TYPE text(tokenizer=unicodeWord, preprocessor=translate(lower(stack),'._:',' ')), INDEX
i_received received TYPE minmax GRANULARITY 1, src UInt64 CODEC(ZSTD(1)), pos UInt64
CODEC(Delta(8),ZSTD(1)), received DateTime64(3,'UTC') CODEC(Delta(8),ZSTD(1)), day Int32
CODEC(ZSTD(1)), clamped UInt8 CODEC(ZSTD(1)), INDEX i_src src TYPE bloom_filter(0.01)
GRANULARITY 1 ) ENGINE=MergeTree PARTITION BY toDate(ts) ORDER BY (psm, ts) TTL toDateTime(ts) +
INTERVAL 10 DAY SETTINGS ttl_only_drop_parts=1, non_replicated_deduplication_window=1000;

CREATE TABLE IF NOT EXISTS calls ( ts DateTime64(6,'UTC') CODEC(Delta(8),ZSTD(1)), side
LowCardinality(String), protocol LowCardinality(String), psm LowCardinality(String), cluster
LowCardinality(String), env LowCardinality(String), host LowCardinality(String), instance
LowCardinality(String), caller LowCardinality(String), caller_cluster LowCardinality(String),
callee LowCardinality(String), callee_cluster LowCardinality(String), method
LowCardinality(String), verb LowCardinality(String), route LowCardinality(String), logid String
CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)), parent_id String CODEC(ZSTD(1)), attempt UInt16
CODEC(ZSTD(1)), attempts UInt16 CODEC(ZSTD(1)), peer String CODEC(ZSTD(1)), duration_us UInt64
CODEC(ZSTD(1)), outcome LowCardinality(String), code Int32 CODEC(ZSTD(1)), status UInt16
CODEC(ZSTD(1)), message String CODEC(ZSTD(1)), raised_by LowCardinality(String), rule
LowCardinality(String), request_bytes UInt64 CODEC(ZSTD(1)), response_bytes UInt64
CODEC(ZSTD(1)), weight Float32 CODEC(ZSTD(1)), notes Array(String) CODEC(ZSTD(1)), INDEX i_logid
logid TYPE bloom_filter(0.001) GRANULARITY 1, INDEX i_ts ts TYPE minmax GRANULARITY 1, src
UInt64 CODEC(ZSTD(1)), pos UInt64 CODEC(Delta(8),ZSTD(1)), received DateTime64(3,'UTC')
CODEC(Delta(8),ZSTD(1)), day Int32 CODEC(ZSTD(1)), clamped UInt8 CODEC(ZSTD(1)), INDEX i_src src
TYPE bloom_filter(0.01) GRANULARITY 1 ) ENGINE=MergeTree PARTITION BY toDate(ts) ORDER BY (psm,
method, ts) TTL toDateTime(ts) + INTERVAL 10 DAY SETTINGS ttl_only_drop_parts=1,
non_replicated_deduplication_window=1000;

CREATE TABLE IF NOT EXISTS edge_10s ( ts DateTime('UTC') CODEC(Delta(4),ZSTD(1)), side
LowCardinality(String), protocol LowCardinality(String), psm LowCardinality(String), cluster
LowCardinality(String), env LowCardinality(String), host LowCardinality(String), instance
LowCardinality(String), caller LowCardinality(String), caller_cluster LowCardinality(String),
callee LowCardinality(String), callee_cluster LowCardinality(String), method
LowCardinality(String), outcome LowCardinality(String), code Int32 CODEC(ZSTD(1)), count UInt64
CODEC(ZSTD(1)), duration_us UInt64 CODEC(ZSTD(1)), histogram Map(UInt16,UInt64) CODEC(ZSTD(1)),
INDEX i_ts ts TYPE minmax GRANULARITY 1, src UInt64 CODEC(ZSTD(1)), pos UInt64
CODEC(Delta(8),ZSTD(1)), received DateTime64(3,'UTC') CODEC(Delta(8),ZSTD(1)), day Int32
CODEC(ZSTD(1)), clamped UInt8 CODEC(ZSTD(1)), INDEX i_src src TYPE bloom_filter(0.01)
GRANULARITY 1 ) ENGINE=MergeTree PARTITION BY toDate(ts) ORDER BY (psm, side, callee, method,
ts) TTL toDateTime(ts) + INTERVAL 396 DAY SETTINGS ttl_only_drop_parts=1,
non_replicated_deduplication_window=1000;

INSERT INTO pie_schema VALUES (1, now())
"""

START = """
import json, os, signal, sys, time
from pathlib import Path
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.errors import StoreError
from pie.platform.facts.upgrade import ROOM, prepare

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
execute, done = engine.execute, []
die_before = int(sys.argv[2])

def counted(sql):
    if len(done) == die_before:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(sql)
    execute(sql)

engine.execute = counted
try:
    prepare(engine, free=lambda: int(sys.argv[3]))
except StoreError as error:
    sys.exit(str(error))
columns = "src, pos, psm, version, lane, attempts, hedges, queued_us"
print(json.dumps({
    "done": len(done),
    "calls": engine.query(f"SELECT {columns}, outcome FROM calls ORDER BY pos"),
    "edges": engine.query(f"SELECT {columns}, count, retries, histogram FROM edge_10s"),
    "logs": engine.query("SELECT src, pos, message FROM logs"),
    "marks": engine.query("SELECT table_name, src, pos FROM marks FINAL ORDER BY table_name"),
    "peers": engine.query("SELECT count() AS count FROM peer_60s"),
    "since_4": engine.query(
        "SELECT (SELECT count() FROM rule_10s) AS rules, "
        "(SELECT count() FROM in_force) AS in_force, (SELECT count() FROM events) AS events"
    ),
    "schema": engine.query("SELECT version FROM pie_schema ORDER BY version"),
}))
"""

MAKE = """
import json, sys, time
from pathlib import Path
from pie.platform.facts.engine import open_chdb

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
for statement in sys.argv[2].split(";"):
    engine.execute(statement)
now = int(time.time())
row = {"side": "server", "psm": "a.b.c", "src": 7, "day": now // 86400, "ts": now}
def insert(table, *rows):
    engine.insert(table, "\\n".join(json.dumps(row | each) for each in rows).encode())
insert("calls", {"pos": 10, "outcome": "ok"}, {"pos": 30, "outcome": "denied"})
insert("edge_10s", {"pos": 20, "count": 5, "histogram": {"150": 5}})
insert("logs", {"pos": 40, "message": "hello"}, {"src": 0, "pos": 99, "message": "unplaced"})
"""

FIND = """
import json, sys, time
from pathlib import Path
from pie.platform.facts.engine import open_chdb

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
engine.execute("SYSTEM STOP MERGES logs")
found = engine.query("SELECT count() AS n FROM logs WHERE hasAllTokens(message, ['hello'])")
engine.execute("SYSTEM START MERGES logs")
give_up = time.monotonic() + 60
unfinished = "SELECT count() AS n FROM system.mutations WHERE table = 'logs' AND NOT is_done"
while engine.query(unfinished)[0]["n"] and time.monotonic() < give_up:
    time.sleep(0.05)
words = "SELECT token FROM mergeTreeTextIndex(currentDatabase(), 'logs', 'i_words') ORDER BY token"
print(json.dumps({
    "found": found[0]["n"], "indexed": [row["token"] for row in engine.query(words)]
}))
"""

MANY = """
import sys
from pathlib import Path
from pie.platform.facts.engine import open_chdb

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
for statement in sys.argv[2].split(";"):
    engine.execute(statement)
engine.execute(
    "INSERT INTO edge_10s (ts, psm, src, pos, day) "
    "SELECT toStartOfDay(now('UTC')) - 86400 * (number % 4), 'a.b.c', number % 5 + 1, number, "
    "toUInt32(toStartOfDay(now('UTC'))) / 86400 - number % 4 FROM numbers(200000)"
)
"""

START_WITHIN = """
import json, sys
from pathlib import Path
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.upgrade import prepare

engine = open_chdb(Path(sys.argv[1]), memory=1 << 30, patience=5)
engine.execute(f"SET max_rows_to_read = {sys.argv[2]}")
prepare(engine)
engine.execute("SET max_rows_to_read = 0")
print(json.dumps([
    engine.query(f"SELECT src, day, max(pos) AS pos FROM {table} GROUP BY src, day ORDER BY ALL")
    for table in ("marks", "edge_10s")
]))
"""


def run(script: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def start(directory: Path, *, die_before: int = -1, free: int = 1 << 40) -> dict:
    done = run(START, directory, die_before, free)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    made = run(MAKE, tmp_path, VERSION_1)
    assert made.returncode == 0, made.stderr
    return tmp_path


def test_everything_is_found_and_the_second_start_writes_nothing(old: Path) -> None:
    found = start(old)
    new = {"psm": "a.b.c", "version": "", "lane": "", "hedges": 0, "queued_us": 0}
    assert [row["pos"] for row in found["calls"]] == [10, 30]
    assert found["calls"][1] == new | {"src": 7, "pos": 30, "attempts": 0, "outcome": "denied"}
    assert found["edges"] == [
        new | {"src": 7, "pos": 20, "attempts": 0, "count": 5, "retries": 0}
        | {"histogram": {"150": 5}}
    ]  # fmt: skip
    assert {row["message"] for row in found["logs"]} == {"hello", "unplaced"}
    assert [(row["table_name"], row["src"], row["pos"]) for row in found["marks"]] == [
        ("calls", 7, 30),
        ("edge_10s", 7, 20),
        ("logs", 7, 40),
    ]
    assert found["schema"] == [{"version": 1}, {"version": 4}]
    assert found["since_4"] == [{"rules": 0, "in_force": 0, "events": 0}]
    assert found["done"] > 0
    again = start(old)
    assert again.pop("done") == 0
    del found["done"]
    assert again == found


def test_old_lines_are_found_at_once_and_indexed_in_the_background(old: Path) -> None:
    start(old)
    done = run(FIND, old)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"found": 1, "indexed": ["hello", "unplaced"]}


def test_marks_are_carried_over_day_by_day_so_that_many_days_need_no_more_memory(
    tmp_path: Path,
) -> None:
    made = run(MANY, tmp_path, VERSION_1)
    assert made.returncode == 0, made.stderr
    # A day has 50,000 rows: what reads two days at once would be refused.
    done = run(START_WITHIN, tmp_path, 60_000)
    assert done.returncode == 0, done.stderr
    marks, rows = json.loads(done.stdout)
    assert len(marks) == 20
    assert marks == rows


@pytest.mark.slow
def test_a_start_killed_between_any_two_steps_is_followed_by_one_that_does_the_rest(
    old: Path,
) -> None:
    for step in range(30):
        if run(START, old, step, 1 << 40).returncode == 0:
            break
        # Statements that are done are not repeated, so each start dies before its first.
        if run(START, old, 1, 1 << 40).returncode == 0:
            break
    found = start(old)
    assert found["done"] == 0
    assert [row["pos"] for row in found["marks"]] == [30, 20, 40]
    assert len(found["calls"]) == 2


def test_a_new_store_is_made_once(tmp_path: Path) -> None:
    assert start(tmp_path)["done"] > 0
    assert start(tmp_path)["done"] == 0


def test_without_room_an_old_store_is_left_as_it_is(old: Path) -> None:
    refused = run(START, old, -1, 1 << 20)
    assert "make room and start again" in refused.stderr
    assert start(old)["done"] > 0


def test_a_store_of_this_version_starts_without_room(tmp_path: Path) -> None:
    start(tmp_path)
    assert start(tmp_path, free=0)["done"] == 0


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    start(tmp_path)
    engine = (
        "from pathlib import Path; import sys; from pie.platform.facts.engine import open_chdb; "
    )
    insert = "INSERT INTO pie_schema VALUES (99, now())"
    run(
        engine + f"open_chdb(Path(sys.argv[1]), memory=1<<30, patience=5).execute('{insert}')",
        tmp_path,
    )
    assert "a newer Pie (schema 99" in run(START, tmp_path, -1, 1 << 40).stderr
