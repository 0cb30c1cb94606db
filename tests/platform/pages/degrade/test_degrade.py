"""Switches of the fleet over the API of a real platform."""

import json
import time
from itertools import count
from urllib.parse import quote

import pytest

from pie.platform.pages.degrade.store import SwitchBook, is_over, key_of
from pie.platform.pages.degrade.views import FlipPut
from pie.state import Instance, MemoryStore, ServiceMeta
from pie.state.rules.book import RuleBook
from pie.state.rules.document import WrittenRule

_NUMBERS = count()


@pytest.fixture
def psm(platform, register) -> str:
    """A service that has two switches in its code."""
    name = f"dials.degrade.m{next(_NUMBERS)}"
    register(
        ServiceMeta(psm=name, owners=("ann",)),
        Instance(psm=name, id="i1", host="10.0.0.1", port=7701, protocol="http"),
    )
    said = json.dumps({"users_see": "no ads", "on": ["deadline"]})
    row = {"ts": time.time(), "psm": name, "instance": "i1", "version": 0}
    platform.accepted("in_force", [row | {"key": "switch/ads", "value": said}])
    platform.accepted("in_force", [row | {"key": "switch/recommend", "value": ""}])
    return name


def send(platform, method, path="", body=None, user="wangdi"):
    headers = {"X-Pie-User": quote(user), "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    return platform.ask(method, f"/api/degrade{path}", content, headers=headers)


def rows(platform, psm) -> dict[str, dict]:
    page = send(platform, "GET").json
    return {each["name"]: each for each in page["switches"] if each["psm"] == psm}


def test_switches_are_listed_before_anybody_flipped_them(platform, psm):
    ads = rows(platform, psm)["ads"]
    assert (ads["state"], ads["users_see"], ads["fallback_on"]) == ("on", "no ads", ["deadline"])
    assert (ads["owners"], ads["known"], ads["running"]) == (["ann"], True, 1)
    assert rows(platform, psm)["recommend"]["users_see"] == ""


def test_a_flip_says_who_why_and_until_when(platform, psm):
    until = time.time() + 3600
    body = {"off": True, "reason": "the model is slow", "until": until, "percent": 20, "by": "user"}
    row = send(platform, "PUT", f"/{psm}/recommend", body).json
    assert (row["state"], row["percent"], row["by"], row["person"], row["reason"]) == (
        "partial", 20, "user", "wangdi", "the model is slow",
    )  # fmt: skip
    assert abs(row["until"] - until) < 1 and abs(row["since"] - time.time()) < 60
    assert send(platform, "PUT", f"/{psm}/ads", {"off": True, "reason": "x"}).json["state"] == "off"
    now = send(platform, "PUT", f"/{psm}/recommend", {"off": False, "reason": "fast again"}).json
    assert (now["state"], now["reason"], now["version"]) == ("on", "", 3)
    assert rows(platform, psm)["ads"]["state"] == "off"
    event = {"ts": time.time(), "psm": psm, "instance": "i1", "version": 3}
    platform.accepted("in_force", [event | {"key": f"rule/server/degrade@{psm}"}])
    assert rows(platform, psm)["ads"]["at_version"] == 1


def test_what_makes_no_sense_is_refused(platform, psm):
    def refused(body, name="ads"):
        reply = send(platform, "PUT", f"/{psm}/{name}", body)
        return reply.status, reply.json["error"]["message"]

    good = {"off": True, "reason": "x"}
    assert refused(good | {"reason": " "})[1].startswith("reason: say why")
    assert "is past" in refused(good | {"until": 1.0})[1]
    assert "percent" in refused(good | {"percent": 101})[1]
    assert "'late' is not one of" in refused(good | {"on": ["late"]})[1]
    status, message = refused(good, "recomend")
    assert status == 404 and "it has ads, recommend" in message
    reply = send(platform, "PUT", f"/{psm}/recomend", good | {"force": True})
    assert (reply.status, reply.json["known"]) == (200, False)


def test_a_group_is_flipped_together_and_tells_what_failed(platform, psm):
    group = f"evening{next(_NUMBERS)}"
    names = [{"psm": psm, "name": "ads"}, {"psm": psm, "name": "gone"}]
    page = send(platform, "PUT", f"/groups/{group}", {"switches": names, "description": "peak"})
    mine = next(each for each in page.json["groups"] if each["name"] == group)
    assert (mine["off"], mine["author"], len(mine["switches"])) == (0, "wangdi", 2)
    done = send(platform, "POST", f"/groups/{group}/flip", {"off": True, "reason": "peak"}).json
    assert [bool(each["error"]) for each in done["switches"]] == [False, True]
    assert "has no switch gone" in done["switches"][1]["error"]
    assert rows(platform, psm)["ads"]["state"] == "off"
    assert send(platform, "DELETE", f"/groups/{group}").status == 200
    missing = send(platform, "POST", f"/groups/{group}/flip", {"off": True, "reason": "peak"})
    assert missing.status == 404
    wrong = {"switches": [{"psm": "nothing", "name": "x"}]}
    assert send(platform, "PUT", f"/groups/{group}", wrong).status == 400


def test_rules_of_some_calls_alone_stay_beside_the_switch():
    store = MemoryStore()
    rules, now = RuleBook(store), [1_000_000.0]
    narrow = WrittenRule({"caller": "a.b.c"}, {"switch": "ads"})
    rules.publish(key_of("zoo.a.b"), [narrow], seen=0, by="ann", comment="")
    book = SwitchBook(store, lambda: now[0])
    book.flip("zoo.a.b", "ads", FlipPut(True, "why", until=now[0] + 60), "ben")
    book.flip("zoo.a.b", "ads", FlipPut(True, "again", until=now[0] + 90), "ben")
    document = rules.get(key_of("zoo.a.b"))
    assert [each.scope for each in document.rules] == [{"caller": "a.b.c"}, {}]
    assert (document.version, document.comment) == (3, "ads off: again")
    event = json.loads(store.range("/pie/events/").entries[-1].value)
    assert (event["kind"], event["subject"], event["person"]) == ("switch", "switch/ads", "ben")
    assert not book.end("zoo.a.b")
    now[0] += 91
    assert is_over(document.rules[1], now[0])
    assert book.end("zoo.a.b") and book.indexed() == ["zoo.a.b"]
    ended = rules.get(key_of("zoo.a.b"))
    assert (ended.rules, ended.author) == ((narrow,), "pie")
    store.close()


def test_two_who_flip_different_switches_at_once_both_do():
    store = MemoryStore()
    first, second = SwitchBook(store), SwitchBook(store)
    get, fresh = second._rules.get, [True]

    def stale(key):
        """The second reads, then the first publishes."""
        found = get(key)
        if fresh.pop() if fresh else False:
            first.flip("zoo.a.b", "ads", FlipPut(True, "one"), "ann")
        return found

    second._rules.get = stale
    second.flip("zoo.a.b", "recommend", FlipPut(True, "two"), "ben")
    document = RuleBook(store).get(key_of("zoo.a.b"))
    assert [each.body["switch"] for each in document.rules] == ["ads", "recommend"]
    store.close()
