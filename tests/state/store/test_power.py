"""Whatever was acknowledged survives a power cut at any moment, in any order of the writes.

A state machine drives a store and a model side by side; a recorder between the store and the kernel
writes down what it does to its files. After every step the power is cut between any two of the
operations of that step; what is left must be the state before the step or the state after it.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.state.store.power import Directory, read_record

from pie.state.store.recovery import open_store, snapshot_path
from pie.state.store.snapshot import read_snapshot

HERE = Path(__file__).parent
KEYS = st.sampled_from(["/a", "/a/b", "/b", "/c/d"])
VALUES = st.sampled_from(["", "x", "y" * 700, "z" * 9000])
SEEN: Counter[str] = Counter()


class Model:
    """What the store should hold: entries and leases, without revisions."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, int]] = {}
        self.leases: dict[int, float] = {}
        self.deadlines: dict[int, float] = {}
        self.now = 0.0

    def state(self) -> tuple[object, object]:
        return sorted(self.entries.items()), sorted(self.leases.items())

    def end(self, lease: int) -> None:
        self.leases.pop(lease, None)
        self.deadlines.pop(lease, None)
        self.entries = {k: v for k, v in self.entries.items() if v[1] != lease}


class Power(RuleBasedStateMachine):
    """One life of a store's directory."""

    library = Path()

    @initialize(seed=st.integers(0, 1 << 30))
    def begin(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.home = Path(tempfile.mkdtemp(prefix="pie"))
        self.root, self.log = self.home / "root", self.home / "log"
        self.root.mkdir()
        self.log.touch()
        self.cuts = count()
        self.read = 0
        self.disk = Directory(self.root)
        self.model = Model()
        self.revision = 0
        preload = {"POWER_ROOT": str(self.root), "POWER_LOG": str(self.log)}
        self.process = subprocess.Popen(
            [sys.executable, HERE / "power_store.py", self.root],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | preload | {"LD_PRELOAD": str(self.library)},
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"
        self.check([self.model.state()])

    def teardown(self) -> None:
        if hasattr(self, "process"):
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            shutil.rmtree(self.home)

    def ask(self, *request: object) -> object:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        SEEN[str(request[0])] += 1
        return json.loads(self.process.stdout.readline())

    def check(self, allowed: list[object], cuts: int = 3) -> None:
        """Cut the power at some moments of what was just done, and after it."""
        end = self.log.stat().st_size
        operations = read_record(self.log, self.read, end)
        self.read = end
        chosen = {self.chance.randrange(len(operations) + 1) for _ in range(cuts)}
        for number, operation in enumerate(operations):
            if number in chosen:
                self.cut(allowed)
            self.disk.follow(operation)
        self.cut(allowed[-1:])

    def cut(self, allowed: list[object]) -> None:
        left = self.home / f"left{next(self.cuts)}"
        self.disk.cut_power(left, self.chance)
        read_snapshot(snapshot_path(left / "state.db"))  # Whole, or not there.
        store = open_store(left / "state.db", lambda _: None)
        try:
            revision, entries, leases = store.contents()
            kept = sorted((each.key, (each.value, each.lease)) for each in entries)
            assert (kept, sorted(leases)) in allowed
            assert revision >= self.revision
        finally:
            store.close()
            shutil.rmtree(left)
        SEEN["cut"] += 1

    def change(self, *request: object) -> object:
        """Do it in the store, and tell what came of it."""
        self.before = self.model.state()
        return self.ask(*request)

    def settle(self, revision: object = None) -> None:
        self.check([self.before, self.model.state()])
        if isinstance(revision, int) and revision:
            assert revision > self.revision
            self.revision = revision

    @rule(key=KEYS, value=VALUES, leased=st.booleans(), pick=st.integers(0, 9))
    def put(self, key: str, value: str, leased: bool, pick: int) -> None:
        leases = sorted(self.model.leases)
        lease = leases[pick % len(leases)] if leased and leases else 0
        revision = self.change("put", key, value, lease, None)
        self.model.entries[key] = (value, lease)
        self.settle(revision)

    @rule(key=KEYS, value=VALUES)
    def create(self, key: str, value: str) -> None:
        answer = self.change("put", key, value, 0, 0)
        assert (answer == "conflict") == (key in self.model.entries)
        self.model.entries.setdefault(key, (value, 0))
        self.settle(answer)

    @rule(values=st.dictionaries(KEYS, st.none() | VALUES, min_size=2), guarded=st.booleans())
    def commit(self, values: dict[str, str | None], guarded: bool) -> None:
        """Several keys in one change: all of it survives, or nothing."""
        expected = ["/a"] if guarded else []
        revision = self.change("commit", values, expected)
        if revision == "conflict":
            assert guarded and "/a" in self.model.entries
        else:
            assert not (guarded and "/a" in self.model.entries)
            for key, value in values.items():
                self.model.entries.pop(key, None)
                if value is not None:
                    self.model.entries[key] = (value, 0)
        self.settle(revision)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        revision = self.change("delete", key)
        assert (revision == 0) == (self.model.entries.pop(key, None) is None)
        self.settle(revision)

    @rule(ttl=st.sampled_from([1.0, 60.0]))
    def grant(self, ttl: float) -> None:
        lease = self.change("grant", ttl)
        assert isinstance(lease, int)
        self.model.leases[lease] = ttl
        self.model.deadlines[lease] = self.model.now + ttl
        self.settle()

    @rule(pick=st.integers(0, 9))
    def revoke(self, pick: int) -> None:
        leases = sorted(self.model.leases)
        if leases:
            lease = leases[pick % len(leases)]
            self.change("revoke", lease)
            self.model.end(lease)
            self.settle()

    @rule(seconds=st.sampled_from([0.5, 2.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.change("pass", seconds)
        self.model.now += seconds
        for lease, deadline in list(self.model.deadlines.items()):
            if deadline <= self.model.now:
                self.model.end(lease)
        self.settle()

    @rule()
    def write_snapshot(self) -> None:
        self.change("snapshot")
        self.settle()

    @rule()
    def reopen(self) -> None:
        """Every lease has a full TTL afterwards."""
        self.change("reopen")
        for lease, ttl in self.model.leases.items():
            self.model.deadlines[lease] = self.model.now + ttl
        self.settle()

    @invariant()
    def the_store_lives(self) -> None:
        assert not hasattr(self, "process") or self.process.poll() is None


def run(library: Path, examples: int, steps: int, *must: str) -> None:
    """Take steps of the machine; those named in ``must`` are among them."""
    Power.library = library
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # Shrinking takes minutes, and the same run fails again.
        suppress_health_check=list(HealthCheck),
    )
    SEEN.clear()
    run_state_machine_as_test(Power, settings=profile)
    assert SEEN["cut"] > 50, SEEN
    assert min(SEEN[name] for name in must) > 0, SEEN


@pytest.fixture(scope="session")
def library(program, tmp_path_factory) -> Path:
    """The recorder, compiled."""
    compiler = program("cc", "install a C compiler")
    made = tmp_path_factory.mktemp("power") / "power.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", made, HERE / "power.c", "-ldl"], check=True)
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="preloads into Linux processes")
def test_a_power_cut_at_any_moment(library):
    run(library, 4, 12, "put", "commit", "reopen")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="preloads into Linux processes")
def test_a_power_cut_at_any_moment_thoroughly(library):
    run(library, 60, 40, "put", "commit", "delete", "grant", "snapshot", "reopen")
