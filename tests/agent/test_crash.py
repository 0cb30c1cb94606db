"""kill -9 during traffic: every line arrives, every line under one (src, pos), in order."""

import os
import random
import signal
import subprocess
import sys
import time

from pie.agent import read_status

KILLS = 10
WRITERS = 3
LINES = 3_000

AGENT = """
import sys
from pathlib import Path
from pie.agent import AgentOptions, run_agent
run_agent(Path(sys.argv[1]), sys.argv[2], sys.argv[3], AgentOptions(
    scan_s=0.02, poll_s=0.01, linger_s=0.005, backoff_s=0.01, backoff_max_s=0.05,
    timeout_s=5, status_s=0.05, host_id="h"))
"""

# Appends as services do: one write per line, several processes per file, a new file at the hour.
WRITER = """
import os, sys, time
folder, writer, lines = sys.argv[1], sys.argv[2], int(sys.argv[3])
half = lines // 2
for n in range(lines):
    if n in (0, half):
        hour = 2026112310 + (n >= half)
        human = os.open(f"{folder}/app/a.b.c.{hour}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        facts = os.open(f"{folder}/facts/a.b.c.calls.{hour}.ndjson",
            os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(human, b"INFO 2026-11-23 %d:17:44,809 /a.py:1 10.0.0.1 a.b.c 0 - process=1 thread=2 "
        b"data=%s-%d \\xe4\\xb8\\xad\\n" % (10 + (n >= half), writer.encode(), n))
    os.write(facts, b'{"ts":1.5,"message":"%s-%d"}\\n' % (writer.encode(), n))
    time.sleep(0.0008)
"""


def test_ten_kills_lose_nothing(tmp_path, platform, eventually):
    log = tmp_path / "toutiao" / "log"
    for folder in ("app", "facts"):
        (log / folder).mkdir(parents=True)
    chance = random.Random(7)
    journal = tmp_path / ".pie-agent" / "journal"

    def behave(table, rows):
        return chance.choice(["ok"] * 6 + ["lost_answer", "drop", "short_answer", 503])

    platform.behave = behave
    command = [sys.executable, "-c", AGENT, str(tmp_path), platform.url, platform.token]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(log), f"w{n}", str(LINES)])
        for n in range(WRITERS)
    ]
    for kill in range(KILLS):
        before = platform.requests
        agent = subprocess.Popen(command)
        eventually(
            lambda before=before: (
                platform.requests > before or (all_ended(writers) and journal.exists())
            )
        )
        time.sleep(chance.uniform(0, 0.15))
        agent.send_signal(signal.SIGKILL)
        assert agent.wait() == -signal.SIGKILL
        if kill == 3:
            journal.unlink(missing_ok=True)
        if kill == 6:
            journal.write_bytes(b"garbage" + journal.read_bytes()[50:])
    assert [writer.wait() for writer in writers] == [0] * WRITERS
    wanted = sorted(f"w{w}-{n}" for w in range(WRITERS) for n in range(LINES))
    agent = subprocess.Popen(command)
    try:
        for table in ("logs", "calls"):
            eventually(lambda table=table: len(platform.all(table)) >= len(wanted), timeout=30)
        eventually(lambda: is_level(tmp_path / ".pie-agent", agent.pid, files=4))
    finally:
        agent.terminate()
    assert agent.wait(10) == 0
    assert sorted(m.removesuffix(" 中") for m in platform.messages()) == wanted
    assert sorted(row["message"] for row in platform.all("calls")) == wanted
    assert platform.disorder == []
    for table in ("logs", "calls"):
        ends = {row["src"]: row["pos"] for row in platform.all(table)}
        folder = log / ("app" if table == "logs" else "facts")
        assert sorted(ends.values()) == sorted(p.stat().st_size for p in folder.iterdir())


def is_level(directory, pid, files):
    status = read_status(directory)
    return (
        status is not None
        and (status.pid, status.files, status.bytes_behind) == (pid, files, 0)
        and status.running
    )


def all_ended(processes):
    return all(process.poll() is not None for process in processes)


def test_signals_end_it_cleanly(tmp_path, road, platform, eventually):
    road.write(road.line("one"))
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [sys.executable, "-c", AGENT, str(tmp_path), platform.url, platform.token]
        agent = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "error"})
        before = platform.requests
        road.write(road.line("more"))
        eventually(lambda before=before: platform.requests > before)
        agent.send_signal(number)
        assert agent.wait(10) == 0
