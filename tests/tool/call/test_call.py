"""``pie call``, as a shell runs it, against real services."""

import json
import re

from tests.tool.sd_world import (
    FILES,
    SERVER,
    WEB,
    Web,
    listener,
    platform,
    served_at,
    shop,
    web,
    world,
)  # fmt: skip

__all__ = ["listener", "platform", "served_at", "shop", "web", "world"]  # fixtures


def call(world, *arguments: object, **options: str):
    """Output as JSON, and what was said about it."""
    done = world.run("pie", "call", *arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout), done.stderr


def refused(world, *arguments: object, **options: str) -> str:
    return world.bad("pie", "call", *arguments, **options)


def test_methods_and_templates(world, shop) -> None:
    text = world.good("pie", "call", SERVER)
    (row,) = [line for line in text.splitlines() if line.startswith("Get ")]
    assert "GetResponse Get(GetRequest req) throws Missing" in row
    assert row.endswith("Finds an item.")
    assert "oneway void Note(string text)" in text
    shown = json.loads(world.good("pie", "call", SERVER, "Get", "--template"))
    assert shown == {"id": 0, "kind": "BOOK"}
    shown = json.loads(world.good("pie", "call", SERVER, "Join", "--template"))
    assert shown == {"words": [""], "between": " "}


def test_a_call_prints_the_answer_and_where_it_came_from(world, shop, bench) -> None:
    answer, said = call(world, SERVER, "Get", '{"id": "9007199254740993", "kind": "BOOK"}')
    assert answer == {
        "item": {"id": 9007199254740993, "name": "积木", "kind": "BOOK", "notes": {"7": "x"}},
        "BaseResp": {"StatusMessage": "SUCCESS", "StatusCode": 0},
    }
    logid = re.search(r"logid ([0-9a-f]{32})", said)[1]
    assert f"127.0.0.1:{shop} (default)" in said
    assert re.search(r"\d+\.\d ms  \d+ B out, \d+ B in", said)
    (row,) = bench.facts()
    assert (row["logid"], row["caller"]) == (logid, "pie.tool.call")
    (log,) = (world.root / "pie" / "log" / "rpc").glob("pie.tool.call.2*.log")
    assert f"called={SERVER} method=Get rpc_status=success" in log.read_text()


def test_every_way_to_write_a_request(world, shop) -> None:
    assert call(world, SERVER, "Get", '{"req": {"id": 1}}')[0]["item"]["id"] == 1
    assert call(world, SERVER, "Get", "-", stdin='{"id": 2}')[0]["item"]["id"] == 2
    assert call(world, SERVER, "Join", '{"words": ["a", "b"]}')[0] == "a b"
    assert call(world, SERVER, "Count", '"four"')[0] == 4
    assert call(world, SERVER, "Count", '{"text": "four"}')[0] == 4
    assert world.good("pie", "call", SERVER, "Ping") == ""
    assert world.good("pie", "call", SERVER, "Note", '"hello"') == ""


def test_answers_that_are_no_success(world, shop) -> None:
    done = world.run("pie", "call", SERVER, "Get", '{"id": 404}')
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"Missing": {"id": 404}}
    assert "raised Missing" in done.stderr
    _, said = call(world, SERVER, "Get", '{"id": 1410}')
    assert "business code 1410: gone" in said
    said = refused(world, SERVER, "Get", '{"id": 500}')
    assert "internal 500, raised by the callee  logid " in said
    assert "secret" not in said


def test_wrong_requests(world, shop) -> None:
    assert "line 2, column 6" in refused(world, SERVER, "Get", '{"id":\n  1, }')
    assert "has no field 'idd'; did you mean id?" in refused(world, SERVER, "Get", '{"idd": 1}')
    assert "id: required, but not given" in refused(world, SERVER, "Get")
    assert "did you mean BOOK?" in refused(world, SERVER, "Get", '{"id": 1, "kind": "book"}')
    assert "words[1]: expected a string" in refused(world, SERVER, "Join", '{"words": ["", 1]}')
    assert "twice in one object" in refused(world, SERVER, "Get", '{"id": 1, "id": 2}')
    said = refused(world, SERVER, "get", '{"id": 1}')
    assert "Shop has no method 'get'; did you mean Get?" in said
    assert "Did you mean" in refused(world, "toutiao.my.servr", "Get")
    assert "is not a PSM" in refused(world, "server", "Get")


