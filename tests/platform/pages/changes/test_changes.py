"""The stream of changes, over the API of a real platform."""

import csv
import io
import json
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.platform.pages.changes.diff import diff_of, summary_of
from pie.platform.pages.changes.releases import RELEASES, ReleaseBook, SeenVersions
from pie.state import Instance, MemoryStore, ServiceMeta, instance_key
from pie.state.events import PREFIX as EVENTS
from pie.state.events import read_event
from pie.state.registry.instances import encode

JSON = {"Content-Type": "application/json"}


def declare(platform, name, owners, reason="", user="wangdi"):
    found = platform.ask("GET", f"/api/psm/{name}")
    version = found.json["version"] if found.status == 200 else 0
    empty = {"description": "", "docs": "", "repository": "", "on_call": "", "tier": None}
    body = {"version": version, "owners": owners, "reason": reason, **empty}
    headers = JSON | {"X-Pie-User": quote(user)}
    reply = platform.ask("PUT", f"/api/psm/{name}", json.dumps(body).encode(), headers=headers)
    assert reply.status == 200, reply.body


def changes(platform, headers=None, **params):
    role = None if headers else "admin"
    path = f"/api/changes?{urlencode(params, doseq=True)}"
    reply = platform.ask("GET", path, role=role, headers=headers)
    assert reply.status == 200, reply.body
    return reply.json


def wait(platform, number, **params):
    """The list once it has so many changes, which come from the state store."""
    give_up = time.monotonic() + 20
    while len((found := changes(platform, **params))["changes"]) < number:
        assert time.monotonic() < give_up, found
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def stream(platform):
    """Three changes of two services by two people."""
    declare(platform, "diary.a.b", ["wangdi"], "first")
    declare(platform, "diary.a.b", ["wangdi", "李华"], "=cmd|' /C calc'!A0")
    declare(platform, "diary.c", ["李华"], "团队", user="李华")
    wait(platform, 3, psm="diary")
    return platform


def test_the_newest_change_comes_first_with_who_why_and_what(stream):
    last, second, first = wait(stream, 3, psm="diary")["changes"]
    assert (last["kind"], last["psm"], last["person"], last["reason"]) == (
        "owner",
        "diary.c",
        "李华",
        "团队",
    )
    assert second["summary"] == "owners: wangdi → wangdi, 李华"
    assert (first["version"], first["summary"]) == (1, "owners: wangdi")
    assert first["at"] <= second["at"] <= last["at"] <= time.time()


def test_filters_by_kind_person_service_text_and_time(stream):
    def psms(**params):
        return [each["psm"] for each in changes(stream, **{"psm": "diary", **params})["changes"]]

    assert psms(person="李华") == ["diary.c"]
    assert psms(psm="diary.a") == ["diary.a.b", "diary.a.b"]
    assert psms(psm="diary.a.b", q="FIRST") == ["diary.a.b"]
    assert psms(kind=["people", "rule"]) == []
    assert psms(until=time.time() - 3600) == []
    assert psms(psm="diary.a.bc") == []
    found = changes(stream, psm="diary", kind="owner", person="wangdi")
    assert found["kinds"] == [{"name": "owner", "count": 2}]
    assert {each["name"]: each["count"] for each in found["people"]} == {"wangdi": 2, "李华": 1}


def test_older_changes_come_in_parts(stream):
    first = changes(stream, psm="diary", limit=2)
    rest = changes(stream, psm="diary", limit=2, before=first["next"])
    ids = [each["id"] for each in first["changes"] + rest["changes"]]
    assert (len(ids), len(set(ids)), rest["next"]) == (3, 3, "")


def test_the_diff_of_a_change(stream):
    second = changes(stream, psm="diary.a.b")["changes"][0]
    detail = stream.ask("GET", f"/api/changes/{second['id']}").json
    signs = {line["sign"]: line["text"] for line in detail["diff"] if line["sign"] in "+-"}
    assert "李华" in signs["+"]
    assert json.loads(detail["before"])["owners"] == ["wangdi"]
    missing = stream.ask("GET", "/api/changes/none")
    assert (missing.status, "kept for two years" in str(missing.json)) == (404, True)


def test_a_spreadsheet_takes_nothing_for_a_formula(stream):
    reply = stream.ask("GET", "/api/changes/export?psm=diary")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert "changes.csv" in reply.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(reply.body.decode())))
    assert [row["reason"] for row in rows] == ["团队", "'=cmd|' /C calc'!A0", "first"]
    assert rows[2]["time"].endswith("+00:00")


@pytest.mark.parametrize(
    "query", ["since=2&until=1", "limit=0", "since=x", "kind=" + "k" * 50, "psm=" + "p" * 201]
)
def test_what_makes_no_sense_is_refused(platform, query):
    reply = platform.ask("GET", f"/api/changes?{query}")
    assert (reply.status, reply.json["error"]["kind"]) == (400, "invalid")


def test_strangers_and_services_read_no_changes(platform):
    for path in ("", "/export", "/some-id"):
        assert platform.ask("GET", f"/api/changes{path}", role="service").status == 403
        assert platform.ask("GET", f"/api/changes{path}", role=None).status == 401


