"""What is acknowledged is on the disk: files, their directories, marks and refused lines."""

import contextlib
import re
import signal
import subprocess
import sys
import time

import pytest

SYNCS = re.compile(r"f(?:data)?sync\(\d+<([^>]*)>")
WRITES = re.compile(r"(?:p?write(?:v|64)?)\(\d+<([^>]*)>")
RENAMES = re.compile(r'rename(?:at2?)?\((?:AT_FDCWD[^"]*)?"([^"]*)", (?:AT_FDCWD[^"]*)?"([^"]*)"')
ANSWERS = re.compile(r"(?:sendto|sendmsg|write)\(\d+<(?:UNIX|socket)[^>]*>+, .*accepted")


@pytest.fixture
def traced(program, own_platform, tmp_path):
    """Posts rows while the facts process is watched; its system calls up to the answer."""
    strace = program("strace", "make system-deps")

    @contextlib.contextmanager
    def tracing(output):
        command = [strace, "-f", "-y", "-s", "400", "-o", str(output)]
        command += ["-e", "trace=write,pwrite64,writev,fsync,fdatasync,sendto,sendmsg"]
        command[-1] += ",rename,renameat,renameat2"
        watcher = subprocess.Popen(
            [*command, "-p", str(own_platform.child)], stderr=subprocess.PIPE, text=True
        )
        try:
            said = watcher.stderr.readline()
            if "attached" not in said:
                pytest.skip(f"strace may not look at another process here: {said}")
            yield
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.communicate(timeout=30)

    def post(rows):
        output = tmp_path / "calls"
        with tracing(output):
            reply = own_platform.post("logs", rows)
        assert reply.status == 200
        lines = _whole(output.read_text().splitlines())
        answered = [n for n, line in enumerate(lines) if ANSWERS.search(line)]
        return lines[: answered[0]], reply.json

    return post


def _whole(lines):
    """Calls by the time they ended; what `strace` tells in two lines is put together."""
    begun, whole = {}, []
    for line in lines:
        pid, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[pid] = call.removesuffix("<unfinished ...>")
        elif call.startswith("<... "):
            whole.append(begun.pop(pid, "") + call.partition(" resumed>")[2])
        else:
            whole.append(call)
    return whole


@pytest.mark.slow
def test_everything_written_for_a_post_is_synced_before_its_answer(traced):
    now = time.time()
    rows = [{"ts": now, "psm": "a.b.c", "message": f"m{n}", "src": 5, "pos": n} for n in range(9)]
    calls, answer = traced([*rows, b"no row"])
    assert (answer["accepted"], answer["rejected_count"]) == (9, 1)
    synced: set[str] = set()
    waiting: set[str] = set()  # paths with content or names that a power cut would lose
    tables = set()
    for call in calls:
        if written := WRITES.match(call):
            if _kept(written[1]):
                waiting.add(written[1])
        elif moved := RENAMES.match(call):
            old, new = (path.rstrip("/") for path in moved.groups())
            under = {path for path in waiting if path.startswith(old)}
            assert not under, f"{under} were moved into place before they were synced"
            if "/store/" in new:
                waiting.add(new.rpartition("/")[0])
                tables.add(new.rpartition("/")[0])
        elif done := SYNCS.match(call):
            waiting.discard(done[1])
            synced.add(done[1])
    assert not waiting
    assert len(tables) == 2, "rows and their marks"
    assert any(path.endswith("dead-letter.ndjson") for path in synced)


def _kept(path):
    # The engine's own log for repeated inserts is a second line only: marks are what counts.
    return path.startswith("/") and "/drafts/" not in path and "/deduplication_logs/" not in path


SETTINGS = """
import sys
from pathlib import Path
from pie.platform.facts.engine import open_chdb

engine = open_chdb(Path(sys.argv[1]), memory=1 << 29, patience=5)
names = "'fsync_after_insert', 'fsync_part_directory', 'min_compressed_bytes_to_fsync_after_merge'"
found = engine.query(f"SELECT name, value FROM system.merge_tree_settings WHERE name IN ({names})")
assert len(found) == 3 and all(row["value"] == "1" for row in found), found
"""


def test_tables_that_were_made_without_these_settings_have_them(tmp_path):
    subprocess.run([sys.executable, "-c", SETTINGS, str(tmp_path)], check=True, timeout=60)
