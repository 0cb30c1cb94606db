"""Dynamic config over the API of a real platform."""

import json
from itertools import count
from urllib.parse import quote

import pytest

from pie.state import Instance, RuntimeDescription

_NUMBERS = count()


def instance(psm: str, number: int, cluster: str = "default") -> list:
    """An instance, and what its code expects of its configuration."""
    return [
        Instance(psm=psm, id=f"i{number}", cluster=cluster, host="10.0.0.1", port=7700 + number,
                 protocol="thrift", transport="ttheader"),
        RuntimeDescription(psm=psm, id=f"i{number}", cluster=cluster, config={
            "feed.page_size": {"form": "whole", "default": 20, "least": 1.0, "most": 100.0,
                               "help": "Items in a page."},
            "feed.title": {"form": "text", "default": "News"},
            "feed.token": {"form": "text", "secret": True},
            "feed.newer": {"form": "tensor"},
        }),
    ]  # fmt: skip


@pytest.fixture
def psm(register) -> str:
    name = f"dials.config.m{next(_NUMBERS)}"
    register(*instance(name, 1), *instance(name, 2, "blue"))
    return name


def send(platform, method, path, body=None, user="wangdi"):
    headers = {"X-Pie-User": quote(user), "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    return platform.ask(method, f"/api/config/{path}", content, headers=headers)


def error(reply):
    return reply.status, reply.json["error"]["message"]


def published(platform, psm, values, seen=0, **more):
    reply = send(platform, "PUT", psm, {"seen": seen, "values": values, **more})
    assert reply.status == 200, reply.body
    return reply.json


def test_the_page_shows_what_the_code_expects_before_anything_is_published(platform, psm):
    page = send(platform, "GET", psm).json
    assert (page["version"], page["running"], page["at_version"]) == (0, 2, 0)
    keys = {each["key"]: each for each in page["keys"]}
    size = keys["feed.page_size"]
    assert (size["published"], size["default"], size["most"], size["help"]) == (
        False, 20, 100, "Items in a page.",
    )  # fmt: skip
    assert size["effective"] == [
        {"value": 20, "source": "default", "instances": 2, "clusters": ["blue", "default"]}
    ]
    assert keys["feed.token"]["secret"]


def test_publishing_history_and_rollback(platform, psm):
    published(platform, psm, {"feed.page_size": 30}, comment="more")
    page = published(platform, psm, {"feed.page_size": 40, "feed.title": "All"}, seen=1)
    assert (page["version"], page["author"]) == (2, "wangdi")
    key = next(each for each in page["keys"] if each["key"] == "feed.page_size")
    assert (key["value"], key["changed_by"], key["changed_in"]) == (40, "wangdi", 2)
    history = send(platform, "GET", f"{psm}/history").json["versions"]
    assert [each["version"] for each in history] == [2, 1]
    assert history[0]["changes"] == [
        {"override": "", "key": "feed.page_size", "action": "changed", "before": 30, "after": 40},
        {"override": "", "key": "feed.title", "action": "added", "before": None, "after": "All"},
    ]
    reply = send(platform, "POST", f"{psm}/rollback", {"to": 1, "seen": 2, "comment": "slow"})
    assert reply.json["draft"]["values"] == {"feed.page_size": 30}
    diff = send(platform, "GET", f"{psm}/diff?before=2&after=3").json["changes"]
    assert [each["action"] for each in diff] == ["changed", "removed"]
    assert error(send(platform, "GET", f"{psm}/diff?before=2&after=9"))[0] == 404


def test_what_the_code_would_not_take_is_refused(platform, psm):
    body = {"seen": 0, "values": {"feed.page_size": "many", "feed.title": "x"}}
    status, message = error(send(platform, "PUT", psm, body))
    assert (status, message) == (400, 'feed.page_size: "many" is not a whole number')
    body["values"]["feed.page_size"] = 101
    status, message = error(send(platform, "PUT", psm, body))
    assert (status, message) == (400, "feed.page_size: 101 is above 100")
    check = send(platform, "POST", f"{psm}/check", body).json
    (wrong,) = check["errors"]
    assert (wrong["key"], wrong["message"]) == ("feed.page_size", "101 is above 100")
    assert send(platform, "GET", psm).json["version"] == 0


def test_a_check_tells_the_change_the_reach_and_the_doubts(platform, psm):
    published(platform, psm, {"feed.page_size": 30})
    body = {
        "seen": 0,
        "values": {"feed.page_size": 50, "feed.other": 1},
        "overrides": [
            {"name": "blue", "cluster": ["blue"], "values": {"feed.title": "Blue"}},
            {"name": "none", "instance": ["i9"], "values": {"feed.title": "x"}},
        ],
    }
    check = send(platform, "POST", f"{psm}/check", body).json
    assert check["errors"] == []
    assert "wangdi published v1" in check["conflict"]
    assert [(each["override"], each["key"], each["action"]) for each in check["changes"]] == [
        ("", "feed.other", "added"),
        ("", "feed.page_size", "changed"),
        ("blue", "feed.title", "added"),
        ("blue", "", "conditions"),
        ("none", "feed.title", "added"),
        ("none", "", "conditions"),
    ]
    assert [each["reaches"] for each in check["overrides"]] == [["i2"], []]
    assert {each["key"] for each in check["warnings"]} == {"feed.other", "none"}
    status, message = error(send(platform, "PUT", psm, body))
    assert status == 409 and "compare with it and publish again" in message


def test_overrides_are_values_of_some_instances(platform, psm):
    page = published(
        platform, psm, {"feed.page_size": 30},
        overrides=[{"name": "gray", "instance": ["i1"], "values": {"feed.page_size": 60}}],
    )  # fmt: skip
    key = next(each for each in page["keys"] if each["key"] == "feed.page_size")
    assert [(e["value"], e["source"], e["clusters"]) for e in key["effective"]] == [
        (30, "document", ["blue"]),
        (60, "gray", ["default"]),
    ]
    assert [each["overrides"] for each in page["instances"]] == [[], ["gray"]]


def test_secrets_of_the_code_are_masked_everywhere(platform, psm):
    published(platform, psm, {"feed.token": "s3cret"})
    page = published(platform, psm, {"feed.token": "n3w"}, seen=1)
    seen = [
        page,
        send(platform, "GET", psm).json,
        send(platform, "GET", f"{psm}/history").json,
        send(platform, "GET", f"{psm}/diff?before=1&after=2").json,
    ]
    for each in seen:
        assert "s3cret" not in json.dumps(each) and "n3w" not in json.dumps(each)
    (change,) = seen[3]["changes"]
    assert change["after"] == "******** (changed)"


def test_the_version_in_force_is_that_which_instances_reported(platform, psm):
    published(platform, psm, {"feed.page_size": 30})
    import time

    row = {"ts": time.time(), "psm": psm, "key": "config", "version": 1}
    bad = {"instance": "i2", "version": 0, "trouble": "feed.page_size: v1 is not in force"}
    platform.accepted("in_force", [row | {"instance": "i1"}, row | bad])
    page = send(platform, "GET", psm).json
    assert page["at_version"] == 1
    assert [each["trouble"] for each in page["instances"]] == [bad["trouble"], ""]


@pytest.mark.parametrize(
    "body",
    [b"{", {"seen": 0}, {"seen": 0, "values": {"a b": 1}}, {"seen": 0, "values": {}, "more": 1}],
)
def test_a_malformed_request_is_refused(platform, psm, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    assert platform.ask("PUT", f"/api/config/{psm}", content, headers=headers).status == 400
    assert platform.ask("GET", "/api/config/nothing").status == 400
    assert platform.ask("GET", f"/api/config/{psm}", role="service").status == 403