def test_cluster_instance_and_timeout(world, shop) -> None:
    world.put(SERVER, 1, "ttheader", cluster="canary")
    said = refused(world, SERVER, "Ping", "--cluster", "blue")
    assert "its clusters are canary (1 instance), default (1 instance)" in said
    said = refused(world, SERVER, "Ping", "--cluster", "canary")
    assert "cannot connect to" in said
    assert "3 attempts" in said
    address = f"127.0.0.1:{shop}"
    world.good("pie", "call", SERVER, "Ping", "--cluster", "canary", "--instance", address)
    assert "is not registered" in refused(world, SERVER, "Ping", "--instance", "127.0.0.1:2")
    assert "0.001" in refused(world, SERVER, "Ping", "--timeout", "0")


def test_a_callee_without_a_registered_idl(world, shop) -> None:
    (world.root / "idl").mkdir()
    for name, text in FILES.items():
        (world.root / "idl" / name).write_text(text)
    world.put("toutiao.legacy.thing", shop, "framed")
    assert "--idl FILE" in refused(world, "toutiao.legacy.thing", "Ping")
    given = ("--idl", "idl/shop.thrift")
    said = refused(world, "toutiao.legacy.thing", "Ping", *given)
    assert "several services, choose one with --service: Shop, Other" in said
    given += ("--service", "Shop")
    world.good("pie", "call", "toutiao.legacy.thing", "Ping", *given)
    # Nobody knows this one, and the platform is away.
    away = {"PIE_PLATFORM": "http://127.0.0.1:1"}
    pin = ("--instance", f"127.0.0.1:{shop}/framed")
    world.good("pie", "call", "quite.unknown.thing", "Ping", *given, *pin, **away)
    assert "cannot be reached" in refused(world, SERVER, "Ping", **away)
    (world.root / "idl" / "shop.thrift").write_text("struct {")
    assert "shop.thrift:1:8" in refused(world, "toutiao.legacy.thing", "Ping", *given)


def test_http(world, web, shop) -> None:
    answer, said = call(world, WEB, "GET", "/items?a=1", "-H", "X-Mine: yes")
    assert answer == {"path": "/items?a=1", "body": "", "verb": "GET"}
    assert "HTTP 200 OK" in said
    assert "Content-Type: application/json" in said
    (headers,) = Web.seen
    logid = re.search(r"logid ([0-9a-f]{32})", said)[1]
    assert headers["X-Tt-Logid"] == logid
    assert headers["traceparent"].startswith(f"00-{logid}-")
    assert headers["X-Mine"] == "yes"
    answer, _ = call(world, WEB, "GET", "/用户 a?b=%2F")
    assert answer["path"] == "/%E7%94%A8%E6%88%B7%20a?b=%2F"
    answer, _ = call(world, WEB, "post", "/items", "-", stdin="hello")
    assert (answer["verb"], answer["body"]) == ("POST", "hello")
    done = world.run("pie", "call", WEB, "GET", "/nope")
    assert (done.returncode, json.loads(done.stdout)["path"]) == (1, "/nope")
    assert "404" in done.stderr
    assert "is an HTTP service: name a verb and a path" in refused(world, WEB, "Get", "{}")
    assert "name a method instead of a verb" in refused(world, SERVER, "GET", "/")
    assert "BODY is for HTTP" in refused(world, SERVER, "Get", "{}", "{}")
    assert "-H is for HTTP" in refused(world, SERVER, "Get", "{}", "-H", "A: b")
    assert "write NAME:VALUE" in refused(world, WEB, "GET", "/", "-H", "nonsense")
    assert "no instances in cluster 'blue'" in refused(world, WEB, "GET", "/", "--cluster", "blue")


def test_the_yml_of_the_workspace_is_for_tools_too(world, shop, bench) -> None:
    conf = world.root / "conf" / "rpc" / "services"
    conf.mkdir(parents=True)
    (conf / "Shop.yml").write_text(f"psm: {SERVER}\ncluster: canary\n")
    world.good("pie", "call", SERVER, "Ping", "--cluster", "default")
