"""Counts outlive their process: kill -9, forks that end by themselves, a full disk, damage."""

import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pie._core import native
from pie.observe import Identity
from pie.observe.record.call_log import AGGREGATES
from pie.observe.record.counts import COUNTS, HEADER_SIZE, SUFFIX, CountFile
from pie.observe.record.recover import Recovered, recover
from pie.platform.facts.decode import decode_rows

SERVE = """
import itertools, mmap, os, struct, sys, time, warnings
from pathlib import Path
from pie.model import Call
from pie.observe import Budget, Identity, Observer

warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads.
observer = Observer(
    Identity(psm="a.b.c", instance="i:1"), Path(sys.argv[1]), Path("nowhere"), budget=Budget(10**9)
)
observer.install()
log = observer.recorder.log

numbers = itertools.count()

def serve(count, method="Get"):
    for _ in range(count):
        call = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method=method)
        call.started, call.start, call.end, call.peer = time.time(), 1.0, 1.001, "p:1"
        call.logid = "%x-%d" % (os.getpid(), next(numbers))
        log.leave(call)
"""

ENDLESS = """
counted = mmap.mmap(os.open(sys.argv[2], os.O_RDWR), 8)
n = 0
while True:
    serve(1, "m%d" % (n % 5))
    n += 1
    counted[:8] = struct.pack("<q", n)
    time.sleep(float(sys.argv[3]))
"""

cores = pytest.mark.parametrize(
    "core",
    [
        pytest.param("python", marks=pytest.mark.slow),
        pytest.param(
            "", marks=pytest.mark.skipif(native is None, reason="the extension is not in use")
        ),
    ],
    ids=["twin", "c"],
)


def environment(core: str) -> dict[str, str]:
    return {**os.environ, "PIE_CORE": core}


def run(root: Path, program: str, core: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SERVE + program, str(root)], env=environment(core),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def facts(root: Path) -> Path:
    return root / "a" / "log" / "facts"


def recovered(root: Path) -> Recovered:
    return recover(root / "a" / COUNTS, facts(root))


def rows(root: Path, name: str) -> list[Any]:
    return [
        json.loads(line)
        for file in facts(root).glob(f"a.b.c*.{name}.2*.ndjson")
        for line in file.read_text().splitlines()
        if line
    ]


def lines_of(root: Path, folder: str) -> list[str]:
    files = (root / "a" / "log" / folder).glob("a.b.c*.2*.log")
    return [line for file in files for line in file.read_text().splitlines() if line]


def counted(root: Path, name: str = "edges", method: str = "") -> int:
    found = rows(root, name)
    if name == "edges":
        assert all(sum(row["histogram"].values()) == row["count"] for row in found)
    return sum(row["count"] for row in found if row.get("method", "").startswith(method))


def left(root: Path) -> list[str]:
    folder = root / "a" / COUNTS
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


def kill_often(
    root: Path, core: str, kills: int, seconds: float, chance: random.Random, pause: float
) -> None:
    """Kill processes under load; each tells in a shared mapping how many calls it counted.

    With a pause after each call there is room for every line in the mapping.
    """
    sure = 0
    logids: set[str] = set()
    for _ in range(kills):
        told = root / "told"
        told.write_bytes(bytes(8))
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE + ENDLESS, str(root), str(told), str(pause)],
            env=environment(core),
        )
        with told.open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
            while shared[:8] == bytes(8):
                assert process.poll() is None
                time.sleep(0.002)
            time.sleep(chance.uniform(0, seconds))
            process.send_signal(signal.SIGKILL)
            process.wait()
            count = struct.unpack("<q", shared[:8])[0]
        sure += count
        logids |= {f"{process.pid:x}-{n}" for n in range(count)}
        assert recovered(root).files == 1
    for name in AGGREGATES:
        assert sure <= counted(root, name) <= sure + kills
        marks = [row["mark"] for row in rows(root, name)]
        assert len(marks) == len(set(marks))
    assert left(root) == []
    recorded = [row["logid"] for row in rows(root, "calls")]
    lines = [line.split(" ")[6] for line in lines_of(root, "rpc")]
    for written in (recorded, lines):
        assert len(written) == len(set(written))
        if core != "python" and pause:  # The twin makes its lines when they are written.
            assert logids <= set(written)
            assert len(written) <= sure + kills


@cores
def test_a_kill_loses_no_count_and_no_record(tmp_path: Path, core: str) -> None:
    kill_often(tmp_path, core, 2, 0.1, random.Random(5), 0.001)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0, 0.001], ids=["load", "paced"])