def test_changes_of_tokens_are_shown_to_their_person_and_admins(platform):
    def post(path, body):
        return platform.ask("POST", f"/api/people{path}", json.dumps(body).encode(), headers=JSON)

    tokens = {}
    for name in ("diary.one", "diary.two"):
        assert post("", {"name": name}).status == 200
        tokens[name] = post(f"/{name}/tokens", {"note": f"of {name}"}).json["text"]
    wait(platform, 4, kind="people", q="diary.")
    assert all(
        not each["hidden"] for each in changes(platform, kind="people", q="diary.")["changes"]
    )
    headers = {"Authorization": f"Bearer {tokens['diary.one']}"}
    seen = changes(platform, headers, kind="people", q="diary.")["changes"]
    hidden = {each["subject"]: each["hidden"] for each in seen}
    assert hidden == {"person/diary.one": False, "person/diary.two": True}
    for each in seen:
        reply = platform.ask("GET", f"/api/changes/{each['id']}", role=None, headers=headers)
        assert ("of diary.two" in str(reply.json)) is False
        assert (reply.json["diff"] == []) is each["hidden"]


def test_a_version_that_never_ran_is_a_release_once(platform, register):
    def instance(version, number):
        return Instance(
            psm="diary.r.s", id=f"i{number}", host="10.0.0.9", port=7000 + number,
            protocol="thrift", version=version,
        )  # fmt: skip

    register(ServiceMeta(psm="diary.r.s"), instance("1.0", 1), instance("1.0", 2))
    (first,) = wait(platform, 1, kind="release", psm="diary.r.s")["changes"]
    assert (first["subject"], first["person"]) == ("release/1.0", "pie")
    register(instance("1.1", 1), instance("1.0", 3), instance("", 4))
    second, again = wait(platform, 2, kind="release", psm="diary.r.s")["changes"]
    assert (second["subject"], again["id"]) == ("release/1.1", first["id"])
    assert "version: 1.0 → 1.1" in second["summary"]


# -- without a platform -------------------------------------------------------------------------


def released(version, psm="a.b.c"):
    return Instance(psm=psm, id="i", host="h", port=1, protocol="http", version=version)


def events_of(store):
    return [read_event(entry.value) for entry in store.range(EVENTS).entries]


def test_two_platforms_note_a_release_once():
    class Raced(MemoryStore):
        """Another platform is faster by a moment."""

        def commit(self, writes, **options):
            if not events_of(self):
                MemoryStore.commit(self, writes, **options)
            return super().commit(writes, **options)

    store = Raced()
    ReleaseBook(store).note(released("1"))
    ReleaseBook(store).note(released("1"))
    assert [each.subject for each in events_of(store)] == ["release/1"]


def test_a_fleet_that_ran_before_the_platform_is_no_thousand_releases():
    store = MemoryStore()
    old = released("7")
    store.put(instance_key(old), encode(old))
    book = ReleaseBook(store)
    book.begin()
    book.note(old)
    assert events_of(store) == []
    ReleaseBook(store).begin()  # The next start notes nothing as known by itself.
    book.note(released("8"))
    assert [each.subject for each in events_of(store)] == ["release/8"]
    store.put(f"{RELEASES}a.b.c", "broken")
    book.note(released("9"))
    assert len(events_of(store)) == 2


def test_each_version_is_looked_up_once():
    seen = SeenVersions()
    seen._see("/pie/services/a.b.c/instances/i", encode(released("1")))
    seen._see("/pie/services/a.b.c/instances/j", encode(released("1")))
    seen._see("/pie/services/a.b.c/instances/j", encode(released("")))
    seen._see("/pie/services/a.b.c/runtime/j", "{}")
    assert [each.version for each in seen.take()] == ["1"]
    assert seen.take() == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('{"a": 1, "b": "x"}', '{"a": 2, "b": "x"}', "a: 1 → 2"),
        ('{"a": 1}', '{"a": 1}', ""),
        ("", '{"admin": false, "to": [], "of": ["x"]}', "admin: false, of: x"),
        ('{"t": [{}, {}]}', '{"t": [{}]}', "t: 2 → 1"),
        ('{"t": [{"a": 1}]}', '{"t": [{"a": 2}]}', "t"),
        ("[1, 2]", "[1]", "2 → 1"),
        ("[1]", "[2]", ""),
        ("", '"on"', "on"),
        ('"on"', '"off"', "on → off"),
        ("no json", "other", "no json → other"),
        ('{"a":1,"b":1,"c":1,"d":1}', "{}", "a: 1 → –, b: 1 → –, c: 1 → – +1"),
    ],
)
def test_summaries(before, after, said):
    assert summary_of(before, after) == said


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
).map(json.dumps) | st.text(max_size=20)


@settings(max_examples=60, deadline=None)
@given(json_texts, json_texts)
def test_any_two_texts_can_be_compared(before, after):
    lines = diff_of(before, after)
    assert "\n" not in summary_of(before, after)
    if before == after:
        assert lines == []
    assert all("\n" not in line.text for line in lines)


def test_what_is_too_large_is_not_compared():
    many = json.dumps(list(range(5_000)))
    assert diff_of(many, many[:-1] + ", 1]") is None
    gone = diff_of(json.dumps(list(range(50))), json.dumps([*range(25), *range(26, 50)]))
    assert [line.sign for line in gone] == ["…", " ", " ", " ", "-", " ", " ", " ", "…"]
