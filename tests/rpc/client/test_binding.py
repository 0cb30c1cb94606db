"""Generated clients: what they call when their yml, their arguments or the environment say so."""

import os
from pathlib import Path

import pytest
from tests.ports import free_port

from pie.model import Failure, Kind
from pie.rpc import Asked, CalleeError, Channel, over
from pie.rpc.client import callee_file
from pie.rpc.stub import AsyncServiceClient, ServiceClient
from pie.thrift.generate import names

PSM = "toutiao.my.server"


@pytest.fixture
def conf(bench, tmp_path: Path) -> Path:
    """The workspace's conf folder, with the folder of callees in it."""
    bench.runtime.conf = tmp_path / "conf"
    (bench.runtime.conf / "rpc" / "services").mkdir(parents=True)
    return bench.runtime.conf


@pytest.fixture
def write(conf: Path):
    """Writes the yml of DemoService; each time with another date than before."""
    path = conf / "rpc" / "services" / "DemoService.yml"
    dates = iter(range(1_000_000_000, 2_000_000_000, 1000))

    def write_one(text: str) -> Path:
        path.write_text(text)
        date = next(dates)
        os.utime(path, (date, date))
        return path

    return write_one


def who(handler, demo, name: str):
    """A handler that says which one it is."""
    made = type(handler)()
    item = demo.Demo2Item(ItemId=1, ItemName=name)
    made.GetItem = lambda req: demo.Demo2Response(item=item)
    return made


def ask(client, demo) -> str:
    return client.GetItem(demo.Demo2Request(ItemId=1)).item.ItemName


def test_the_yml_says_whom_to_call(start, handler, demo, write) -> None:
    write(f"service: DemoService\npsm: {PSM}\ncluster: canary\ntimeout_ms: 30000\n")
    client = demo.DemoServiceClient()
    start(who(handler, demo, "canary"), cluster="canary")
    start(who(handler, demo, "default"))
    assert ask(client, demo) == "canary"
    assert ask(demo.DemoServiceClient(to_cluster="default"), demo) == "default"
    assert ask(demo.DemoServiceClient(PSM), demo) == "canary"


def test_a_yml_of_another_service_says_nothing(start, handler, demo, write) -> None:
    write("psm: some.body.else\ncluster: canary\n")
    start(handler)
    assert demo.DemoServiceClient(PSM).Nothing() is None
    assert demo.DemoServiceClient(consul_name=PSM).Nothing() is None


def test_nobody_says_whom_to_call(bench, demo, conf) -> None:
    with pytest.raises(CalleeError) as caught:
        demo.DemoServiceClient().Nothing()
    message = str(caught.value)
    assert str(conf / "rpc" / "services" / "DemoService.yml") in message
    assert 'DemoServiceClient("product.subsystem.module")' in message
    assert "consul_name=" in message
    assert "psm: product.subsystem.module" in message


def test_without_a_workspace_the_error_says_that(bench, demo) -> None:
    with pytest.raises(CalleeError, match=r"RUNTIME_ROOT.*conf/rpc/services/DemoService\.yml"):
        demo.DemoServiceClient().Nothing()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("psm: a.b.c\nclustr: x\n", r"DemoService\.yml:2: unknown key 'clustr'; did you mean clus"),
        ("psm: a.b.c\nzzz: x\n", r":2: unknown key 'zzz'; known keys: psm, service, cluster"),
        ("psm: a.b.c\npsm: a.b.d\n", r":2: psm stands in line 1 already"),
        ("psm: a-b\n", r":1: psm: 'a-b' is not a PSM"),
        ("cluster: x\n", r"missing required field `psm`"),
        ("psm: a.b.c\ntimeout_ms: soon\n", r":2: timeout_ms: Expected `int | null`, got `str`"),
        ("psm: a.b.c\ntimeout_ms: 0\n", r":2: timeout_ms: 0 is not above 0"),
        (
            "psm: a.b.c\n\ntransport: http\n",
            r":3: transport: 'http' is not a transport: choose",
        ),
        ("psm: a.b.c\naddresses: 10.0.0.1:1\n", r":2: addresses: Expected `array`"),
        ("psm: a.b.c\naddresses: [10.0.0.1]\n", r":2: addresses: '10\.0\.0\.1' is not an address"),
        ("psm: a.b.c\nservice: Other\n", r":2: service: this file is for Other"),
        ("psm: [a\n", r"DemoService\.yml:\d:\d: this is not YAML"),
        ("just words\n", r"expected lines like `psm:"),
        ("", r"expected lines like `psm:"),
        ("a: &x [1]\n*x : 1\n", r":1:4: this is not YAML"),
    ],
)
def test_a_wrong_yml_names_the_line_and_the_right_key(bench, demo, write, text, message) -> None:
    write(text)
    with pytest.raises(CalleeError, match=message):
        demo.DemoServiceClient().Nothing()