@cores
def test_kills_at_any_moment_lose_no_count(tmp_path: Path, core: str, pause: float) -> None:
    """Also while rows of a bucket that is over are written."""
    kill_often(tmp_path, core, 4, 12, random.Random(), pause)


FORKS = """
import multiprocessing, signal
from concurrent.futures import ProcessPoolExecutor

serve(10, "parent")
observer.recorder.flush()

def child(end):
    pid = os.fork()
    if pid == 0:
        serve(20, "fork")
        end()
    os.waitpid(pid, 0)

child(lambda: os._exit(0))
child(lambda: os.kill(os.getpid(), signal.SIGKILL))
child(sys.exit)
context = multiprocessing.get_context("fork")
process = context.Process(target=serve, args=(20, "process"))
process.start()
process.join()
with context.Pool(2) as pool:
    pool.map(serve, [5] * 4, chunksize=1)
    pool.close()
    pool.join()
with ProcessPoolExecutor(2, mp_context=context) as executor:
    list(executor.map(serve, [5] * 4))
serve(10, "parent")
observer.close()
"""


@cores
def test_children_that_end_by_themselves_lose_no_count(tmp_path: Path, core: str) -> None:
    run(tmp_path, FORKS, core)
    assert recovered(tmp_path).damaged == 0
    expected = {"parent": 20, "fork": 60, "process": 20, "Get": 40}
    for method, count in expected.items():
        assert counted(tmp_path, "edges", method) == count, method
    assert counted(tmp_path, "peers") == sum(expected.values())
    assert left(tmp_path) == []
    calls = [row["method"] for row in rows(tmp_path, "calls")]
    for method in ("parent", "process", "Get"):
        assert calls.count(method) == expected[method], method


SPAWNED = """
import multiprocessing
if __name__ == "__main__":
    for way in ("spawn", "forkserver"):
        process = multiprocessing.get_context(way).Process(target=serve, args=(20, way))
        process.start()
        process.join()
    observer.close()
"""


@pytest.mark.slow
@cores
def test_children_that_are_no_forks_lose_no_count(tmp_path: Path, core: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(SERVE + SPAWNED)
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], env=environment(core),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    recovered(tmp_path)
    for name in ("edges", "calls"):
        found = [row["method"] for row in rows(tmp_path, name) for _ in range(row.get("count", 1))]
        assert (found.count("spawn"), found.count("forkserver")) == (20, 20), name


ORPHAN = """
serve(10, "parent")
if os.fork() == 0:
    serve(10, "child")
    os.close(1)
    os.close(2)
    time.sleep(60)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_child_that_outlives_its_parent_does_not_keep_the_parents_counts(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE + "os.setsid()" + ORPHAN, str(tmp_path)],
        env=environment(""), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.communicate(timeout=60)[0] == b""  # The child has closed its end, too.
        assert process.returncode == -signal.SIGKILL
        assert recovered(tmp_path).files == 1
        assert counted(tmp_path, method="parent") == 10
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while left(tmp_path) and time.monotonic() < end:
        recovered(tmp_path)
    assert counted(tmp_path) == 20


ENDS = """
serve(30)
observer.close()
"""


def test_a_process_that_ends_in_order_leaves_no_file(tmp_path: Path) -> None:
    run(tmp_path, ENDS, "")
    assert left(tmp_path) == []
    assert counted(tmp_path) == counted(tmp_path, "peers") == 30


NO_ROOM = """
import resource
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
serve(10)
end = time.monotonic() + 20
while observer.recorder._said_trouble is False and time.monotonic() < end:
    time.sleep(0.01)
