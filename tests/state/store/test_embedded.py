"""The state file: what survives, and what is said of a file that cannot be used."""

import sqlite3
import stat
import subprocess
import sys
import textwrap

import pytest

from pie.state import Compacted, LimitExceeded, Write
from pie.state.store.embedded import EmbeddedStore, StateFileError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


def reopened(store: EmbeddedStore, path, clock) -> EmbeddedStore:
    store.close()
    return EmbeddedStore(path, clock=clock)


def test_keys_and_revisions_survive(path, clock):
    store = EmbeddedStore(path, clock=clock)
    store.put("/a", "1")
    store.put("/a", "2")
    store.put("/b", "x")
    last = store.delete("/b")
    before = store.range("/")
    store = reopened(store, path, clock)
    assert store.range("/") == before
    assert store.put("/c", "y") == last + 1
    store.close()


def test_a_lease_has_a_full_life_after_a_restart(path, clock):
    store = EmbeddedStore(path, clock=clock)
    lease = store.grant(10)
    store.put("/l", "v", lease=lease)
    clock.now += 9
    store = reopened(store, path, clock)
    clock.now += 9
    store.expire()
    assert store.get("/l") is not None
    clock.now += 2
    store.expire()
    assert store.get("/l") is None
    store = reopened(store, path, clock)
    assert store.get("/l") is None
    assert store.keep_alive([lease]).missing == (lease,)
    store.close()


def test_a_watch_goes_on_over_a_restart_when_it_missed_nothing(path, clock):
    store = EmbeddedStore(path, clock=clock)
    behind = store.put("/a", "1")
    current = store.put("/a", "2")
    store = reopened(store, path, clock)
    with pytest.raises(Compacted):
        store.watch("/a", after=behind)
    with store.watch("/a", after=current) as watch:
        store.put("/a", "3")
        assert [event.value for event in next(watch).events] == ["3"]
    store.close()


def test_a_new_file_never_goes_on_with_the_numbers_of_a_lost_one(path, clock, tmp_path):
    store = EmbeddedStore(path, clock=clock)
    old = store.put("/a", "1")
    store.close()
    clock.now += 1
    store = EmbeddedStore(tmp_path / "other.db", clock=clock)
    with pytest.raises(Compacted):
        store.watch("/a", after=old)
    store.close()


def test_only_its_owner_reads_the_file(path):
    store = EmbeddedStore(path)
    store.put("/a", "1")
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.close()


def test_two_processes_cannot_share_it(path):
    store = EmbeddedStore(path)
    with pytest.raises(StateFileError, match="in use by another process"):
        EmbeddedStore(path)
    store.put("/a", "1")
    store.close()


def test_a_damaged_file(path):
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(StateFileError, match=r"state\.db is damaged .* restore it from a backup"):
        EmbeddedStore(path)


def test_a_file_damaged_inside(path):
    store = EmbeddedStore(path)
    for number in range(100):
        store.put(f"/{number}", "x" * 1000)
    store.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 16384)
    with pytest.raises(StateFileError, match="damaged"):
        EmbeddedStore(path)


def test_a_file_of_a_later_pie(path):
    EmbeddedStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=2")
    db.close()
    with pytest.raises(StateFileError, match="has format 2, this Pie reads 1"):
        EmbeddedStore(path)


def test_a_database_of_something_else(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(StateFileError, match="another program"):
        EmbeddedStore(path)


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(StateFileError, match="its directory must exist"):
        EmbeddedStore(tmp_path / "none" / "state.db")


def test_a_full_disk_refuses_the_change_and_nothing_else(path):
    """In a process whose files may not grow, then may again."""
    script = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from pie.state import StoreAway
        from pie.state.store.embedded import EmbeddedStore

        path = Path(sys.argv[1])
        store = EmbeddedStore(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        lease = store.grant(60)
        written = 0
        try:
            while True:
                store.put(f"/{written}", "x" * 10_000, lease=lease)
                written += 1
        except StoreAway as error:
            assert "could not be written" in str(error), error
        assert written > 5
        assert len(store.range("/").entries) == written
        assert store.keep_alive([lease]).alive == (lease,)
        try:
            store.revoke(lease)
        except StoreAway:
            assert store.keep_alive([lease]).alive == (lease,)
            assert len(store.range("/").entries) == written
        else:
            raise AssertionError("revoked without a disk")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        last = store.put("/more", "y")
        store.close()
        store = EmbeddedStore(path)
        assert len(store.range("/").entries) == written + 1
        assert store.range("/").revision == last
    """)
    subprocess.run([sys.executable, "-c", script, path], check=True, timeout=30)


def test_a_clock_that_is_set_ends_no_lease_and_gives_no_revision_twice(path):
    class Clock:
        now, wall_time = 1000.0, 1_700_000_000.0

        def monotonic(self) -> float:
            return self.now

        def wall(self) -> float:
            return self.wall_time

    clock = Clock()
    store = EmbeddedStore(path, clock=clock)
    lease = store.grant(10)
    last = store.put("/leased", "x", lease=lease)
    for jump in (-86_400.0, 10 * 86_400.0, -1e9):
        clock.wall_time += jump
        clock.now += 4
        store.expire()
        assert store.keep_alive([lease]).alive == (lease,)
        assert store.put("/a", "y") == last + 1
        last += 1
        store.close()
        store = EmbeddedStore(path, clock=clock)
        assert store.revision == last
    clock.now += 11
    store.expire()
    assert store.get("/leased") is None
    store.close()


def test_a_file_gives_back_what_was_deleted(path, clock, monkeypatch):
    monkeypatch.setattr("pie.state.store.embedded.MOST_FREE_PAGES", 100)
    store = EmbeddedStore(path, clock=clock)
    for number in range(8):
        store.put(f"/big/{number}", "x" * (1 << 20))
    store.put("/kept", "x")
    for number in range(7):
        store.delete(f"/big/{number}")
    before, entries = path.stat().st_size, store.range("/")
    store = reopened(store, path, clock)
    assert store.range("/") == entries
    store.close()
    assert path.stat().st_size < 2 << 20 < 7 << 20 < before
    store = EmbeddedStore(path, clock=clock)
    assert store.put("/kept", "y") > entries.revision
    store.close()


def test_a_full_store_says_so_and_takes_deletes(path, clock, monkeypatch):
    for module in ("memory", "served"):
        monkeypatch.setattr(f"pie.state.store.{module}.MAX_TOTAL", 1000)
        monkeypatch.setattr(f"pie.state.store.{module}.MAX_KEYS", 5)
    store = EmbeddedStore(path, clock=clock)
    store.put("/1", "x" * 900)
    writes = [Write("/2", "y" * 90), Write("/3", "y" * 90)]
    for call in (lambda: store.put("/2", "y" * 99), lambda: store.commit(writes)):
        with pytest.raises(LimitExceeded, match="holds 1000 characters, its limit: delete some"):
            call()
    assert store.commit([Write("/1", None), *writes])
    store.commit([Write(f"/n/{number}", "") for number in range(3)])
    with pytest.raises(LimitExceeded, match="holds 5 keys, its limit"):
        store.put("/6", "")
    assert store.commit([Write("/2", None), Write("/6", "")])
    store.close()
