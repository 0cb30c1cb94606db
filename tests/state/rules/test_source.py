"""A process's rules: in force at once, and the last good ones whatever happens to newer ones."""

import logging
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pie.govern import Key
from pie.state import Follower, MemoryStore, RemoteStore
from pie.state.rules.book import RuleBook
from pie.state.rules.document import Rollout, RuleDocument, WrittenRule, encode, rules_key
from pie.state.rules.source import OFF, StoreRules

PSM = "toutiao.my.server"
KEY = Key("rate", PSM, "server")


def rules(qps: float) -> list[WrittenRule]:
    return [WrittenRule({}, {"qps": qps})]


def put(store: MemoryStore, version: int, body: dict[str, Any], **more: Any) -> None:
    written = (WrittenRule({}, body),)
    document = RuleDocument(**KEY._asdict(), version=version, rules=written, **more)
    store.put(rules_key(KEY), encode(document))


class World:
    """Processes of one service, with a store that can go away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Any = MemoryStore()
        self.book = RuleBook(self.store)
        self._followers: list[Follower] = []

    def process(self, instance: str = "10.3.48.216:7701", **more: Any) -> StoreRules:
        follower = Follower(self.store)
        self._followers.append(follower)
        return StoreRules(PSM, instance, follower, self.folder, **more)

    def publish(self, qps: float, *, rollout: Rollout | None = None) -> int:
        current = self.book.get(KEY)
        seen = current.version if current else 0
        return self.book.publish(
            KEY, rules(qps), seen=seen, by="ann", comment="", rollout=rollout
        ).version

    def away(self) -> None:
        """The store of the processes that begin from now on."""
        self.store = RemoteStore("http://127.0.0.1:1", "t")

    def close(self) -> None:
        for each in self._followers:
            each.stop()


@pytest.fixture
def world(tmp_path: Path) -> Any:
    made = World(tmp_path / "rules")
    yield made
    made.close()


def qps_of(process: StoreRules) -> float | None:
    found = process.rule_sets().get(KEY)
    return found.rules[0].rule.qps if found is not None and found.rules else None


def trouble(process: StoreRules) -> str:
    return " ".join(each.trouble for each in process.in_force())


def test_rules_are_there_before_the_first_request_and_change_at_once(world, until) -> None:
    world.publish(10)
    process = world.process()
    assert process.rule_sets() == {}
    told: list[float | None] = []
    process.follow(lambda: told.append(qps_of(process)))
    assert process.start(20)
    assert qps_of(process) == 10
    world.publish(20)
    until(lambda: told[-1:] == [20], "the change")
    assert [(each.key, each.version, each.source) for each in process.in_force()] == [
        (KEY, 2, "store")
    ]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"qps": -1}, "v3: rules[0].body.qps"),
        ({"qps": 5, "of_a_newer_pie": True}, "v3: rules[0].body: a rule of kind rate has no"),
    ],
)
def test_the_last_good_rules_stay_when_newer_ones_cannot_be_applied(
    world, until, caplog, bad, why
) -> None:
    world.publish(10)
    world.publish(20)
    process = world.process()
    process.start(20)
    put(world.store, 3, bad)
    until(lambda: why in trouble(process), "the trouble is reported")
    assert qps_of(process) == 20
    assert process.in_force()[0].version == 2
    assert "cannot be applied" in caplog.text and "v2 stays in force" in caplog.text
    again = world.process()
    assert qps_of(again) == 20, "the snapshot has the last good ones"
    again.start(20)
    assert qps_of(again) == 20 and why in trouble(again)
    put(world.store, 4, {"qps": 40})
    until(lambda: qps_of(process) == 40, "the good ones that follow")
    assert not trouble(process)


@pytest.mark.parametrize("text", ["{", "[]", '{"kind":"rate"}', "x" * 300_000])
def test_a_key_that_holds_no_document(world, until, text) -> None:
    process = world.process()
    process.start(20)
    world.store.put(rules_key(KEY), text)
    until(lambda: trouble(process), "the trouble")
    assert process.rule_sets() == {}


def test_a_document_under_the_key_of_another(world, until) -> None:
    process = world.process()
    process.start(20)
    document = RuleDocument(kind="rate", psm="a.b.c", side="server", version=1, rules=())
    world.store.put(rules_key(KEY), encode(document))
    until(lambda: "says that it holds" in trouble(process), "the trouble")


def test_a_kind_of_a_newer_pie_is_reported_and_hurts_no_other(world, until) -> None:
    world.publish(10)
    process = world.process()
    process.start(20)
    unknown = RuleDocument(kind="divine", psm=PSM, side="server", version=1, rules=())
    world.store.put(f"/pie/services/{PSM}/rules/server/divine", encode(unknown))
    until(lambda: "if a newer Pie wrote it" in trouble(process), "the trouble")
    assert qps_of(process) == 10


def test_without_the_store_the_disk_has_the_rules(world, until) -> None:
    world.publish(10)
    world.process().start(20)
    until(lambda: list(world.folder.glob("*.json")), "the snapshot")
    world.away()
    process = world.process()
    assert qps_of(process) == 10
    assert not process.start(20)
    assert qps_of(process) == 10
    assert process.in_force()[0].source == "disk"


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "foreign"])
def test_without_store_and_snapshot_the_defaults_hold_and_it_says_so(
    world, until, caplog, damage
) -> None:
    world.publish(10)
    world.process().start(20)
    until(lambda: list(world.folder.glob("*.json")), "the snapshot")
    (file,) = world.folder.glob("*.json")
    body = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        flipped = body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]
        bodies = {"empty": b"", "cut": body[:-20], "flipped": flipped, "foreign": b"{}\n"}
        file.write_bytes(bodies[damage])
    world.away()
    process = world.process()
    caplog.set_level("INFO", "pie.state")
    assert not process.start(20)
    assert process.rule_sets() == {}
    said = [line for line in caplog.messages if "policies run on their defaults" in line]
    assert len(said) == 1 and "cannot be reached" in said[0] and str(file) in said[0]


def test_a_store_that_lost_its_memory_takes_no_rules_away(world, until) -> None:
    world.publish(10)
    world.process().start(20)
    until(lambda: list(world.folder.glob("*.json")), "the snapshot")
    world.store = MemoryStore()
    process = world.process()
    assert process.start(20)
    assert qps_of(process) == 10
    assert "the store holds no such rules any more" in trouble(process)
    RuleBook(world.store).publish(KEY, rules(30), seen=0, by="ann", comment="")
    until(lambda: qps_of(process) == 30, "rules are published anew")
    assert not trouble(process)


def test_rules_deleted_by_hand_are_gone_and_the_disk_knows_it(world, until) -> None:
    world.publish(10)
    process = world.process()
    process.start(20)
    world.store.delete(rules_key(KEY))
    until(lambda: qps_of(process) is None, "they are gone")
    until(lambda: b'"documents":{}' in next(world.folder.glob("*.json")).read_bytes(), "the disk")
    assert qps_of(world.process()) is None


def test_a_roll_out_is_seen_by_the_instances_it_names(world, until) -> None:
    world.publish(10)
    chosen, other = world.process("a:1"), world.process("b:1")
    chosen.start(20)
    other.start(20)
    world.publish(20, rollout=Rollout(instances=("a:1",)))
    until(lambda: qps_of(chosen) == 20, "the chosen one")
    assert qps_of(other) == 10
    document = world.book.get(KEY)
    assert document is not None
    stopped = msgspec.structs.replace(document.rollout, stopped="failures rose")
    world.book.roll(document, stopped, by="pie", reason="")
    until(lambda: qps_of(chosen) == 10, "it is stopped")
    assert [(each.version, each.trouble) for each in chosen.in_force()] == [(1, "")]


def test_what_a_callee_publishes_for_its_callers(world, until) -> None:
    callee = "toutiao.article.article"
    process = world.process()
    process.start(20)
    for name in (callee, callee, "not a psm", PSM):
        process.want(name)
    key = Key("retry", callee, "callers")
    document = RuleDocument(**key._asdict(), version=1, rules=())
    world.store.put(f"/pie/services/{callee}/rules/callers/retry", encode(document))
    until(lambda: any(each.key == key for each in process.in_force()), "they are known")
    until(lambda: world.store.watches == 1, "one stream")


def test_off_runs_no_rules_and_reports_it(world) -> None:
    world.publish(10)
    process = world.process(off=True)
    process.start(20)
    assert process.rule_sets() == {}
    assert [(each.version, each.trouble) for each in process.in_force()] == [(0, OFF)]


def test_a_full_disk_delays_no_rules(world, until, caplog) -> None:
    world.folder.write_text("a file where the directory should be")
    process = world.process()
    process.start(20)
    world.publish(10)
    world.publish(20)
    until(lambda: qps_of(process) == 20, "the rules")
    assert len([line for line in caplog.messages if "could not be kept" in line]) == 1


FORK = textwrap.dedent("""
    import os, sys, time
    from pathlib import Path
    from pie.govern import Key
    from pie.state import Directory, Follower, RemoteStore
    from pie.state.rules.book import RuleBook
    from pie.state.rules.document import WrittenRule
    from pie.state.rules.source import StoreRules
    import threading

    store = RemoteStore(sys.argv[1], "t")
    follower = Follower(store)
    directory = Directory(store, None, first_wait=20, follower=follower)
    rules = StoreRules("a.b.c", "h:1", follower, Path(sys.argv[2]))
    key = Key("rate", "a.b.c", "server")
    book = RuleBook(store)

    def publish(n):
        book.publish(key, [WrittenRule({}, {"qps": n})], seen=n - 1, by="ann", comment="")

    def await_version(n):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = rules.rule_sets().get(key)
            if found is not None and found.version == n:
                return True
            time.sleep(0.01)
        return False

    publish(1)
    rules.want("x.y.z")
    assert threading.active_count() == 1, "nothing starts before a fork"
    master = os.fork()
    if master == 0:  # a worker of a host that forks
        try:
            assert rules.start(20) and await_version(1)
            child = os.fork()
            if child == 0:  # a child of a handler: what its parent knew, and what follows
                assert await_version(1) and not follower.alive
                directory.instances("x.y.z")
                publish(2)
                os._exit(0 if await_version(2) else 1)
            _, status = os.waitpid(child, 0)
            os._exit(0 if status == 0 and await_version(2) else 3)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(2)
    _, status = os.waitpid(master, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
""")


def test_forked_workers_and_their_children_follow(state_process, tmp_path) -> None:
    state_process.start()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", FORK, state_process.url, str(tmp_path / "rules")],
        capture_output=True, text=True, timeout=60, check=False, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def informed(caplog) -> None:
    caplog.set_level(logging.INFO, "pie.state")


@pytest.mark.slow
def test_a_platform_that_is_away_for_long_takes_no_rules(
    world, until, state_process, caplog
) -> None:
    state_process.start()
    world.store = RemoteStore(state_process.url, "t")
    world.book = RuleBook(world.store)
    world.publish(10)
    process = world.process()
    assert process.start(20)
    failures: list[float | None] = []
    for _ in range(3):
        state_process.kill()
        until(lambda: "10" in str(qps_of(process)), "the rules")
        for _ in range(50):
            failures += [qps for qps in (qps_of(process),) if qps != 10]
            time.sleep(0.002)
        late = world.process("late:1")
        late.start(20)
        failures += [qps for qps in (qps_of(late),) if qps != 10]
        state_process.start()
    assert failures == []
    world.publish(20)
    until(lambda: qps_of(process) == 20, "it follows again")
