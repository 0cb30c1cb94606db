"""Platforms whose desired state is in an etcd of three members."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from tests.etcd import EtcdCluster

from pie.state import Directory, Instance, Registrar, RemoteStore, StoreAway, lookup_services

pytestmark = pytest.mark.slow
ME = Instance(psm="shop.cart.api", id="10.0.0.1:7701", host="10.0.0.1", port=7701, protocol="http")
OTHER = Instance(psm="shop.cart.api", id="10.0.0.2:1", host="10.0.0.2", port=1, protocol="http")


@pytest.fixture
def cluster(tmp_path):
    made = EtcdCluster(tmp_path, 3)
    yield made.start()
    made.stop()


@pytest.fixture
def two(tmp_path, cluster, platform_at):
    """Two platforms with the same tokens."""
    first = platform_at(tmp_path / "p1", cluster.address).start()
    second = platform_at(tmp_path / "p2", cluster.address)
    second.directory.mkdir()
    for file in first.directory.glob("*.token"):
        shutil.copy(file, second.directory)
    return first, second.start()


def store_of(platform) -> RemoteStore:
    return RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token("admin"), timeout=30)


def wait(met: Callable[[], object], what: str, patience: float = 30) -> None:
    end = time.monotonic() + patience
    while not met():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def pie(platform, *arguments: str) -> str:
    environ = os.environ | {
        "PIE_PLATFORM": f"http://127.0.0.1:{platform.port}",
        "PIE_TOKEN": platform.token("admin"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pie.tool.pie", *arguments],
        env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_two_platforms_are_one_registry(two, cluster, tmp_path):
    """A service registers at one and is found at the other, which outlives the first."""
    first, second = two
    registrar = Registrar(store_of(first), ME, ttl=4)
    registrar.start()
    other = Registrar(store_of(second), OTHER, ttl=4)
    other.start()
    assert registrar.wait_registered(20) and other.wait_registered(20)
    directories = [Directory(store_of(each), tmp_path / f"d{n}") for n, each in enumerate(two)]

    def ids(directory: Directory) -> set[str]:
        return {each.id for each in directory.instances(ME.psm)}

    for directory in directories:
        wait(lambda directory=directory: ids(directory) == {ME.id, OTHER.id}, "both to be found")
    text = pie(second, "state")
    assert "etcd etcd://" in text and "leader" in text and "alarms: none" in text
    health = second.ask("GET", "/api/health").json
    assert health["status"] == "ok"
    assert sorted(each["leader"] for each in health["state"]["members"]) == [False, False, True]
    assert second.ask("GET", "/api/health", role=None).json["state"] is None

    first.end(signal.SIGKILL)
    wait(lambda: ids(directories[1]) == {OTHER.id}, "the lease of the first's service to end")
    cluster.leader().kill()
    time.sleep(6)
    assert ids(directories[1]) == {OTHER.id}, "two of three members keep the lease"
    port = first.port
    first.start(port)
    wait(lambda: ids(directories[1]) == {ME.id, OTHER.id}, "the service to register again", 60)
    wait(lambda: ids(directories[0]) == {ME.id, OTHER.id}, "its followers to follow again")
    for each in (registrar, other, *directories):
        (each.stop if isinstance(each, Registrar) else each.close)()
    assert lookup_services(store_of(second)).get(ME.psm) is None


def test_with_etcd_away_everything_known_is_served(two, cluster):
    first, _ = two
    store = store_of(first)
    store.put("/pie/services/shop.cart.api/rules/server/access", "{}")
    watch = store.stream({"/pie/": store.range("/pie/").revision})
    next(watch)
    cluster.stop()
    wait(lambda: first.ask("GET", "/api/health").json["status"] == "degraded", "it to be said", 60)
    assert "cannot be written" in pie(first, "state")
    assert store.get("/pie/services/shop.cart.api/rules/server/access").value == "{}"
    assert first.ask("GET", "/api/services").status == 200
    with pytest.raises(StoreAway, match="majority of its members"):
        store.put("/pie/x", "y")
    assert next(watch).events == (), "the watch goes on"
    cluster.start()
    wait(lambda: first.ask("GET", "/api/health").json["status"] == "ok", "it to be well again", 60)
    revision = store.put("/pie/x", "y")
    events = next(batch.events for batch in watch if batch.events)
    assert events[0].revision == revision
    watch.close()


def test_a_platform_starts_without_etcd_and_finds_it_later(tmp_path, platform_at):
    cluster = EtcdCluster(tmp_path, 1)
    platform = platform_at(tmp_path / "data", cluster.address).start()
    try:
        health = platform.ask("GET", "/api/health").json
        assert health["status"] == "degraded"
        with pytest.raises(StoreAway, match="could not be read yet"):
            store_of(platform).get("/pie/x")
        cluster.start()
        wait(lambda: not platform.ask("GET", "/api/health").json["state"]["trouble"], "etcd")
        assert store_of(platform).put("/pie/x", "y")
        assert platform.stop() == 0
        assert "cannot be read yet, and is tried again for ever" in platform.said
    finally:
        cluster.stop()


def test_moving_from_embedded_to_etcd(tmp_path, cluster, platform_at):
    old = platform_at(tmp_path / "data", "embedded").start()
    store_of(old).put("/pie/services/shop.cart.api/rules/server/access", '{"a":"一"}')
    file = str(tmp_path / "state.ndjson")
    assert "entries written" in pie(old, "state", "export", file)
    old.stop()
    new = platform_at(tmp_path / "data", cluster.address).start()
    assert "0 were there already" in pie(new, "state", "import", file)
    assert "0 entries written" in pie(new, "state", "import", file)
    found = store_of(new).get("/pie/services/shop.cart.api/rules/server/access")
    assert found.value == '{"a":"一"}'
    assert new.stop() == 0
    assert "state.db is not used" in new.said


def test_a_setting_that_makes_no_sense_is_explained(tmp_path, platform_at):
    for state, said in (
        ("etcd://", "is not HOST:PORT"),
        ("redis://h:1", "is not an address of etcd"),
        ("etcds://h:1?ca=/no/such", "there is no such file"),
    ):
        platform = platform_at(tmp_path / "data", state)
        process = platform.launch()
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said in errors and "--state" in errors
