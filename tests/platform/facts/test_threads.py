"""A long question is answered by two threads, in the memory that a platform gives its store."""

import subprocess
import sys

QUESTION = """
import sys
from pathlib import Path
from pie.platform.facts.engine import open_chdb
from pie.platform.facts.upgrade import prepare
from pie.platform.main import _STORE_MEMORY

engine = open_chdb(Path(sys.argv[1]), memory=_STORE_MEMORY, patience=5)
prepare(engine)
for _ in range(2):
    engine.execute(
        "INSERT INTO edge_10s (ts, psm, src, pos) "
        "SELECT now('UTC'), 'a.b.c', 1, number FROM numbers(200000)"
    )
question = "SELECT cityHash64(pos) % 7 AS k, count() AS n FROM edge_10s GROUP BY k"
plan = engine.ask(f"EXPLAIN PIPELINE {question}", {}).decode()
assert "2" in plan.partition("AggregatingTransform")[2].splitlines()[0], plan
"""


def test_a_long_question_uses_two_threads(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
