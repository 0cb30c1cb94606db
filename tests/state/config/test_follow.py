"""A process follows its configuration, and runs on the last good one while the store is away."""

import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pie.state import Follower, MemoryStore, StoreAway
from pie.state.config.book import ConfigBook
from pie.state.config.document import Override, Who, config_key
from pie.state.config.follow import StoreConfig
from pie.state.config.live import LiveConfig

PSM = "toutiao.my.server"
WHO = Who(PSM, "default", "", "10.0.0.1:7701")


class Bench:
    """One process over a store."""

    def __init__(self, store: MemoryStore, folder: Path) -> None:
        self.follower = Follower(store)
        self.live = LiveConfig()
        self.config = StoreConfig(self.follower, WHO, folder, live=self.live)

    def get(self, key: str, default: object) -> object:
        return self.live.resolve(key, default)

    def close(self) -> None:
        self.config.close()
        self.follower.stop()


@pytest.fixture
def store():
    made = MemoryStore()
    yield made
    made.close()


@pytest.fixture
def start(store: MemoryStore, tmp_path: Path):
    made: list[Bench] = []

    def begin() -> Bench:
        made.append(Bench(store, tmp_path))
        return made[-1]

    yield begin
    for each in made:
        each.close()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_first_read_has_what_the_store_holds(store: MemoryStore, start) -> None:
    book = ConfigBook(store)
    book.publish(
        PSM, {"a": 1}, seen=0, by="ann", comment="",
        overrides=[Override(name="x", instance=[WHO.instance], values={"b": 2})],
    )  # fmt: skip
    bench = start()
    assert (bench.get("a", 0), bench.get("b", 0)) == (1, 2)
    book.publish(PSM, {"a": 3}, seen=1, by="ann", comment="")
    until(lambda: bench.get("a", 0) == 3)
    assert (bench.config.version, bench.config.trouble) == (2, "")


def test_the_last_good_values_survive_without_the_store(
    store: MemoryStore, start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ConfigBook(store)
    first = start()
    first.get("a", 0)
    book.publish(PSM, {"a": 5}, seen=0, by="ann", comment="")
    until(lambda: first.get("a", 0) == 5)
    book.publish(PSM, {"a": "wrong"}, seen=1, by="ann", comment="")
    until(lambda: first.config.trouble)
    assert first.get("a", 0) == 5
    first.close()
    file = tmp_path / f"{PSM}.config.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600  # It may hold secrets.
    # Started anew, the process knows what its code expected, and keeps the good version.
    second = start()
    second.config.load()
    until(lambda: second.config.trouble)
    assert second.get("a", 0) == 5
    second.close()

    def away(_prefix: str) -> None:
        raise StoreAway("gone")

    monkeypatch.setattr(store, "range", away)
    third = start()
    assert third.get("a", 0) == 5


def test_code_that_changed_its_type_takes_the_version_that_was_made_for_it(
    store: MemoryStore, start
) -> None:
    book = ConfigBook(store)
    book.publish(PSM, {"a": 5}, seen=0, by="ann", comment="")
    first = start()
    first.get("a", 0)
    book.publish(PSM, {"a": 6}, seen=1, by="ann", comment="")
    until(lambda: first.get("a", 0) == 6)
    first.close()
    book.publish(PSM, {"a": "six"}, seen=2, by="ann", comment="")
    second = start()
    until(lambda: "v3" in (second.config.load() or second.config.trouble))
    assert second.get("a", "") == "six"
    assert (second.config.version, second.config.trouble) == (3, "")


def test_a_store_that_lost_its_memory_takes_no_value_away(store: MemoryStore, start) -> None:
    book = ConfigBook(store)
    book.publish(PSM, {"a": 5}, seen=0, by="ann", comment="")
    bench = start()
    assert bench.get("a", 0) == 5
    store.delete(config_key(PSM))
    until(lambda: bench.config.trouble)
    assert bench.get("a", 0) == 5
    store.put(config_key(PSM), "no JSON")
    until(lambda: "cannot be read" in bench.config.trouble)
    assert bench.get("a", 0) == 5


def test_a_damaged_snapshot_is_left_aside(store: MemoryStore, start, tmp_path: Path) -> None:
    (tmp_path / f"{PSM}.config.json").write_text("{")
    bench = start()
    assert bench.get("a", 7) == 7
