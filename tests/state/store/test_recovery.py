"""A state file that is damaged, empty or gone is restored from its snapshot, and that is said."""

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable

import pytest

from pie.state import Compacted, StoreAway
from pie.state.store.embedded import EmbeddedStore, StateFileError
from pie.state.store.recovery import open_store, snapshot_path
from pie.state.store.snapshot import SnapshotThread

ENTRIES = {f"/k/{number:03}": "x" * number * 10 for number in range(200)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def said():
    return []


@pytest.fixture
def lease(path, said) -> int:
    """A file of many entries, one of them under a lease, and its snapshot."""
    store = open_store(path, said.append)
    assert said == []
    for key, value in ENTRIES.items():
        store.put(key, value)
    lease = store.grant(60)
    store.put("/leased", "y", lease=lease)
    snapshots = SnapshotThread(store, snapshot_path(path))
    snapshots.start()
    snapshots.stop()
    store.close()
    assert stat.S_IMODE(snapshot_path(path).stat().st_mode) == 0o600
    return lease


def truncate(size: int) -> Callable[..., None]:
    return lambda path: os.truncate(path, size)


def overwrite(at: int, data: bytes) -> Callable[..., None]:
    def damage(path) -> None:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(data)

    return damage


DAMAGES = {
    "empty": (truncate(0), "is empty"),
    "missing": (lambda path: path.unlink(), "is missing"),
    "cut short": (truncate(20_000), "is damaged"),
    "cut to a page": (truncate(8192), "is damaged"),
    "a few bytes": (truncate(100), "is damaged"),
    "another head": (overwrite(0, b"\0" * 100), "is damaged"),
    "rubbish inside": (overwrite(8192, b"\xff" * 16384), "is damaged"),
    "rubbish": (lambda path: path.write_bytes(os.urandom(50_000)), "is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_restored(path, lease, said, damage):
    harm, word = DAMAGES[damage]
    before = open_store(path, said.append)
    revision = before.revision
    before.close()
    harm(path)
    harmed = path.read_bytes() if path.exists() else None
    store = open_store(path, said.append)
    (sentence,) = said
    assert word in sentence
    assert "restored 201 entries from the snapshot of 20" in sentence
    found = store.range("/k/")
    assert {entry.key: entry.value for entry in found.entries} == ENTRIES
    assert store.get("/leased").lease == lease
    assert store.keep_alive([lease]).alive == (lease,)
    assert store.put("/after", "z") > revision + 100_000, "no revision is given twice"
    with pytest.raises(Compacted):
        store.watch("/", after=revision + 5)
    store.close()
    aside = [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    assert [file.read_bytes() for file in aside] == ([] if harmed is None else [harmed])
    again = open_store(path, said.append)
    assert again.get("/after") is not None
    assert len(said) == 1
    again.close()


def test_a_file_that_lost_its_latest_changes_is_restored(path, lease, said):
    old = path.read_bytes()
    store = open_store(path, said.append)
    store.put("/k/late", "acknowledged")
    snapshots = SnapshotThread(store, snapshot_path(path))
    snapshots.write()
    store.close()
    path.write_bytes(old)
    store = open_store(path, said.append)
    assert "lost its latest changes" in said[0]
    assert store.get("/k/late").value == "acknowledged"
    store.close()


def test_without_a_snapshot_a_damaged_file_is_refused(path, lease, said):
    snapshot_path(path).unlink()
    overwrite(8192, b"\xff" * 16384)(path)
    with pytest.raises(StateFileError, match=r"is damaged .*restore it from a backup"):
        open_store(path, said.append)
    assert path.exists()


def test_a_damaged_snapshot_is_not_used(path, lease, said):
    overwrite(1000, b"!")(snapshot_path(path))
    harmless = open_store(path, said.append)  # The file itself is in order.
    assert len(harmless.range("/k/").entries) == 200
    harmless.close()
    overwrite(8192, b"\xff" * 16384)(path)
    with pytest.raises(StateFileError, match=r"is damaged .* its snapshot .* is damaged"):
        open_store(path, said.append)
    path.write_bytes(b"")
    open_store(path, said.append).close()
    assert "was empty, and its snapshot" in said[0]


def test_an_empty_file_without_a_snapshot_is_said(path, said):
    path.write_bytes(b"")
    open_store(path, said.append).close()
    assert "the registry begins empty" in said[0]
    assert "publish them again" in said[0]


def test_three_damaged_files_are_kept(path, lease, said, monkeypatch):
    for number in range(5):
        monkeypatch.setattr("pie.state.store.recovery.os.getpid", lambda number=number: number)
        path.write_bytes(b"rubbish %d" % number * 100)
        open_store(path, said.append).close()
    aside = [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    assert len(aside) == 3


def test_a_full_disk_is_not_taken_for_damage(path, lease):
    script = """
import resource, sys
from pathlib import Path
from pie.state.store.embedded import StateFileError
from pie.state.store.recovery import open_store
path = Path(sys.argv[1])
before = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
try:
    open_store(path, print).close()
except StateFileError as error:
    assert "damaged" not in str(error), error
assert path.read_bytes() == before
assert not list(path.parent.glob("*.damaged-*"))
"""
    subprocess.run([sys.executable, "-c", script, path], check=True, timeout=30)


def test_a_snapshot_that_cannot_be_written_leaves_the_former(path, lease, caplog):
    former = snapshot_path(path).read_bytes()
    store = EmbeddedStore(path)
    store.put("/more", "x")
    snapshots = SnapshotThread(store, snapshot_path(path))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(OSError, match="too large"):
            snapshots.write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert snapshot_path(path).read_bytes() == former
    snapshots.write()
    assert snapshot_path(path).read_bytes() != former
    assert not list(path.parent.glob(".state.snapshot.*"))
    store.close()
    with pytest.raises(StoreAway):
        store.put("/closed", "")
