"""Who is there, as a caller sees it: quick, never empty for no reason, alive without the store."""

import logging
import os
import subprocess
import sys
import textwrap
import time

import pytest

from pie.state import (
    Directory,
    Instance,
    MemoryStore,
    Registrar,
    RemoteStore,
    instance_key,
    instances_prefix,
)
from pie.state.registry.instances import encode

PSM = "shop.cart.api"


def instance(name: str, *, cluster: str = "default", psm: str = PSM) -> Instance:
    return Instance(psm=psm, id=name, host="h", port=1, protocol="http", cluster=cluster)


def register(store, *instances: Instance) -> None:
    for each in instances:
        store.put(instance_key(each), encode(each))


def unregister(store, *instances: Instance) -> None:
    for each in instances:
        store.delete(instance_key(each))


@pytest.fixture
def store():
    engine = MemoryStore()
    yield engine
    engine.close()


@pytest.fixture
def open_directory(tmp_path):
    """Directories that share one snapshot directory, as processes of a host do."""
    opened: list[Directory] = []

    def open_one(store, **options) -> Directory:
        directory = Directory(store, tmp_path / "snap", **options)
        opened.append(directory)
        return directory

    yield open_one
    for directory in opened:
        directory.close()


@pytest.fixture
def away():
    """A store nobody answers for."""
    return RemoteStore("http://127.0.0.1:1", "t")


def test_the_first_look_finds_what_is_there(store, open_directory, until):
    register(store, instance("a"), instance("b", cluster="canary"))
    directory = open_directory(store)
    found = directory.instances(PSM)
    assert [each.id for each in found] == ["b", "a"]  # sorted by cluster, then id
    assert directory.instances(PSM) is found
    assert list(directory.clusters(PSM)) == ["canary", "default"]
    register(store, instance("c"))
    until(lambda: len(directory.instances(PSM)) == 3, "the new instance")
    unregister(store, instance("a"))
    until(lambda: len(directory.instances(PSM)) == 2, "the instance to go")
    assert directory.standing(PSM).source == "store"


def test_the_last_list_outlives_an_empty_registry(store, open_directory, until):
    register(store, instance("a"), instance("b"))
    directory = open_directory(store)
    found = directory.instances(PSM)
    unregister(store, instance("a"))
    until(lambda: len(directory.instances(PSM)) == 1, "the first to go")
    unregister(store, instance("b"))
    until(lambda: directory.standing(PSM).empty_since, "the empty list to be noticed")
    assert [each.id for each in directory.instances(PSM)] == ["b"]
    assert "last known one" in directory.explain(PSM)
    assert "lists none since" in directory.explain(PSM)
    register(store, *found)
    until(lambda: directory.instances(PSM) == found, "the list to come back")
    assert directory.standing(PSM).empty_since == 0


def test_with_the_store_away_the_disk_knows(store, away, open_directory):
    register(store, instance("a"))
    before = open_directory(store)
    assert len(before.instances(PSM)) == 1
    before.close()  # waits for the thread that saves
    after = open_directory(away, first_wait=20)
    assert after.instances(PSM) == (instance("a"),)
    standing = after.standing(PSM)
    assert standing.source == "snapshot"
    assert standing.away_since
    said = after.explain(PSM, "blue")
    assert "has no instances in cluster 'blue'; its clusters are default" in said
    assert "disk snapshot" in said
    assert "127.0.0.1:1 cannot be reached" in said


def test_with_nothing_known_the_error_says_so(away, open_directory):
    directory = open_directory(away, first_wait=20)
    assert directory.instances(PSM) == ()
    assert directory.clusters(PSM) == {}
    said = directory.explain(PSM)
    assert f"No instances of {PSM} are known" in said
    assert "registry is away since" in said


def test_an_empty_registry_at_the_first_look(store, open_directory):
    directory = open_directory(store)
    assert directory.instances(PSM) == ()
    assert "registry lists none since" in directory.explain(PSM)


def test_the_first_look_is_bounded_and_the_answer_comes_later(store, open_directory, until):
    class Slow(MemoryStore):
        def range(self, prefix):
            time.sleep(0.2)
            return super().range(prefix)

    slow = Slow()
    register(slow, instance("a"))
    directory = open_directory(slow, first_wait=0.0)
    assert directory.instances(PSM) == ()
    assert "has not answered yet" in directory.explain(PSM)
    until(lambda: directory.instances(PSM), "the answer")
    assert directory.explain(PSM) == f"{PSM} has 1 known instance in clusters default."
    slow.close()


def test_a_restart_of_the_platform_goes_unnoticed(state_process, open_directory, until):
    state_process.start()
    store = RemoteStore(state_process.url, "t")
    register(store, instance("a"))
    directory = open_directory(store, first_wait=20)
    assert directory.instances(PSM) == (instance("a"),)
    state_process.kill()
    until(lambda: directory.standing(PSM).away_since, "the loss to be noticed")
    assert directory.instances(PSM) == (instance("a"),)
    state_process.start()
    register(store, instance("b"))
    until(lambda: len(directory.instances(PSM)) == 2, "news after the restart")
    assert directory.standing(PSM).away_since == 0


