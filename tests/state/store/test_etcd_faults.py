"""What may befall an etcd of three members, or the platforms on it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.etcd import EtcdCluster, Relay
from tests.state.store.test_kill import Mirror, write

from pie.state import Compacted, Follower, LimitExceeded, RemoteStore, StoreAway
from pie.state.store.etcd import wire
from pie.state.store.etcd.address import parse_address
from pie.state.store.etcd.care import EtcdCare
from pie.state.store.etcd.store import EtcdStore

WORKER = Path(__file__).with_name("fenced_worker.py")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path) -> Iterator[EtcdCluster]:
    """Three members of this test's own."""
    made = EtcdCluster(tmp_path, 3)
    yield made.start()
    made.stop()


@pytest.fixture
def store(cluster) -> Iterator[EtcdStore]:
    made = opened(cluster)
    yield made
    made.close()


def opened(cluster: EtcdCluster) -> EtcdStore:
    made = EtcdStore(parse_address(cluster.address))
    assert made.wait_loaded(20), made.mirror.trouble
    return made


class Load:
    """Writers, followers and leases of services, at two platforms on one etcd."""

    def __init__(self, platform, stores, until) -> None:
        self._until = until
        self._stores = [RemoteStore(platform.serve(each), "t") for each in stores]
        self.mirrors = [Mirror() for _ in self._stores]
        self._followers = [Follower(each) for each in self._stores]
        for follower, mirror in zip(self._followers, self.mirrors, strict=True):
            follower.follow("/k/", mirror)
        self._stop = threading.Event()
        self.acknowledged: dict[str, int] = {}
        self.leases = [each.grant(5) for each in self._stores]
        for number, (each, lease) in enumerate(zip(self._stores, self.leases, strict=True)):
            each.put(f"/k/lease/{number}", "x", lease=lease)
        self._threads = [
            threading.Thread(
                target=write, args=(self._stores[n % 2], str(n), self._stop, self.acknowledged)
            )
            for n in range(4)
        ] + [threading.Thread(target=self._keep)]
        self.gone: list[int] = []
        for thread in self._threads:
            thread.start()

    def _keep(self) -> None:
        while not self._stop.wait(0.5):
            for each, lease in zip(reversed(self._stores), self.leases, strict=True):
                with contextlib.suppress(StoreAway):
                    self.gone += each.keep_alive([lease]).missing

    def more(self, count: int = 40) -> None:
        goal = len(self.acknowledged) + count
        self._until(lambda: len(self.acknowledged) >= goal, "more writes", 40)

    def end(self) -> None:
        """Stop, and compare what was acknowledged with what is there and what was told."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        found = self._stores[0].range("/k/").entries
        kept = {entry.key: entry.mod_revision for entry in found}
        # An unanswered put may have happened, and its repetition then has a later revision.
        assert {key: kept.get(key) for key in self.acknowledged} == self.acknowledged
        assert self.gone == []
        now = {entry.key: entry.value for entry in found}
        for mirror in self.mirrors:
            self._until(lambda mirror=mirror: mirror.state == now, "a follower to catch up")
            assert mirror.disorder == []
            assert mirror.loads == 1, "a follower had to read everything again"
        for follower in self._followers:
            follower.stop()


@pytest.fixture
def load(platform, cluster, store, until) -> Iterator[Load]:
    other = opened(cluster)
    made = Load(platform, [store, other], until)
    yield made
    made._stop.set()
    other.close()


def test_the_leader_is_killed_under_load(cluster, load):
    load.more()
    for _ in range(2):
        leader = cluster.leader()
        leader.kill()
        load.more()
        cluster.start()
        load.more()
    load.end()


def test_a_member_hangs_under_load(cluster, load):
    """It is stopped, not dead: its connections stay open, and nothing comes."""
    load.more()
    for member in cluster.members:
        member.pause()
        load.more()
        member.go_on()
        load.more()
    load.end()


def test_every_member_is_away_for_a_while(cluster, store, until):
    mirror = Mirror()
    follower = Follower(store)
    follower.follow("/k/", mirror)
    lease = store.grant(5)
    store.put("/k/leased", "x", lease=lease)
    before = store.put("/k/1", "before")
    until(lambda: "/k/1" in mirror.state, "the first event")
    cluster.stop()
    time.sleep(6)
    assert store.get("/k/1").value == "before"
    assert len(store.range("/k/").entries) == 2
    for call in (
        lambda: store.put("/k/1", "x"),
        lambda: store.keep_alive([lease]),
        lambda: store.grant(5),
    ):
        with pytest.raises(StoreAway, match="majority of its members run"):
            call()
    until(lambda: store.mirror.trouble, "the trouble to be known")
    cluster.start()
    until(lambda: not store.mirror.trouble, "the store to follow again")
    assert store.keep_alive([lease]).alive == (lease,), "leases begin anew with etcd"
    assert store.put("/k/1", "after", expect=before) > before
    until(lambda: mirror.state == {"/k/leased": "x", "/k/1": "after"}, "the follower")
    assert (mirror.disorder, mirror.loads) == ([], 1)
    follower.stop()


def test_a_lease_ends_though_its_keeper_is_away(cluster, store, until):
    other = opened(cluster)
    store.put("/k/leased", "x", lease=store.grant(2))
    store.close()
    until(lambda: other.get("/k/leased") is None, "etcd to end the lease")
    other.close()


def test_no_space(tmp_path, until):
    """What is registered stays, what is new is refused with what to do, and the way back."""
    cluster = EtcdCluster(tmp_path, 1, ["--quota-backend-bytes=16777216"]).start()
    store = opened(cluster)
    care = EtcdCare(store)
    try:
        lease = store.grant(60)
        store.put("/k/leased", "x", lease=lease)
        with pytest.raises(LimitExceeded, match=r"NOSPACE.*docs/etcd\.md"):
            for number in range(40):
                store.put(f"/big/{number}", "x" * (1 << 20))
        for call in (lambda: store.put("/k/2", ""), lambda: store.grant(5)):
            with pytest.raises(LimitExceeded, match="NOSPACE"):
                call()
        assert store.keep_alive([lease]).alive == (lease,)
        assert store.get("/k/leased").value == "x"
        care._step()
        assert care.condition.alarms == ("NOSPACE",)
        for entry in store.range("/big/").entries:
            assert store.delete(entry.key)
        member = cluster.members[0]
        revision = member.ask("/v3/kv/range", {"key": "MA=="})["header"]["revision"]
        member.ask("/v3/kv/compaction", {"revision": revision, "physical": True})
        member.ask("/v3/maintenance/defragment", {})
        for alarm in member.ask("/v3/maintenance/alarm", {"action": "GET"})["alarms"]:
            member.ask("/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})
        store.put("/k/2", "again")
        care._step()
        assert care.condition.alarms == ()
    finally:
        store.close()
        cluster.stop()


@pytest.mark.parametrize("changed", [True, False])
def test_history_that_was_compacted_meanwhile(cluster, store, until, changed):
    """A platform that was cut off for longer than etcd's history goes back."""
    relay = Relay(cluster.members[0].port)
    other = EtcdStore(parse_address(f"etcd://127.0.0.1:{relay.port}/pie"))
    assert other.wait_loaded(20)
    if changed:
        store.close()
        store = EtcdStore(parse_address(f"{cluster.address}/pie"))
        assert store.wait_loaded(20)
    first = other.put("/k/1", "a")
    watch = other.watch("/k/", after=first)
    relay.cut()
    until(lambda: other.mirror.trouble, "the cut to be noticed")
    for number in range(20):
        last = store.put("/k/1", str(number))
    store.gateway.call("/v3/kv/compaction", wire.CompactRequest(last), wire.Empty, repeat=True)
    relay.mend()
    until(lambda: other.revision >= last, "the other store to go on")
    if changed:
        until(lambda: other.get("/k/1").value == "19", "everything to be read again")
        with pytest.raises(Compacted):
            while True:
                next(watch)
    else:  # Only somebody else's keys changed: nobody has to read anything again.
        after = other.put("/k/2", "b")
        event = next(batch.events for batch in watch if batch.events)[0]
        assert (event.key, event.revision) == ("/k/2", after)
    other.close()
    relay.cut()


