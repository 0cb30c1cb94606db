"""What the service token may do with desired state, and what only a person may."""

import pytest

from pie.state import (
    Forbidden,
    Held,
    Instance,
    Registrar,
    RemoteStore,
    RuntimeDescription,
    ServiceMeta,
    instance_key,
    instances_prefix,
    meta_key,
    runtime_key,
)
from pie.state.config.book import ConfigBook
from pie.state.config.document import config_key
from pie.state.registry.instances import encode
from pie.state.store.wire import SharedLimit, SharedLimits, SharesRequest
from pie.state.tokens import bound_token

PSM = "shop.token.api"
OTHER = "shop.token.other"


def instance(psm: str = PSM, host: str = "10.0.0.1") -> Instance:
    return Instance(psm=psm, id=f"{host}:1", host=host, port=1, protocol="http")


@pytest.fixture
def store_of(platform):
    def open_one(role: str) -> RemoteStore:
        return RemoteStore(f"http://127.0.0.1:{platform.port}", platform.token(role), timeout=20)

    return open_one


@pytest.fixture
def service(store_of):
    return store_of("service")


@pytest.fixture
def person(store_of):
    return store_of("admin")


def test_a_service_registers_itself_and_reads_what_it_calls(service, person):
    registrar = Registrar(
        service,
        instance(),
        ServiceMeta(psm=PSM),
        RuntimeDescription(psm=PSM, id=instance().id),
    )
    registrar.start()
    assert registrar.wait_registered(20)
    found = service.range(instances_prefix(PSM))
    assert [entry.key for entry in found.entries] == [instance_key(instance())]
    assert service.get(meta_key(PSM)) is not None
    registrar.stop(timeout=20)
    assert person.get(instance_key(instance())) is None


def test_a_service_does_not_see_the_lease_of_another(service, person):
    lease = person.grant(60)
    revision = person.put(instance_key(instance()), encode(instance()), lease=lease)
    assert person.get(instance_key(instance())).lease == lease
    (seen,) = service.range(instances_prefix(PSM)).entries
    assert 0 < seen.lease != lease
    with service.watch(instances_prefix(PSM), after=revision - 1) as watch:
        (event,) = next(batch.events for batch in watch if batch.events)
    assert event.lease == seen.lease
    service.revoke(seen.lease)  # It is no lease.
    assert service.get(instance_key(instance())) is not None
    person.revoke(lease)


@pytest.mark.parametrize(
    "key",
    [
        "/pie/logs/tasks/1",
        "/pie/logs/results/1",
        "/pie/psm/toutiao.a.b",
        "/anything",
        f"/pie/services/{PSM}/rules/rate",
        f"/pie/services/{PSM}/config/x",
        f"/pie/services/{PSM}/unknown",
    ],
)
def test_a_service_writes_and_deletes_nothing_else(service, person, key):
    with pytest.raises(Forbidden, match=r"the service token may not write .*admin\.token"):
        service.put(key, "{}")
    person.put(key, "{}")
    with pytest.raises(Forbidden, match="may not delete"):
        service.delete(key)
    assert person.get(key) is not None
    person.delete(key)


def test_a_service_reads_nothing_else(service, person):
    hidden = ["/pie/logs/results/7", "/pie/psm/x", "/secret", f"/pie/services/{PSM}/private"]
    for key in hidden:
        person.put(key, "hidden")
        with pytest.raises(Forbidden, match="may not read"):
            service.get(key)
    for prefix in ("/", "/pie/", "/pie/services", "/pie/logs/", f"/pie/services/{PSM}/pri"):
        with pytest.raises(Forbidden, match="may not read"):
            service.range(prefix)
        with pytest.raises(Forbidden, match="may not read"):
            service.watch(prefix)
    keys = [entry.key for entry in service.range("/pie/services/").entries]
    assert f"/pie/services/{PSM}/private" not in keys
    known = person.range("/pie/").revision
    with service.stream({"/pie/services/": known, "/pie/logs/": known}) as stream:
        first = next(stream)
        assert [each.prefix for each in first.refused] == ["/pie/logs/"]
        person.put("/pie/logs/results/7", "still hidden")
        person.put(f"/pie/services/{PSM}/private", "still hidden")
        person.put(meta_key(PSM), "seen")
        events = next(batch.events for batch in stream if batch.events)
    assert [event.key for event in events] == [meta_key(PSM)]
    for key in (*hidden, meta_key(PSM)):
        person.delete(key)