serve(10)
observer.close()
"""


def test_without_room_it_counts_in_private_memory_and_says_so_once(tmp_path: Path) -> None:
    run(tmp_path, NO_ROOM, "")
    assert left(tmp_path) == []
    assert counted(tmp_path) == 20
    lines = (tmp_path / "a" / "log" / "python" / "a.b.c.log").read_text()
    assert lines.count("should this process be killed, up to a minute of its counts") == 1


def test_without_a_folder_of_its_own_it_counts_in_private_memory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "state").touch()  # No folder, also for root.
    run(tmp_path, ENDS, "")
    assert counted(tmp_path) == 30


CANARY = """
observer = Observer(
    Identity(psm="a.b.c", cluster="Canary-2", instance="i:1"), Path(sys.argv[1]), Path("nowhere")
)
log = observer.recorder.log
serve(10)
os.kill(os.getpid(), 9)
"""


@cores
def test_lines_of_another_cluster_come_to_its_files(tmp_path: Path, core: str) -> None:
    subprocess.run(
        [sys.executable, "-c", SERVE + CANARY, str(tmp_path)], env=environment(core), check=False
    )
    assert recovered(tmp_path).damaged == 0
    assert counted(tmp_path) == 10
    files = {file.name.split(".2")[0] for file in (tmp_path / "a" / "log" / "rpc").glob("*.2*")}
    assert files <= {"a.b.c@Canary-2", "a.b.c.recovered@Canary-2"}
    if core != "python":
        assert len(lines_of(tmp_path, "rpc")) == 10


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = CountFile(tmp_path, Identity(psm="a.b.c"), AGGREGATES)
    (path,) = tmp_path.iterdir()
    status = path.stat()
    assert status.st_mode & 0o777 == 0o600
    assert status.st_blocks * 512 >= status.st_size  # No holes: a full disk kills nobody.
    assert recover(tmp_path, tmp_path / "facts") == (0, 0, 0, 0)
    file.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Name and bytes of the file of a process that was killed with 30 calls in it."""
    root = tmp_path_factory.mktemp("killed")
    run(root, "serve(30)\nif os.fork() == 0: serve(30); os._exit(0)\nos.wait()\n", "python")
    (path,) = (root / "a" / COUNTS).glob(f"*{SUFFIX}")
    return path.name, path.read_bytes()


@pytest.fixture
def killed(tmp_path: Path, left_behind: tuple[str, bytes]) -> Path:
    """That file in a root of its own."""
    path = tmp_path / "a" / COUNTS / left_behind[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(left_behind[1])
    return path


def test_a_damaged_file_is_set_aside_and_said(
    tmp_path: Path, killed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = killed
    whole = path.read_bytes()

    def damaged(at: int, stored: bytes) -> bytes:
        return whole[:at] + stored + whole[at + len(stored) :]

    wrong = {
        "short": whole[:100],
        "cut": whole[:-1],
        "empty": b"",
        "foreign": b"x" * len(whole),
        "header": damaged(40, b"\0"),
        "state": damaged(HEADER_SIZE, b"\xff"),
        "key": damaged(HEADER_SIZE + 470, b"\xff"),
        "sums": damaged(HEADER_SIZE + 256, b"\xff" * 208),
    }
    path.unlink()
    for name, data in wrong.items():
        path.with_name(f"{name}{SUFFIX}").write_bytes(data)
    (path.parent / f"link{SUFFIX}").symlink_to("/etc/passwd")
    os.mkfifo(path.parent / f"pipe{SUFFIX}")
    (path.parent / f"folder{SUFFIX}").mkdir()
    found = recovered(tmp_path)
    assert (found.files, found.damaged) == (0, len(wrong) + 3)
    assert all(name in caplog.text for name in (*wrong, "link", "pipe", "folder"))
    assert len([name for name in left(tmp_path) if name.endswith(".damaged")]) == len(
        left(tmp_path)
    )
    # What could be read of them is there.
    assert counted(tmp_path, "peers") == 30 * 3


@pytest.mark.usefixtures("killed")
def test_the_platform_takes_rows_with_their_mark(tmp_path: Path) -> None:
    recovered(tmp_path)
    for name, table in (("edges", "edge_10s"), ("peers", "peer_60s")):
        (file,) = facts(tmp_path).glob(f"a.b.c.recovered.{name}.2*.ndjson")
        found, bad = decode_rows(table, file.read_bytes())
        assert [row.count for row in found] == [30]
        assert not bad


def test_a_file_of_another_version_is_left_alone(tmp_path: Path, killed: Path) -> None:
    path = killed
    path.write_bytes(path.read_bytes()[:8] + b"\x63\0\0\0" + path.read_bytes()[12:])
    assert recovered(tmp_path) == (0, 0, 0, 0)
    assert left(tmp_path) == [path.name]


def test_a_note_that_names_no_file_of_facts_is_damage(tmp_path: Path, killed: Path) -> None:
    path = killed
    from pie.observe.record.slots import Note, note_stores

    with path.open("r+b") as file:
        for at, stored in note_stores(Note("../../../../etc/passwd", 1, 0)):
            file.seek(HEADER_SIZE + at)
            file.write(stored)
    assert recovered(tmp_path).damaged == 1


def test_where_nobody_recovers_there_are_not_ever_more_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pie.observe.record.counts.MOST_LEFT", 2)
    for _ in range(3):
        CountFile(tmp_path, Identity(psm="a.b.c"), AGGREGATES).leave()
    with pytest.raises(OSError, match="dead processes"):
        CountFile(tmp_path, Identity(psm="a.b.c"), AGGREGATES)
    recover(tmp_path, tmp_path / "facts")
    CountFile(tmp_path, Identity(psm="a.b.c"), AGGREGATES).close()
