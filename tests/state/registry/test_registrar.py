"""A service registers when it can, stays registered while it lives, and is gone when it is dead."""

import logging
import subprocess
import sys
import textwrap
import threading

import msgspec
import pytest

from pie.state import (
    Instance,
    Interface,
    MemoryStore,
    Registrar,
    RemoteStore,
    RuntimeDescription,
    ServiceMeta,
    Setting,
    instance_key,
    lookup_services,
    meta_key,
)
from pie.state.registry.instances import encode

PSM = "shop.cart.api"
ME = Instance(psm=PSM, id="h1-7701", host="10.0.0.1", port=7701, protocol="http", version="1")
META = ServiceMeta(
    psm=PSM,
    framework="flask",
    owners=("ann",),
    interfaces=(Interface(method="views.add", route="/add/<int:n>", verbs=("POST",)),),
)


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="pie.state")
    # Others may log meanwhile, such as how often a server of an earlier test has complained.
    return lambda: [each.message for each in caplog.records if each.name.startswith("pie.state")]


def test_it_registers_and_deregisters(lines):
    store = MemoryStore()
    registrar = Registrar(store, ME, META)
    assert registrar.state == "new"
    registrar.start()
    assert registrar.wait_registered(10)
    assert registrar.state == "registered"
    service = lookup_services(store)[PSM]
    assert service.meta == META
    assert service.instances == (ME,)
    registrar.stop()
    assert registrar.state == "stopped"
    assert lookup_services(store)[PSM].instances == ()
    assert lines() == [
        f"registered: {PSM} at 10.0.0.1:7701",
        f"deregistered: {PSM} at 10.0.0.1:7701",
    ]


def test_a_run_time_description_is_beside_the_instance_and_goes_with_it():
    store = MemoryStore()
    port = Setting("PORT", "7701", "settings.py")
    description = RuntimeDescription(
        psm=PSM, id=ME.id, pid=7, threads=16, debug="/d/7.sock", settings=(port,)
    )
    registrar = Registrar(store, ME, META, description)
    registrar.start()
    assert registrar.wait_registered(10)
    service = lookup_services(store)[PSM]
    assert service.runtime == {ME.id: description}
    assert service.instances == (ME,)
    registrar.stop()
    assert lookup_services(store)[PSM].runtime == {}


def test_a_service_started_while_the_platform_is_down(state_process, until, lines):
    store = RemoteStore(state_process.url, "t")
    registrar = Registrar(store, ME, ttl=3)
    registrar.start()
    until(lambda: registrar.state == "away", "the first attempt to fail")
    assert not registrar.wait_registered(0.3)  # several attempts, one line
    assert len(lines()) == 1
    assert "serving all the same and trying on" in lines()[0]
    state_process.start()
    assert registrar.wait_registered(20)
    assert lookup_services(store)[PSM].instances == (ME,)
    registrar.stop()
    assert lines()[1].startswith("registered: ")


def test_it_stays_registered_over_a_restart_of_the_platform(state_process, until, lines):
    state_process.start()
    store = RemoteStore(state_process.url, "t")
    registrar = Registrar(store, ME, ttl=1.5)
    registrar.start()
    assert registrar.wait_registered(20)
    state_process.kill()
    until(lambda: registrar.state == "away", "the registrar to notice")
    state_process.start()
    assert registrar.wait_registered(20)
    assert lookup_services(store)[PSM].instances == (ME,)
    assert [line.partition(":")[0] for line in lines()] == [
        "registered",
        f"{PSM} is not registered, serving all the same and trying on",
        "registered again",
    ]
    registrar.stop()


def test_it_registers_again_when_its_lease_is_gone(until, lines):
    store = MemoryStore()
    registrar = Registrar(store, ME, ttl=0.1)
    registrar.start()
    assert registrar.wait_registered(10)
    store.revoke(store.get(instance_key(ME)).lease)
    until(lambda: store.get(instance_key(ME)), "the key to come back")
    until(lambda: len(lines()) == 2, "the log line")
    assert lines()[1].startswith("registered again: ")
    registrar.stop()


