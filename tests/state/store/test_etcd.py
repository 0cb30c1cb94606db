"""The store over one etcd: the quick part of the contract, and what is etcd's alone."""

import subprocess
import time

import pytest
from tests.etcd import EtcdCluster
from tests.state.store.test_contract import TestCommit, TestKeys, TestStream  # noqa: F401

from pie.state import Fenced, Held, StoreAway, Write
from pie.state.store.etcd import wire
from pie.state.store.etcd.address import parse_address
from pie.state.store.etcd.care import EtcdCare
from pie.state.store.etcd.gateway import Gateway
from pie.state.store.etcd.keeper import Keeper
from pie.state.store.etcd.store import EtcdStore


@pytest.fixture
def rig(node_rig):
    return node_rig


@pytest.fixture
def second(rig):
    """Another platform's store on the same keys."""
    store = EtcdStore(rig.store.gateway.address)
    assert store.wait_loaded(20)
    yield store
    store.close()


class TestAddress:
    def test_everything_in_it(self, tmp_path):
        for name in ("ca", "cert", "key"):
            (tmp_path / name).touch()
        (tmp_path / "password").write_text("p/w\n")
        files = "&".join(f"{name}={tmp_path / name}" for name in ("ca", "cert", "key"))
        address = parse_address(
            f"etcds://h1:1,[::1]:2,h3/fleet/?{files}&user=pie"
            f"&password_file={tmp_path / 'password'}&compact=off"
        )
        assert address.endpoints == ("https://h1:1", "https://[::1]:2", "https://h3:2379")
        assert (address.namespace, address.user, address.password) == ("/fleet", "pie", "p/w")
        assert (address.ca, address.compact) == (str(tmp_path / "ca"), False)
        assert str(address) == "etcds://h1:1,[::1]:2,h3:2379/fleet"
        assert "p/w" not in repr(address)

    def test_the_short_form(self):
        address = parse_address("etcd://u:p%40@localhost")
        assert address.endpoints == ("http://localhost:2379",)
        assert (address.user, address.password, address.namespace) == ("u", "p@", "")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("http://h:1", "write etcd://HOST:PORT"),
            ("etcd://", "is not HOST:PORT"),
            ("etcd://h:x", "is not HOST:PORT"),
            ("etcd://h:1,,h:2", "is not HOST:PORT"),
            ("etcd://h?tls=on", "'tls' is no option"),
            ("etcd://h?compact=no", "on or off"),
            ("etcds://h?ca=/no/such", "ca=/no/such: there is no such file"),
            ("etcd://h/é", "no key may have"),
        ],
    )
    def test_what_is_wrong_with_it(self, text, said):
        with pytest.raises(ValueError, match=said):
            parse_address(text)

    def test_a_certificate_needs_its_key(self, tmp_path):
        (tmp_path / "cert").touch()
        with pytest.raises(ValueError, match="needs both"):
            parse_address(f"etcds://h?cert={tmp_path / 'cert'}")


class TestTwoPlatforms:
    def test_each_sees_what_the_other_writes(self, rig, second):
        known = second.range("/k/").revision
        with second.watch("/k/", after=known) as watch:
            revision = rig.store.put("/k/1", "a")
            second.put("/k/2", "b")
            events = []
            while len(events) < 2:
                events += next(watch).events
        assert [(e.key, e.value) for e in events] == [("/k/1", "a"), ("/k/2", "b")]
        assert second.get("/k/1").mod_revision == revision
        rig.store.reach(second.revision)
        assert rig.store.range("/k/") == second.range("/k/")

    def test_a_lease_is_kept_through_either(self, rig, second):
        lease = rig.store.grant(60)
        revision = rig.store.put("/l", "x", lease=lease)
        second.reach(revision)
        kept = second.keep_alive([lease, 77])
        assert (kept.alive, kept.missing, kept.keys) == ((lease,), (77,), (1,))
        with pytest.raises(Held):
            second.put("/l", "y", lease=second.grant(60), claim=True)
        second.revoke(lease)
        assert second.get("/l") is None

    def test_one_holds_a_fence(self, rig, second):
        first, other = Fenced(rig.store, "job"), Fenced(second, "job")
        assert first.hold()
        assert not other.hold()
        assert first.commit([Write("/done", "1")])
        first.release()
        assert other.hold()

    def test_all_watches_cost_etcd_one(self, rig, etcd_node):
        care = EtcdCare(rig.store)

        def watchers() -> int:
            care._step()
            return care.condition.members[0].watchers

        before = watchers()
        watches = [rig.store.watch(f"/{number}") for number in range(100)]
        assert rig.store.watches == 100
        assert watchers() == before
        for watch in watches:
            watch.close()


class TestKeeper:
    def test_many_leases_are_all_answered(self, rig):
        leases = [rig.store.grant(60) for _ in range(20)]
        absent = list(range(100_000, 102_500))
        kept = Keeper(rig.store.gateway).keep([*leases, *absent])
        assert {lease for lease, ttl in kept.items() if ttl > 0} == set(leases)
        assert len(kept) == 2_520


