"""``sd``, as a shell runs it, against a registry over HTTP."""

import json
import socket

from tests.tool.sd_world import FILES, SERVER, listener, platform, served_at, shop, web, world

from pie.state import Directory, RemoteStore

__all__ = ["listener", "platform", "served_at", "shop", "web", "world"]  # fixtures


def test_lookup_lists_instances_with_their_clusters(world) -> None:
    world.put(SERVER, 7701, "ttheader")
    world.put(SERVER, 7702, "framed", cluster="canary")
    heading, _, titles, *rows = world.good("sd", "lookup", SERVER).splitlines()
    assert heading == f"{SERVER}  2 instances in 2 clusters"
    assert titles.split() == [
        "INSTANCE", "CLUSTER", "PROTOCOL", "PID", "VERSION", "SINCE", "UP", "REGISTERED",
    ]  # fmt: skip
    assert [row.split()[:4] for row in rows] == [
        ["127.0.0.1:7702", "canary", "thrift", "framed"],
        ["127.0.0.1:7701", "default", "thrift", "ttheader"],
    ]
    assert rows[0].split()[-1] == "itself"
    only = world.good("sd", "lookup", SERVER, "--cluster", "canary")
    assert "7702" in only
    assert "7701" not in only
    assert world.good("pie", "sd", "lookup", SERVER).splitlines()[2:] == [titles, *rows]


def test_lookup_for_programs(world) -> None:
    world.put(SERVER, 7701, "ttheader")
    found = json.loads(world.good("sd", "lookup", SERVER, "--json"))
    assert (found["psm"], found["source"]) == (SERVER, "registry")
    (one,) = found["instances"]
    assert (one["address"], one["cluster"], one["by_hand"]) == ("127.0.0.1:7701", "default", False)


def test_lookup_of_what_is_not_there(world, shop) -> None:
    assert f"Did you mean {SERVER}?" in world.bad("sd", "lookup", "toutiao.my.sever")
    assert f"Did you mean {SERVER}?" in world.bad("sd", "lookup", "toutiao.mi.server")
    assert "`sd list`" in world.bad("sd", "lookup", "quite.something.else")
    said = world.bad("sd", "lookup", "server")
    assert "is not a PSM" in said
    assert f"Registered names with it: {SERVER}" in said
    said = world.bad("sd", "lookup", SERVER, "--cluster", "blue")
    assert "no instances in cluster 'blue'; its clusters are default (1)" in said


def test_lookup_of_a_service_that_left(world, shop) -> None:
    world.store.delete(f"/pie/services/{SERVER}/instances/default/127.0.0.1:{shop}")
    said = world.bad("sd", "lookup", SERVER)
    assert "has no instances now; it was registered before" in said
    assert "ann, bob" in said


def test_lookup_without_the_platform_shows_what_was_last_known(world) -> None:
    world.put(SERVER, 7701, "ttheader")
    store = RemoteStore(world.url, "")
    directory = Directory(store, world.root / "toutiao" / "state", first_wait=20)
    assert directory.instances(SERVER)
    directory.close()
    away = {"PIE_PLATFORM": "http://127.0.0.1:1"}
    done = world.run("sd", "lookup", SERVER, **away)
    assert done.returncode == 0
    assert "cannot be reached" in done.stderr
    assert "as of " in done.stdout
    assert "127.0.0.1:7701" in done.stdout
    found = json.loads(world.good("sd", "lookup", SERVER, "--json", **away))
    assert found["source"] == "snapshot"
    assert found["saved"] > 0
    assert "no last known list either" in world.bad("sd", "lookup", "a.b.c", **away)
    assert "cannot be reached" in world.bad("sd", "list", **away)
    assert "is not a platform URL" in world.bad("sd", "list", "--platform", "nonsense")


def test_list(world, shop, web) -> None:
    _, *rows = world.good("sd", "list").splitlines()
    assert [row.split() for row in rows] == [
        ["toutiao.my.api", "http", "1", "default", "(1)", "-"],
        [SERVER, "thrift", "1", "default", "(1)", "ann,", "bob"],
    ]
    assert len(world.good("sd", "list", "API").splitlines()) == 2
    assert [each["psm"] for each in json.loads(world.good("sd", "list", "--json"))] == [
        "toutiao.my.api",
        SERVER,
    ]
    assert "no registered service has 'zzz'" in world.bad("sd", "list", "zzz")


def test_register_and_deregister_by_hand(world) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        said = world.good(
            *("sd", "register", "toutiao.legacy.thing", address),
            *("--transport", "framed", "--cluster", "legacy"),
        )
    assert said == f"registered toutiao.legacy.thing at {address} in cluster legacy, framed\n"
    row = world.good("sd", "lookup", "toutiao.legacy.thing").splitlines()[-1]
    assert "by hand" in row
    (entry,) = world.store.range("/pie/services/toutiao.legacy.thing/instances/").entries
    assert entry.lease == 0
    said = world.bad("sd", "deregister", "toutiao.legacy.thing", "127.0.0.1:1")
    assert f"has no instance at 127.0.0.1:1; it has: {address}" in said
    said = world.good("sd", "deregister", "toutiao.legacy.thing", address)
    assert said == f"deregistered toutiao.legacy.thing at {address}, cluster legacy\n"
    assert "does not know" in world.bad("sd", "lookup", "toutiao.legacy.thing")


def test_what_registered_itself_is_left_alone(world, shop) -> None:
    address = f"127.0.0.1:{shop}"
    assert "by itself" in world.bad("sd", "register", SERVER, address, "--transport", "framed")
    assert "registered itself" in world.bad("sd", "deregister", SERVER, address)
    world.good("sd", "deregister", SERVER, address, "--force")


def test_wrong_registrations(world) -> None:
    assert "is not a PSM" in world.bad("sd", "register", "a", "h:1", "--transport", "http")
    assert "is not an address" in world.bad("sd", "register", "a.b.c", "h", "--transport", "http")
    assert "--transport" in world.bad("sd", "register", "a.b.c", "h:1")
    said = world.bad("sd", "register", "a.b.c", "h:1", "--transport", "http", "--cluster", "a b")
    assert "the cluster 'a b'" in said
    said = world.good("sd", "register", "a.b.c", "127.0.0.1:1", "--transport", "buffered")
    assert "nothing accepts connections" in said


def test_an_idl_given_by_hand_is_registered_too(world) -> None:
    for name, text in FILES.items():
        (world.root / name).write_text(text)
    register = ("sd", "register", "a.b.c", "127.0.0.1:1", "--transport", "framed")
    assert "choose one with --service: Shop, Other" in world.bad(*register, "--idl", "shop.thrift")
    world.good(*register, "--idl", "shop.thrift", "--service", "Shop")
    assert "GetResponse Get(GetRequest req)" in world.good("pie", "call", "a.b.c")