def test_a_wiped_platform_does_not_stop_the_fleet(state_process, open_directory, until, tmp_path):
    state_process.start()
    store = RemoteStore(state_process.url, "t")
    register(store, instance("a"))
    directory = open_directory(store, first_wait=20)
    assert directory.instances(PSM) == (instance("a"),)
    state_process.kill()
    for file in tmp_path.glob("state.db*"):
        file.unlink()
    state_process.start()
    until(lambda: directory.standing(PSM).empty_since, "the empty store to be noticed")
    assert directory.instances(PSM) == (instance("a"),)
    register(store, instance("z"))
    until(lambda: directory.instances(PSM) == (instance("z"),), "the truth to win")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b'{"format": 9, "psm": "shop.cart.api", "saved": 1, "instances": []}',
        b'{"format": 1, "psm": "other.x.y", "saved": 1, "instances": []}',
        b'{"format": 1, "psm": "shop.cart.api", "saved": 1, "instances": [{"psm": 1}]}',
    ],
)
def test_a_damaged_snapshot_is_ignored_and_reported(
    content, away, open_directory, tmp_path, caplog
):
    (tmp_path / "snap").mkdir()
    (tmp_path / "snap" / f"{PSM}.json").write_bytes(content)
    assert open_directory(away, first_wait=20).instances(PSM) == ()
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "ignored the" in line.message


def test_a_snapshot_that_cannot_be_saved_hurts_nobody(store, tmp_path, until, caplog):
    (tmp_path / "snap").write_text("a file where the directory should be")
    register(store, instance("a"))
    directory = Directory(store, tmp_path / "snap")
    assert len(directory.instances(PSM)) == 1
    register(store, instance("b"))
    until(lambda: len(directory.instances(PSM)) == 2, "the second")
    directory.close()
    saving = [line for line in caplog.messages if "could not be saved" in line]
    assert len(saving) == 1


def test_without_a_snapshot_directory(store):
    register(store, instance("a"))
    directory = Directory(store, None)
    assert len(directory.instances(PSM)) == 1
    directory.close()


def test_foreign_and_malformed_registrations_are_left_out(store, open_directory, caplog):
    register(store, instance("a"))
    store.put(f"{instances_prefix(PSM)}default/broken", "{")
    store.put(f"{instances_prefix(PSM)}default/liar", encode(instance("x", psm="some.body.else")))
    assert open_directory(store).instances(PSM) == (instance("a"),)
    assert "malformed registration" in caplog.text


@pytest.mark.parametrize("name", ["", "a.b", "../../etc/passwd", "A.b.c"])
def test_a_name_that_is_no_psm(store, open_directory, name):
    with pytest.raises(ValueError, match="is not a PSM"):
        open_directory(store).instances(name)


def test_a_closed_directory_keeps_what_it_knew(store, open_directory):
    register(store, instance("a"))
    directory = open_directory(store)
    assert directory.instances(PSM)
    directory.close()
    assert directory.instances(PSM)
    assert store.watches == 0
    assert directory.instances("not.looked.for") == ()


def test_a_forked_worker_starts_anew(state_process, tmp_path):
    """The parent looked before the fork; its child still learns of changes after it."""
    state_process.start()
    script = textwrap.dedent("""
        import os, sys, time
        from pathlib import Path
        from pie.state import Directory, Instance, RemoteStore, instance_key
        from pie.state.registry.instances import encode

        store = RemoteStore(sys.argv[1], "t")
        directory = Directory(store, Path(sys.argv[2]), first_wait=20)
        def put(name):
            me = Instance(psm="a.b.c", id=name, host="h", port=1, protocol="http")
            store.put(instance_key(me), encode(me))
        put("one")
        assert len(directory.instances("a.b.c")) == 1
        child = os.fork()
        if child == 0:
            try:
                assert len(directory.instances("a.b.c")) == 1
                put("two")
                end = time.monotonic() + 20
                while len(directory.instances("a.b.c")) != 2 and time.monotonic() < end:
                    time.sleep(0.01)
                os._exit(0 if len(directory.instances("a.b.c")) == 2 else 1)
            except BaseException:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        directory.close()
    """)
    command = [sys.executable, "-c", script, state_process.url, tmp_path / "snap"]
    subprocess.run(command, check=True, timeout=60, env=os.environ)


def test_registrar_and_directory_together(platform, open_directory, until):
    engine = MemoryStore()
    url = platform.serve(engine)
    directory = open_directory(RemoteStore(url, "t"), first_wait=20)
    registrars = [
        Registrar(RemoteStore(url, "t"), instance(name, cluster=cluster))
        for name, cluster in (("a", "default"), ("b", "canary"))
    ]
    for registrar in registrars:
        registrar.start()
    until(lambda: len(directory.instances(PSM)) == 2, "both instances")
    registrars[1].stop()
    until(lambda: list(directory.clusters(PSM)) == ["default"], "the canary to go")
    registrars[0].stop()
    engine.close()