def test_an_etcd_that_was_begun_anew(cluster, store, until):
    """Its data is lost: watchers are told to read again, instead of waiting for old revisions."""
    for number in range(30):
        last = store.put("/k/1", str(number))
    watch = store.watch("/k/", after=last)
    cluster.stop()
    for member in cluster.members:
        for file in sorted(member.directory.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
    cluster.start()
    until(lambda: store.get("/k/1") is None, "the loss to be noticed")
    with pytest.raises(Compacted):
        while True:
            next(watch)
    again = store.put("/k/2", "new")
    assert again < last
    assert store.get("/k/2").value == "new"


class Worker:
    def __init__(self, address: str, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, WORKER, address, name], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout.readline() == "ready\n"
        self.did: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.did.append(line.strip())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def check_job(store: EtcdStore) -> list[int]:
    """Each number was counted once, with its line, and tokens only grow; the tokens."""
    count = int(store.get("/count").value)
    lines = store.range("/lines/").entries
    assert [entry.key for entry in lines] == [f"/lines/{n:06d}" for n in range(1, count + 1)]
    tokens = [int(entry.value.split()[0]) for entry in lines]
    assert tokens == sorted(tokens), "an older holder wrote after a newer one"
    assert all(entry.mod_revision > token for entry, token in zip(lines, tokens, strict=True))
    return sorted(set(tokens))


def test_a_platform_killed_between_two_writes(cluster, store, until):
    """kill -9 at any moment of a commit of two keys: both are there, or none."""
    for number in range(6):
        worker = Worker(cluster.address, f"w{number}")
        until(lambda worker=worker, much=5 + number: len(worker.did) > much, "some work")
        worker.kill()
        check_job(store)


def test_two_platforms_at_one_fenced_job(cluster, store, until):
    """The holder is stopped for longer than its lease, and wakes in the middle of its work."""
    workers = [Worker(cluster.address, f"w{number}") for number in range(2)]
    try:
        for _ in range(3):
            done = [len(worker.did) for worker in workers]
            until(
                lambda done=done: any(
                    len(w.did) > d + 5 for w, d in zip(workers, done, strict=True)
                ),
                "a holder",
            )
            busy = [len(w.did) - d for w, d in zip(workers, done, strict=True)]
            holder = workers[busy.index(max(busy))]
            other = workers[1 - workers.index(holder)]
            holder.signal(signal.SIGSTOP)
            known = len(other.did)
            until(lambda other=other, known=known: len(other.did) > known + 5, "the other", 30)
            holder.signal(signal.SIGCONT)
            time.sleep(1)
            check_job(store)
            assert "trouble conflict" not in other.did[known:]
    finally:
        for worker in workers:
            worker.signal(signal.SIGCONT)
            worker.kill()
    assert len(check_job(store)) >= 4
