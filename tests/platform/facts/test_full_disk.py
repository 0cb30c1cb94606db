"""A disk that is really full: nothing acknowledged is lost, the registry serves, room heals it."""

import os
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from pie.state import RemoteStore

MB = 1 << 20
_numbers = count(1)


@pytest.fixture
def small_disk(own_disk, tmp_path):
    return own_disk(200 * MB)


@pytest.fixture
def disk_platform(small_disk, unstarted):
    unstarted.directory = small_disk / "data"
    return unstarted.start()


def rows(n, logid="ab" * 16):
    return [
        {"ts": time.time(), "psm": "a.b.c", "logid": logid, "src": 7, "pos": next(_numbers),
         "message": f"row {n}"}
        for _ in range(n)
    ]  # fmt: skip


def fill(directory: Path, leave: int = 0) -> Path:
    """Use up the disk but for some bytes."""
    file = directory / "filler"
    with file.open("wb", buffering=0) as out:
        chunk = bytes(MB)
        disk = os.statvfs(directory)
        for _ in range(max(0, disk.f_bavail * disk.f_frsize - leave) // MB):
            out.write(chunk)
        while not leave:
            try:
                out.write(chunk)
            except OSError:
                if len(chunk) == 1:
                    break
                chunk = chunk[: len(chunk) // 2]
    return file


def registry_serves(platform, value):
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=10)
    try:
        return store.get("/pie/full").value == value
    finally:
        store.close()


@pytest.mark.slow
def test_the_facts_die_on_a_full_disk_and_all_rows_are_there_when_there_is_room(
    small_disk, disk_platform
):
    platform = disk_platform
    assert platform.accepted("logs", rows(20)) == (20, 0)
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"))
    store.put("/pie/full", "kept")
    store.close()
    filler = fill(small_disk)

    refused = platform.post("logs", rows(1))
    assert refused.status == 503, refused.body
    for _ in range(2):
        os.kill(platform.child, signal.SIGKILL)
        assert registry_serves(platform, "kept")
        platform.wait_facts()  # it opens what it has, and writes nothing
        assert len(platform.messages("ab" * 16)) == 20
    assert platform.post("logs", rows(1)).status == 503

    filler.unlink()
    assert platform.accepted("logs", rows(5)) == (5, 0)
    assert platform.stop() == 0
    platform.start()
    assert len(platform.messages("ab" * 16)) == 25


RACE = """
import json, os, random, sys, time
from pathlib import Path
from pie.platform.facts.frames import Hello
from pie.platform.facts.opening import open_store

hello = Hello(directory=sys.argv[1], memory=1 << 30, insert_interval=0.0, lock_patience=5)
store = open_store(hello)
engine, disk, draw = store.engine, Path(sys.argv[1]).parent, random.Random(1)

def rows(first):
    return "\\n".join(
        json.dumps({"ts": time.time(), "src": 1, "pos": first + n, "message":
                    " ".join("%06x" % draw.getrandbits(24) for _ in range(40))})
        for n in range(5000)
    ).encode()

print(engine.query("SELECT count() AS n, max(pos) AS pos FROM logs"), store.notes, flush=True)
if sys.argv[2] == "race":
    engine.insert("logs", rows(0))
    checked = engine.guard.before_insert
    def filled_behind_its_back(size):
        checked(size)
        left = os.statvfs(disk)
        with (disk / "filler").open("wb") as filler:  # room by the engine's estimate only
            os.posix_fallocate(filler.fileno(), 0, left.f_bavail * left.f_frsize - 2_100_000)
    engine.guard.before_insert = filled_behind_its_back
    import tempfile
    tempfile.tempdir = None  # the rows' own draft is elsewhere
    engine.insert("logs", rows(5000))
    print("acknowledged", flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_rows_are_not_acknowledged_when_the_disk_fills_up_while_they_are_written(small_disk):
    command = [sys.executable, "-c", RACE, str(small_disk / "data")]
    race = subprocess.run(
        [*command, "race"], capture_output=True, text=True, timeout=120, check=False
    )
    assert race.returncode == 1
    assert "acknowledged" not in race.stdout
    assert "is cut off" in race.stderr
    (small_disk / "filler").unlink()
    again = subprocess.run(
        [*command, "look"], capture_output=True, text=True, timeout=120, check=False
    )
    assert "'n': 5000, 'pos': 4999" in again.stdout, again
    assert "1 parts of the table logs are damaged" in again.stdout


CUT = """
import json, os, sys, time
from pathlib import Path
from pie.platform.facts.frames import Hello
from pie.platform.facts.opening import open_store

hello = Hello(directory=sys.argv[1], memory=1 << 30, insert_interval=0.0, lock_patience=5)
store = open_store(hello)
engine = store.engine

def part():
    found = engine.query("SELECT path FROM system.parts WHERE table = 'logs' AND active")
    return Path(found[0]["path"])

def insert(pos):
    engine.insert("logs", json.dumps({"ts": time.time(), "src": 1, "pos": pos}).encode())

print(engine.query("SELECT count() AS n FROM logs"), store.notes, flush=True)
if sys.argv[2] != "look":
    insert(1)
    engine.guard.look()
    insert(2)
    engine.execute("OPTIMIZE TABLE logs FINAL")
    file = part() / sys.argv[2]
    os.truncate(file, int(file.stat().st_size * float(sys.argv[3])))  # The disk was full a moment.
    engine.guard.look()
    print("not noticed", flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "left"), [("data.bin", "0.9"), ("checksums.txt", "0.9"), ("count.txt", "0")]
)
def test_a_merge_that_was_cut_off_is_noticed_though_there_is_room_again(tmp_path, file, left):
    command = [sys.executable, "-c", CUT, str(tmp_path)]
    cut = subprocess.run(
        [*command, file, left], capture_output=True, text=True, timeout=120, check=False
    )
    assert "is cut off" in cut.stderr, cut
    again = subprocess.run(
        [*command, "look"], capture_output=True, text=True, timeout=120, check=False
    )
    assert "[{'n': 2}]" in again.stdout, again