def test_a_changed_yml_is_read_again_and_a_broken_one_is_not_believed(
    start, handler, demo, write, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(callee_file, "_CHECK_SECONDS", 0.0)
    start(who(handler, demo, "canary"), cluster="canary")
    start(who(handler, demo, "default"))
    path = write(f"psm: {PSM}\n")
    client = demo.DemoServiceClient()
    assert ask(client, demo) == "default"
    write(f"psm: {PSM}\ncluster: canary\n")
    assert ask(client, demo) == "canary"
    write("psm: [")
    assert [ask(client, demo) for _ in range(3)] == ["canary"] * 3
    kept = [line for line in caplog.messages if "kept the last good DemoService.yml" in line]
    assert len(kept) == 1
    path.unlink()
    assert ask(client, demo) == "canary"
    write(f"psm: {PSM}\n")
    assert ask(client, demo) == "default"


def test_addresses_of_the_yml_need_no_registry(start, handler, demo, bench, write) -> None:
    port = start(handler, psm="some.body.else")
    write(
        "psm: toutiao.legacy.thing\ntransport: framed\n"
        f"addresses:\n  - 127.0.0.1:{free_port()}\n  - 127.0.0.1:{port}\n"
    )
    client = demo.DemoServiceClient()
    for _ in range(10):
        client.Nothing()
    rows = [row for row in bench.facts() if row["side"] == "client" and not row["attempt"]]
    assert {(row["callee"], row["outcome"]) for row in rows} == {("toutiao.legacy.thing", "ok")}
    assert any("addresses of" in note for note in rows[0]["notes"])


def test_the_environment_wins_over_all(start, handler, demo, write, monkeypatch) -> None:
    start(who(handler, demo, "canary"), cluster="canary")
    start(who(handler, demo, "default"))
    write(f"psm: {PSM}\ncluster: default\n")
    monkeypatch.setenv("PIE_TO_CLUSTER", f"a.b.c=x, {PSM}=canary")
    assert ask(demo.DemoServiceClient(to_cluster="default"), demo) == "canary"
    monkeypatch.setenv("PIE_TIMEOUT_MS", f"{PSM}=1")
    with pytest.raises(Failure) as caught:
        while True:
            demo.DemoServiceClient(timeout=60).Nothing()
    assert caught.value.kind == Kind.DEADLINE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PIE_TO_CLUSTER", PSM, "names no value"),
        ("PIE_TO_CLUSTER", "server=canary", "'server' is not a PSM"),
        ("PIE_TIMEOUT_MS", f"{PSM}=0.5", "'0.5' for .* is not a whole number"),
        ("PIE_TIMEOUT_MS", f"{PSM}=0", "above 0"),
    ],
)
def test_a_wrong_environment_is_named(bench, demo, monkeypatch, name, value, message) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CalleeError, match=f"{name} in the environment: .*{message}"):
        demo.DemoServiceClient(PSM).Nothing()