def test_a_killed_process_disappears(state_process, until):
    state_process.start()
    store = RemoteStore(state_process.url, "t")
    script = textwrap.dedent("""
        import sys, time
        from pie.state import Instance, Registrar, RemoteStore
        me = Instance(psm="a.b.c", id="x", host="127.0.0.1", port=1, protocol="thrift")
        registrar = Registrar(RemoteStore(sys.argv[1], "t"), me, ttl=1)
        registrar.start()
        print(registrar.wait_registered(20), flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script, state_process.url], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout.readline() == "True\n"
        assert [instance.id for instance in lookup_services(store)["a.b.c"].instances] == ["x"]
        service.kill()
    until(lambda: not lookup_services(store), "the instance to disappear")


def test_a_successor_takes_over_without_a_gap():
    """A master re-exec: the old registrar leaves the key, or even revokes its lease too late."""
    store = MemoryStore()
    with store.watch("/pie/services/") as watch:
        old = Registrar(store, ME)
        old.start()
        assert old.wait_registered(10)
        new = Registrar(store, ME, heir_of=old.lease)
        new.start()
        assert new.wait_registered(10)
        old.stop()
        store.put("/pie/services/end", "")
        kinds: list[str] = []
        while len(kinds) < 3:
            kinds += [event.kind for event in next(watch).events]
    assert kinds == ["put", "put", "put"]
    new.stop(deregister=False)
    assert store.get(instance_key(ME)) is not None


def test_an_update_is_written(until):
    store = MemoryStore()
    registrar = Registrar(store, ME, META)
    registrar.start()
    assert registrar.wait_registered(10)
    registrar.update(Instance(psm=PSM, id=ME.id, host="10.0.0.1", port=7702, protocol="http"))
    until(lambda: lookup_services(store)[PSM].instances[0].port == 7702, "the new port")
    registrar.update(meta=ServiceMeta(psm=PSM, owners=("bob",)))
    until(lambda: lookup_services(store)[PSM].meta.owners == ("bob",), "the new owner")
    with pytest.raises(ValueError, match="is not /pie/services"):
        registrar.update(Instance(psm=PSM, id="other", host="h", port=1, protocol="http"))
    registrar.stop()


def test_a_hundred_instances_write_one_meta():
    store = MemoryStore()
    first = Registrar(store, ME, META)
    first.start()
    assert first.wait_registered(10)
    written = store.get(meta_key(PSM)).mod_revision
    second = Registrar(
        store, Instance(psm=PSM, id="h2", host="10.0.0.2", port=7701, protocol="http"), META
    )
    second.start()
    assert second.wait_registered(10)
    assert store.get(meta_key(PSM)).mod_revision == written
    first.stop()
    second.stop()


def test_a_meta_too_large_does_not_keep_the_instance_out(lines):
    store = MemoryStore()
    registrar = Registrar(store, ME, ServiceMeta(psm=PSM, idl="x" * (2 << 20)))
    registrar.start()
    assert registrar.wait_registered(10)
    assert store.get(meta_key(PSM)) is None
    assert any("registered without its description" in line for line in lines())
    registrar.stop()


def test_stopping_does_not_wait_for_a_store_that_hangs():
    released = threading.Event()
    store = MemoryStore(journal=lambda _change: released.wait(30))
    registrar = Registrar(store, ME)
    registrar.start()
    registrar.stop(timeout=0.05)
    assert registrar.state == "new"  # its thread still waits for the store
    released.set()
    registrar.stop(timeout=20)
    assert registrar.state == "stopped"


def test_stop_without_start_and_start_twice():
    registrar = Registrar(MemoryStore(), ME)
    registrar.stop()
    registrar.start()
    with pytest.raises(RuntimeError, match="started before"):
        registrar.start()
    registrar.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"psm": "not a psm"},
        {"cluster": ""},
        {"cluster": "a/b"},
        {"id": "../x"},
        {"host": "a b"},
        {"port": 0},
        {"port": 65536},
        {"weight": -1},
        {"env": "x" * 129},
    ],
)
def test_a_malformed_instance_is_refused(wrong):
    fields = {"psm": PSM, "id": "i", "host": "h", "port": 1, "protocol": "http"}
    with pytest.raises(ValueError, match="is not"):
        Instance(**(fields | wrong))


def test_addresses():
    def address(host: str) -> str:
        return Instance(psm=PSM, id="i", host=host, port=80, protocol="http").address

    assert address("10.0.0.1") == "10.0.0.1:80"
    assert address("::1") == "[::1]:80"


def test_lookup_skips_what_it_cannot_read(lines):
    store = MemoryStore()
    store.put("/pie/services/a.b.c/meta", "{")
    store.put("/pie/services/a.b.c/instances/default/x", '{"psm": "a.b.c"}')
    store.put("/pie/services/d.e.f/rules/limit", "{}")
    store.put(
        instance_key(ME),
        '{"psm": "shop.cart.api", "id": "h1-7701", "host": "h", "port": 1, '
        '"protocol": "http", "since_a_later_version": 1}',
    )
    assert list(lookup_services(store)) == [PSM]
    assert len(lines()) == 2


class Broken(MemoryStore):
    """Raises what no store should, the first times."""

    def __init__(self, errors: int) -> None:
        super().__init__()
        self.errors = errors

    def grant(self, ttl: float) -> int:
        self.errors -= 1
        if self.errors >= 0:
            raise RuntimeError("a mistake in here")
        return super().grant(ttl)


def test_an_error_that_nobody_expected_does_not_end_it(lines) -> None:
    registrar = Registrar(Broken(2), ME)
    registrar.start()
    assert registrar.wait_registered(20)
    registrar.stop()
    troubles = [line for line in lines() if "a mistake in here" in line]
    assert len(troubles) == 1
    assert "trying on: RuntimeError(" in troubles[0]


class Process:
    """Registers as another process would. A long TTL holds on a slow machine, too."""

    def __init__(self, store: MemoryStore, pid: int, ttl: float = 0.4) -> None:
        self.store = store
        self.instance = msgspec.structs.replace(ME, pid=pid)
        self.registrar = Registrar(store, self.instance, ttl=ttl)

    @property
    def stands(self) -> bool:
        entry = self.store.get(instance_key(ME))
        return entry is not None and f'"pid":{self.instance.pid}' in entry.value


def test_of_two_processes_with_one_id_the_first_stays_registered(until, caplog):
    store = MemoryStore()
    first, second = Process(store, 1, ttl=10), Process(store, 2)
    first.registrar.start()
    assert first.registrar.wait_registered(10)
    second.registrar.start()
    until(lambda: second.registrar.state == "held", "the second to see that the id is taken")
    until(lambda: "another living process" in caplog.text, "the second to say so")
    assert "process 1 of 10.0.0.1" in caplog.text
    assert first.stands
    second.registrar.stop()
    assert first.stands, "the second took nothing with it"
    assert first.registrar.state == "registered"
    first.registrar.stop()
    assert store.get(instance_key(ME)) is None


def test_the_second_takes_over_when_the_first_ends(until):
    store = MemoryStore()
    first, second = Process(store, 1, ttl=10), Process(store, 2)
    first.registrar.start()
    assert first.registrar.wait_registered(10)
    second.registrar.start()
    until(lambda: second.registrar.state == "held", "the second to wait")
    first.registrar.stop()
    assert second.registrar.wait_registered(10)
    assert second.stands
    second.registrar.stop()


def test_what_a_killed_process_left_is_taken_over_without_a_gap(until):
    store = MemoryStore()
    left = store.grant(1.0)
    store.put(instance_key(ME), encode(ME), lease=left)
    with store.watch("/pie/services/") as watch:
        heir = Process(store, 2, ttl=1.0)
        heir.registrar.start()
        assert heir.registrar.wait_registered(10)
        (event,) = next(watch).events
        assert (event.kind, event.lease) == ("put", heir.registrar.lease)
    heir.registrar.stop()


@pytest.mark.parametrize("how", ["deleted", "overwritten"])
def test_a_registration_that_is_gone_is_made_again(how, until, caplog):
    store = MemoryStore()
    registrar = Registrar(store, ME, META, ttl=0.4)
    registrar.start()
    assert registrar.wait_registered(10)
    if how == "overwritten":
        store.put(instance_key(ME), "by hand")
        until(lambda: registrar.state == "held", "the loss to be seen")
    store.delete(instance_key(ME))
    until(lambda: store.get(instance_key(ME)) is not None, "the new registration")
    assert registrar.wait_registered(10)
    assert "was deleted or taken over; registering again" in caplog.text
    registrar.stop()