def test_another_instance_is_neither_overwritten_nor_deleted(service, person):
    lease = person.grant(60)
    key = instance_key(instance(OTHER))
    person.put(key, encode(instance(OTHER)), lease=lease)
    mine = service.grant(10)
    with pytest.raises(Held, match="held by another registration"):
        service.put(key, encode(instance(OTHER)), lease=mine)
    with pytest.raises(Forbidden):
        service.put(key, encode(instance(OTHER)))
    with pytest.raises(Forbidden):
        service.delete(key)
    service.revoke(mine)
    assert person.get(key).lease == lease
    person.revoke(lease)


def test_an_entry_holds_what_its_key_says(service):
    lease = service.grant(10)
    for key, value in {
        instance_key(instance()): encode(instance(OTHER)),
        runtime_key(RuntimeDescription(psm=PSM, id="x")): encode(
            RuntimeDescription(psm=PSM, id="y")
        ),
        meta_key(PSM): encode(ServiceMeta(psm=OTHER)),
    }.items():
        with pytest.raises(Forbidden, match="cannot hold the registration of"):
            service.put(key, value, lease=lease)
    with pytest.raises(Forbidden, match="cannot hold this"):
        service.put(instance_key(instance()), "nonsense", lease=lease)
    service.revoke(lease)


def test_a_service_has_no_lease_for_a_day(service, person):
    with pytest.raises(Forbidden, match="a lease of more than 300 s"):
        service.grant(86_400)
    person.revoke(person.grant(86_400))


def test_without_a_token_there_is_nothing(platform):
    for name in ("get", "range", "watch", "stream", "put", "delete", "grant", "keep_alive"):
        body = '{"key": "/pie/services/a", "prefix": "/pie/services/", "prefixes": {}}'
        reply = platform.ask("POST", f"/api/state/{name}", body, role=None)
        assert reply.status == 401


def test_a_service_divides_the_limits_of_its_rules(service):
    limits = [SharedLimit("key", 2.0)]
    request = SharesRequest(PSM, "h:1", "h:1/1", [SharedLimits("*", 1, limits)])
    reply = service.shares(request)
    assert reply.parts == [[1.0]]
    assert reply.lasts > reply.again > 0


@pytest.fixture
def bound(platform):
    """A store with the token of one service."""

    def open_one(psm: str) -> RemoteStore:
        token = bound_token(platform.token("service"), psm)
        return RemoteStore(f"http://127.0.0.1:{platform.port}", token, timeout=20)

    return open_one


def test_a_service_alone_reads_its_configuration(service, person, bound):
    ConfigBook(person).publish(PSM, {"key": "plain"}, seen=0, by="ann", comment="", secrets=["key"])
    key = config_key(PSM)
    entry = bound(PSM).get(key)
    assert entry is not None and "plain" in entry.value
    assert [each.key for each in bound(PSM).range(key).entries] == [key]
    for stranger in (service, bound(OTHER)):
        for read in (stranger.get, stranger.range):
            with pytest.raises(
                Forbidden, match=r"may not read /pie/services/shop\.token\.api/config"
            ):
                read(key)
        prefix = f"/pie/services/{PSM}/"
        assert key not in [each.key for each in stranger.range(prefix).entries]
        refused = stranger.ranges([key, instances_prefix(PSM)]).refused
        assert [each.prefix for each in refused] == [key]


def test_a_bound_token_acts_for_its_service_alone(bound, person):
    own, other = bound(PSM), instance(OTHER, "10.0.0.7")
    lease = own.grant(30)
    with pytest.raises(Forbidden, match=r"it is the one of shop\.token\.api"):
        own.put(instance_key(other), encode(other), lease=lease)
    with pytest.raises(Forbidden, match=r"it is the one of shop\.token\.api"):
        own.put(meta_key(OTHER), encode(ServiceMeta(psm=OTHER)))
    with pytest.raises(Forbidden, match=r"divide limits of shop\.token\.other"):
        own.shares(SharesRequest(OTHER, "h:1", "h:1/1", []))
    mine = instance(host="10.0.0.8")
    own.put(instance_key(mine), encode(mine), lease=lease)
    assert own.shares(SharesRequest(PSM, "h:1", "h:1/1", [])).parts == []
    own.revoke(lease)