def test_a_pin_reaches_an_instance_that_registers_nowhere(start, handler, demo, bench) -> None:
    start(who(handler, demo, "fleet"))
    port = start(who(handler, demo, "colleague"), psm="some.body.else")
    bench.runtime.pinned = {PSM: f"127.0.0.1:{port}"}
    with pytest.raises(Failure, match=rf"say how it speaks: 127\.0\.0\.1:{port}/ttheader"):
        ask(demo.DemoServiceClient(PSM), demo)
    for transport in ("ttheader", "framed", "buffered"):
        bench.runtime.pinned = {PSM: f"127.0.0.1:{port}/{transport}"}
        assert ask(demo.DemoServiceClient(PSM), demo) == "colleague"
    bench.runtime.pinned = {PSM: f"127.0.0.1:{port}/carrier-pigeon"}
    with pytest.raises(Failure, match="choose ttheader, framed, buffered"):
        ask(demo.DemoServiceClient(PSM), demo)
    bench.runtime.pinned = {PSM: "colleague"}
    with pytest.raises(Failure, match="'colleague' is not an address"):
        ask(demo.DemoServiceClient(PSM), demo)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "article"}, "is not a PSM"),
        (
            {"consul_name": "legacy-thing"},
            "consul_name='legacy-thing': .* is not a PSM: .* `sd register product.subsystem.module",
        ),
        ({"target": PSM, "consul_name": PSM}, "one of them names the service"),
        ({"target": PSM, "timeout": 0}, "timeout=0"),
        ({"target": PSM, "timeout": float("nan")}, "timeout=nan"),
    ],
)
def test_wrong_arguments_are_refused_at_once(demo, given, message) -> None:
    with pytest.raises(ValueError, match=message):
        demo.DemoServiceClient(**given)


def test_a_wrong_cluster_says_what_to_write(start, handler, demo) -> None:
    start(handler, cluster="canary")
    start(handler, cluster="canary")
    with pytest.raises(Failure) as caught:
        demo.DemoServiceClient(PSM).Nothing()
    message = str(caught.value)
    assert "has no instances in cluster 'default' (called when no other is named)" in message
    assert "its clusters are canary (2 instances)" in message
    assert "to_cluster='canary'" in message


def test_an_unknown_name_is_reported_its_neighbours(start, handler, demo) -> None:
    start(handler)
    with pytest.raises(Failure, match=r"Did you mean toutiao\.my\.server\?") as caught:
        demo.DemoServiceClient("toutiao.my.servr").Nothing()
    assert caught.value.kind == Kind.UNAVAILABLE
    with pytest.raises(Failure, match=r"Did you mean toutiao\.my\.server\?"):
        demo.DemoServiceClient("toutiao.mye.server").Nothing()
    with pytest.raises(Failure, match="The registry does not know this name"):
        demo.DemoServiceClient("quite.something.else").Nothing()


def test_a_service_that_left_is_reported_since_when(bench, start, handler, demo) -> None:
    import time

    port = start(handler)
    client = demo.DemoServiceClient(PSM)
    client.Nothing()
    bench.store.delete(f"/pie/services/{PSM}/instances/default/127.0.0.1:{port}")
    end = time.monotonic() + 20
    while not bench.runtime.directory.doubt(PSM) and time.monotonic() < end:
        time.sleep(0.01)
    client.Nothing()  # The last known instance is still called.
    start.servers[port].stop()
    message = ""
    while "cannot connect" not in message:  # Before that, connections end.
        try:
            client.Nothing()
        except Failure as failure:
            message = str(failure)
    assert f"127.0.0.1:{port}" in message
    assert "The list is the last known one, true at" in message
    assert "The registry lists none since" in message


def test_a_client_over_a_function_needs_no_process(demo) -> None:
    client = over(demo.DemoServiceClient, lambda method, args: (method.name, args.req.ItemId))
    assert client.GetItem(demo.Demo2Request(ItemId=7)) == ("GetItem", 7)


def test_methods_of_an_idl_cannot_take_the_names_clients_need() -> None:
    for kind in (ServiceClient, AsyncServiceClient):
        own = {name for name in dir(kind) if not name.startswith("__")}
        assert own <= names._IN_CLIENTS


def test_a_channel_is_cheap_until_it_is_used() -> None:
    for _ in range(100):
        Channel(Asked("DemoService", PSM))