class TestCare:
    def test_one_platform_compacts(self, rig, second, monkeypatch):
        monkeypatch.setattr("pie.state.store.etcd.care.KEPT", 5)
        monkeypatch.setattr("pie.state.store.etcd.care._STEP", 10)
        cares = [EtcdCare(rig.store), EtcdCare(second)]
        first = rig.store.put("/c", "0")
        for number in range(30):
            last = rig.store.put("/c", str(number))
        for care in cares:
            care._step()
        assert [care.condition.compacts for care in cares] == [True, False]
        assert cares[0].condition.compacted >= last - 5
        with pytest.raises(Exception, match="compacted"):
            request = wire.RangeRequest(b"/", revision=first)
            rig.store.gateway.call("/v3/kv/range", request, wire.RangeReply, repeat=True)
        (member,) = cares[0].condition.members
        assert member.leader and member.version.startswith("3.") and member.in_use > 0
        assert cares[0].condition.quota > 1 << 20
        # Who watches in this process has the events still.
        with rig.store.watch("/c", after=first) as watch:
            assert len(next(watch).events) == 30


def test_a_store_that_was_never_reached_says_so(tmp_path):
    store = EtcdStore(parse_address("etcd://127.0.0.1:1"))
    try:
        assert not store.wait_loaded(0.3)
        for call in (
            lambda: store.get("/k"),
            lambda: store.range("/"),
            lambda: store.watch("/"),
            lambda: store.stream({"/": 0}),
        ):
            with pytest.raises(StoreAway, match=r"could not be read yet.*127\.0\.0\.1:1"):
                call()
        for call in (lambda: store.put("/k", ""), lambda: store.grant(5)):
            with pytest.raises(StoreAway, match="majority of its members"):
                call()
    finally:
        store.close()


def test_a_server_that_is_not_etcd(platform):
    gateway = Gateway(parse_address(f"etcd://127.0.0.1:{platform.port}"))
    with pytest.raises(StoreAway, match="no answer of etcd's v3 JSON gateway"):
        gateway.call("/v3/kv/range", wire.RangeRequest(b"/"), wire.RangeReply, repeat=False)
    gateway.close()


def test_what_is_no_key_of_pies_is_left_alone(rig):
    """Somebody else's keys under the namespace: bytes that are no text, names that are no keys."""
    names, gateway = rig.store._names, rig.store.gateway
    odd = names.first + b"\xff\x00"
    put = wire.RequestOp(request_put=wire.PutRequest(odd, b"\xfe"))
    gateway.call("/v3/kv/txn", wire.TxnRequest([], [put], []), wire.TxnReply, repeat=False)
    rig.store.put("/k", "v")
    assert [entry.key for entry in rig.store.range("/").entries] == ["/k"]
    again = EtcdStore(gateway.address)
    assert again.wait_loaded(20)
    assert [entry.key for entry in again.range("/").entries] == ["/k"]
    again.close()


@pytest.mark.slow
def test_users_and_tls(tmp_path):
    """With etcd's authentication on, and TLS; a wrong password is explained."""
    ca, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", ca, "-subj", "/CN=etcd", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = [f"--cert-file={ca}", f"--key-file={key}"]
    cluster = EtcdCluster(tmp_path / "node", 1, options, "https")
    (tmp_path / "node").mkdir()
    try:
        cluster.start(wait=False)
        address = f"{cluster.address}?ca={ca}"
        end = time.monotonic() + 20
        plain = EtcdStore(parse_address(address))
        assert plain.wait_loaded(end - time.monotonic()), plain.mirror.trouble
        plain.put("/k", "v")
        gateway = plain.gateway
        for path, request in (
            ("user/add", {"name": "root", "password": "geheim"}),
            ("role/add", {"name": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("enable", {}),
        ):
            gateway._ask(f"/v3/auth/{path}", str(request).replace("'", '"').encode(), repeat=False)
        with pytest.raises(StoreAway, match=r"refuses user '\(none\)'"):
            plain.put("/k", "w")
        plain.close()
        (tmp_path / "password").write_text("geheim")
        store = EtcdStore(parse_address(f"{address}&user=root&password_file={tmp_path}/password"))
        assert store.wait_loaded(10), store.mirror.trouble
        assert store.get("/k").value == "v"
        store.put("/k", "w")
        store.gateway._token = "expired"
        store.put("/k", "x")
        assert store.range("/").entries[0].value == "x"
        store.close()
        (tmp_path / "password").write_text("wrong")
        wrong = EtcdStore(parse_address(f"{address}&user=root&password_file={tmp_path}/password"))
        assert not wrong.wait_loaded(2)
        assert "does not let user 'root' in" in wrong.mirror.trouble
        wrong.close()
        stranger = EtcdStore(parse_address(cluster.address))
        assert not stranger.wait_loaded(2)
        assert "certificate" in stranger.mirror.trouble.lower()
        stranger.close()
    finally:
        cluster.stop()
