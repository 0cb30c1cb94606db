"""PSM management: who owns what, over the API of a real platform."""

import json
import os
import signal
import threading
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.model import Failure
from pie.platform.pages.psm import store as psm_store
from pie.platform.pages.psm.store import Declarations
from pie.platform.pages.psm.typos import KnownNames, is_one_edit
from pie.platform.pages.psm.views import Declaration
from pie.state import Instance, MemoryStore, ServiceMeta, instance_key, meta_key
from pie.state.events import PREFIX as EVENTS
from pie.state.events import read_event
from pie.state.registry.instances import encode

EMPTY = {
    "version": 0,
    "owners": [],
    "description": "",
    "docs": "",
    "repository": "",
    "on_call": "",
    "tier": None,
}


def send(platform, method, path, body=None, user="wangdi"):
    headers = {"X-Pie-User": quote(user), "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    return platform.ask(method, f"/api/psm{path}", content, headers=headers)


def put(platform, name, user="wangdi", **fields):
    return send(platform, "PUT", f"/{name}", EMPTY | fields, user)


def get(platform, name, user="wangdi"):
    reply = send(platform, "GET", f"/{name}", user=user)
    assert reply.status == 200, reply.body
    return reply.json


def error(reply):
    return reply.status, reply.json["error"]["message"]


def edge(psm, callee="", caller="", side="server", count=5):
    return {
        "ts": int(time.time()) // 10 * 10,
        "side": side,
        "protocol": "thrift",
        "psm": psm,
        "host": "10.0.0.7",
        "caller": caller,
        "callee": callee,
        "method": "Get",
        "count": count,
        "duration_us": 100,
        "histogram": {"90": count},
    }


def register(platform, psm, owners=(), instances=1):
    values = {meta_key(psm): ServiceMeta(psm=psm, owners=tuple(owners), framework="Flask")}
    for number in range(instances):
        instance = Instance(
            psm=psm, id=f"i{number}", host="10.0.0.7", port=7000 + number, protocol="thrift"
        )
        values[instance_key(instance)] = instance
    for key, value in values.items():
        body = json.dumps({"key": key, "value": encode(value)}).encode()
        assert platform.ask("POST", "/api/state/put", body, role="admin").status == 200


@pytest.fixture(scope="module")
def fleet(platform):
    register(platform, "zoo.cages.keeper", owners=["panda"])
    register(platform, "zoo.cages.feeder", instances=0)
    platform.accepted(
        "edge_10s",
        [
            edge("zoo.cages.keeper", caller="zoo.gate.web"),
            edge("zoo.gate.web", callee="zoo.cages.keeper", side="client"),
            edge("zoo.gate.web", callee="zoo.cages.keepr", side="client", count=2),
            edge("zoo.gate.web", callee="redis:6379", side="client", count=9),
        ],
    )
    return platform


def rows(platform, query="", user="wangdi"):
    reply = send(platform, "GET", f"?q=zoo.&{query}", user=user)
    assert reply.status == 200, reply.body
    return {
        row["psm"]: row
        for product in reply.json["products"]
        for subsystem in product["subsystems"]
        for row in subsystem["psms"]
    }


def test_the_tree_joins_registered_seen_and_declared_names(fleet):
    assert put(fleet, "zoo.later.planned", owners=["wangdi"]).status == 200
    found = rows(fleet)
    assert {
        psm: (row["state"], row["owners"], row["owners_from"]) for psm, row in found.items()
    } == {
        "zoo.cages.feeder": ("stopped", [], "none"),
        "zoo.cages.keeper": ("running", ["panda"], "registered"),
        "zoo.cages.keepr": ("never", [], "none"),
        "zoo.gate.web": ("never", [], "none"),
        "zoo.later.planned": ("never", ["wangdi"], "declared"),
    }
    assert found["zoo.cages.keeper"]["calls"] == 5
    assert found["zoo.gate.web"]["calls"] == 16
    assert found["zoo.gate.web"]["last_seen"] > time.time() - 60
    assert found["zoo.later.planned"]["last_seen"] == 0


def test_filters_narrow_the_tree(fleet):
    put(fleet, "zoo.later.planned", owners=["wangdi"])
    assert set(rows(fleet, "filter=mine")) == {"zoo.later.planned"}
    assert set(rows(fleet, "filter=mine", user="panda")) == {"zoo.cages.keeper"}
    unowned = {"zoo.cages.feeder", "zoo.cages.keepr", "zoo.gate.web"}
    assert set(rows(fleet, "filter=unowned")) == unowned
    typos = rows(fleet, "filter=typo")
    assert {psm: row["like"] for psm, row in typos.items()} == {
        "zoo.cages.keepr": ["zoo.cages.keeper"]
    }
    assert set(rows(fleet, "product=zoo&limit=2")) == {"zoo.cages.feeder", "zoo.cages.keeper"}
    assert send(fleet, "GET", "?q=panda").json["shown"] == 1
    assert send(fleet, "GET", "?filter=all").status == 400


def test_counts_and_other_names(fleet):
    tree = send(fleet, "GET", "?limit=1").json
    assert tree["more"] is True
    assert tree["shown"] == 1
    zoo = next(each for each in tree["products"] if each["name"] == "zoo")
    assert zoo["counts"]["psms"] == sum(each["counts"]["psms"] for each in zoo["subsystems"])
    assert zoo["counts"]["typo"] == 1
    assert "redis:6379" in {each["name"] for each in tree["others"]}
    assert tree["seen_known"] is True


def test_owners_are_inherited_until_somebody_is_named(fleet):
    assert put(fleet, "ark", owners=["noah"], description="A ship").status == 200
    fleet.accepted("edge_10s", [edge("ark.deck.upper")])
    assert (get(fleet, "ark.deck.upper")["owners_from"]) == "product"
    put(fleet, "ark.deck", owners=["shem"])
    found = get(fleet, "ark.deck.upper")
    assert (found["owners"], found["owners_from"]) == (["shem"], "subsystem")
    assert found["claimable"] is True
    register(fleet, "ark.deck.upper", owners=["ham"])
    assert get(fleet, "ark.deck.upper")["owners"] == ["ham"]
    put(fleet, "ark.deck.upper", owners=["japheth"])
    found = get(fleet, "ark.deck.upper")
    assert (found["owners"], found["registered"]["owners"]) == (["japheth"], ["ham"])


def test_one_psm_with_what_calls_show(fleet):
    found = get(fleet, "zoo.cages.keepr")
    assert found["seen"] == {
        "last_seen": found["seen"]["last_seen"],
        "received": 2,
        "made": 0,
        "callers": ["zoo.gate.web"],
        "callees": [],
        "hosts": [],
    }
    web = get(fleet, "zoo.gate.web")["seen"]
    assert (web["made"], web["hosts"]) == (16, ["10.0.0.7"])
    assert set(web["callees"]) == {"redis:6379", "zoo.cages.keeper", "zoo.cages.keepr"}
    assert found["registered"]["state"] == "never"
    registered = get(fleet, "zoo.cages.keeper")["registered"]
    assert (registered["instances"], registered["clusters"]) == (1, ["default"])


def test_unknown_and_malformed_names(fleet):
    status, message = error(send(fleet, "GET", "/no.such.name"))
    assert status == 404
    assert "declare it with version 0" in message
    assert get(fleet, "zoo")["kind"] == "product"
    for name in ("Zoo.a.b", "a.b.c.d", "a..b", "a%2Fb", "x" * 201, "%E5%8A%A8"):
        assert send(fleet, "GET", f"/{name}").status in (400, 404)
        assert put(fleet, name).status in (400, 404, 405)


def test_a_name_is_checked_for_typing_errors_before_it_is_declared(fleet):
    assert send(fleet, "GET", "/zoo.cagse.keeper").status == 404
    assert get(fleet, "zoo.cagse.keeper/like")["like"] == ["zoo.cages.keeper"]
    for name in ("zoo.cages.keeper", "zoo.cages", "quite.other.name"):
        assert get(fleet, f"{name}/like") == {"name": name, "like": []}
    assert send(fleet, "GET", "/Foo%20Bar/like").status == 400


def test_a_change_is_kept_with_who_when_and_what(fleet):
    began = time.time()
    first = put(fleet, "kept.a.b", owners=["wangdi"], tier=1).json
    assert (first["version"], first["declared"]["tier"]) == (1, 1)
    second = put(fleet, "kept.a.b", user="王", version=1, owners=["wangdi", "王"], tier=0).json
    assert second["version"] == 2
    newest, oldest = second["history"]
    assert (newest["by"], newest["action"], newest["version"]) == ("王", "set", 2)
    assert newest["changes"] == [
        {"field": "owners", "old": "wangdi", "new": "wangdi, 王"},
        {"field": "tier", "old": "1", "new": "0"},
    ]
    assert began <= oldest["at"] <= newest["at"] <= time.time()
    same = put(fleet, "kept.a.b", version=2, owners=["wangdi", "王"], tier=0).json
    assert same["version"] == 2, "what changes nothing makes no version"


def test_a_change_to_an_old_version_is_refused_with_who_and_when(fleet):
    put(fleet, "race.a.b", owners=["wangdi"])
    put(fleet, "race.a.b", user="panda", version=1, description="bears")
    status, message = error(put(fleet, "race.a.b", version=1, description="mine"))
    assert status == 409
    assert "panda changed owners, description of race.a.b at 20" in message
    assert "version 2" in message
    status, message = error(put(fleet, "race.new.b", version=3))
    assert (status, "send version 0" in message) == (409, True)
    assert get(fleet, "race.a.b")["declared"]["description"] == "bears"


def test_of_two_writers_at_once_one_gets_a_conflict(fleet):
    for turn in range(5):
        name = f"twice.at.once{turn}"
        replies = []
        together = threading.Barrier(4)

        def write(user, name=name, replies=replies, together=together):
            together.wait()
            replies.append(put(fleet, name, user=user, owners=[user]))

        threads = [threading.Thread(target=write, args=(f"u{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status for reply in replies) == [200, 409, 409, 409]
        found = get(fleet, name)
        assert len(found["history"]) == found["version"] == 1
        assert found["declared"]["owners"] == [found["history"][0]["by"]]


def test_claiming(fleet):
    fleet.accepted("edge_10s", [edge("claim.a.b")])
    claimed = send(fleet, "POST", "/claim.a.b/claim", user="panda")
    assert claimed.status == 200
    assert claimed.json["owners"] == ["panda"]
    assert claimed.json["mine"] is True
    assert claimed.json["history"][0]["action"] == "claim"
    status, message = error(send(fleet, "POST", "/claim.a.b/claim"))
    assert (status, "owned by panda" in message) == (409, True)
    status, message = error(send(fleet, "POST", "/zoo.cages.keeper/claim"))
    assert (status, "registered itself" in message) == (409, True)
    assert send(fleet, "POST", "/never.seen.it/claim").status == 404
    assert error(send(fleet, "POST", "/claim/claim"))[0] == 400


def test_the_reason_of_a_claim_is_in_the_history(fleet):
    fleet.accepted("edge_10s", [edge("claim.why.b"), edge("claim.why.c")])
    for reason in ("x" * 501, "a\x07", 7, None):
        status, message = error(send(fleet, "POST", "/claim.why.b/claim", {"reason": reason}))
        assert (status, "reason" in message) == (400, True)
    assert send(fleet, "POST", "/claim.why.b/claim", {"because": "x"}).status == 400
    assert get(fleet, "claim.why.b")["owners"] == []
    claimed = send(fleet, "POST", "/claim.why.b/claim", {"reason": " I wrote it. "}).json
    assert claimed["history"][0]["reason"] == "I wrote it."
    put(fleet, "claim.why.b", version=1, owners=["panda"])
    assert [each["reason"] for each in get(fleet, "claim.why.b")["history"]] == ["", "I wrote it."]
    assert send(fleet, "POST", "/claim.why.c/claim", {}).json["history"][0]["reason"] == ""


def test_a_history_without_reasons_is_read():
    store = MemoryStore()
    declarations = Declarations(store)
    declarations.set("a.b.c", 0, fields(owners=["x"]), "wangdi")
    value = json.loads(store.get("/pie/psm/a.b.c").value)
    del value["last"]["reason"]
    store.put("/pie/psm/a.b.c", json.dumps(value))
    assert [each.reason for each in declarations.history("a.b.c").changes] == [""]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("owners", ["x"] * 2, "owners[1]"),
        ("owners", [f"o{n}" for n in range(21)], "owners"),
        ("owners", ["x" * 65], "owners[0]"),
        ("owners", [" "], "owners[0]"),
        ("owners", ["a\nb"], "owners[0]"),
        ("owners", "x", "owners"),
        ("description", "x" * 1001, "description"),
        ("description", "a\x07", "description"),
        ("description", "\ud800", "description"),
        ("docs", "javascript:alert(1)", "docs"),
        ("docs", "http://" + "x" * 500, "docs"),
        ("repository", "https://a b", "repository"),
        ("on_call", "x" * 201, "on_call"),
        ("tier", 4, "tier"),
        ("tier", "high", "tier"),
        ("version", -1, "version"),
        ("owner", ["x"], "owner"),
    ],
)
def test_a_field_out_of_bounds_is_named(fleet, field, value, named):
    status, message = error(put(fleet, "bounds.a.b", **{field: value}))
    assert status == (409 if field == "version" else 400)
    assert named in message
    assert send(fleet, "GET", "/bounds.a.b").status == 404


def test_a_product_has_owners_and_a_description_only(fleet):
    status, message = error(put(fleet, "bounds", docs="https://docs.example"))
    assert (status, message.startswith("docs: a product has only")) == (400, True)


def test_a_body_that_lacks_a_field_or_is_too_long_is_refused(fleet):
    status, message = error(send(fleet, "PUT", "/bounds.a.b", {"version": 0, "owners": []}))
    assert status == 400
    assert "tier" in message
    assert put(fleet, "bounds.a.b", description="x" * (70 << 10)).status == 413


def test_only_people_may_look_and_change(fleet):
    for method, path in (
        ("GET", ""),
        ("GET", "/zoo"),
        ("GET", "/a.b.c/like"),
        ("PUT", "/zoo"),
        ("POST", "/a.b.c/claim"),
    ):
        body = json.dumps(EMPTY).encode() if method == "PUT" else None
        for role, status in (("service", 403), (None, 401)):
            reply = fleet.ask(
                method,
                f"/api/psm{path}",
                body,
                role=role,
                headers={"Content-Type": "application/json"},
            )
            assert reply.status == status


def test_declarations_outlive_the_platform(own_platform):
    put(own_platform, "kept.a.b", owners=["wangdi"], docs="https://docs.example/b")
    put(own_platform, "kept.a.b", version=1, owners=["panda"])
    before = get(own_platform, "kept.a.b")
    own_platform.stop()
    own_platform.start()
    assert get(own_platform, "kept.a.b") == before
    assert len(before["history"]) == 2


@pytest.mark.slow
def test_without_the_store_of_calls_declarations_are_there(own_platform):
    put(own_platform, "kept.a.b", owners=["wangdi"])
    os.kill(own_platform.child, signal.SIGSTOP)
    try:
        tree = send(own_platform, "GET", "").json
        assert (tree["seen_known"], tree["counts"]["psms"]) == (False, 1)
        found = get(own_platform, "kept.a.b")
        assert (found["seen_known"], found["seen"], found["owners"]) == (False, None, ["wangdi"])
        status, message = error(send(own_platform, "GET", "/kept.a.c"))
        assert (status, "does not answer" in message) == (503, True)
    finally:
        os.kill(own_platform.child, signal.SIGCONT)


def fields(**given):
    values = {"owners": [], "description": "", "docs": "", "repository": "", "on_call": ""}
    return Declaration(**(values | {"tier": None} | given))


def test_history_is_bounded_and_counts_what_it_drops(monkeypatch):
    monkeypatch.setattr(psm_store, "MAX_CHANGES", 3)
    declarations = Declarations(MemoryStore())
    for version in range(6):
        declarations.set("a.b.c", version, fields(owners=[f"o{version}"]), "wangdi")
    history = declarations.history("a.b.c")
    assert [change.version for change in history.changes] == [3, 4, 5, 6]
    assert history.dropped == 2
    monkeypatch.setattr(psm_store, "MAX_HISTORY", 3000)
    for version in range(6, 9):
        text = f"{version}" * 1000
        declarations.set("a.b.c", version, fields(description=text), "wangdi")
    assert declarations.history("a.b.c").dropped > 2


def test_a_change_its_history_and_its_event_are_one_commit():
    class Dying(MemoryStore):
        dies = False

        def commit(self, writes, **options):
            if self.dies:
                raise KeyboardInterrupt
            return super().commit(writes, **options)

    store = Dying()
    declarations = Declarations(store)
    declarations.set("a.b.c", 0, fields(owners=["one"]), "wangdi", "first")
    before = store.range("/")
    store.dies = True
    with pytest.raises(KeyboardInterrupt):
        declarations.set("a.b.c", 1, fields(owners=["two"]), "wangdi")
    assert store.range("/") == before
    store.dies = False
    declarations.set("a.b.c", 1, fields(owners=["three"]), "lihua", "takes over")
    changes = declarations.history("a.b.c").changes
    assert [(change.version, change.changes[0].new, change.reason) for change in changes] == [
        (1, "one", "first"),
        (2, "three", "takes over"),
    ]
    events = [read_event(entry.value) for entry in store.range(EVENTS).entries]
    assert sorted((each.version, each.person, each.reason, each.psm) for each in events) == [
        (1, "wangdi", "first", "a.b.c"),
        (2, "lihua", "takes over", "a.b.c"),
    ]
    last = max(events, key=lambda each: each.version)
    assert json.loads(last.before)["owners"] == ["one"]
    assert json.loads(last.after)["owners"] == ["three"]


def test_more_declarations_than_one_answer_holds_are_all_read(monkeypatch):
    from pie.state.store import served

    declarations = Declarations(MemoryStore())
    names = {f"p{n % 7}.s.m{n}" for n in range(200)} | {"p1", "p1.s"}
    for name in names:
        declarations.set(name, 0, fields(description="x" * 100), "wangdi")
    monkeypatch.setattr(served, "MAX_RANGE", 5_000)
    assert set(declarations.all()) == names


def test_the_number_of_declarations_is_bounded(monkeypatch):
    monkeypatch.setattr(psm_store, "MAX_DECLARED", 2)
    declarations = Declarations(MemoryStore())
    declarations.set("a", 0, fields(owners=["x"]), "wangdi")
    declarations.set("b", 0, fields(owners=["x"]), "wangdi")
    with pytest.raises(Failure, match="2 names are declared"):
        declarations.set("c", 0, fields(owners=["x"]), "wangdi")
    declarations.set("a", 1, fields(owners=["y"]), "wangdi")


def test_what_others_wrote_there_does_no_harm():
    store = MemoryStore()
    store.put("/pie/psm/a.b.c", "no json")
    store.put("/pie/psm-history/a.b.c", "[]")
    declarations = Declarations(store)
    assert declarations.all() == {}
    declarations.set("a.b.c", 0, fields(owners=["x"]), "wangdi")
    declarations.set("a.b.c", 1, fields(owners=["y"]), "wangdi")
    assert [change.version for change in declarations.history("a.b.c").changes] == [1, 2]


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("app.user.profle", ["app.user.profile"]),
        ("app.user.porfile", ["app.user.profile"]),
        ("app.usre.profile", ["app.user.profile"]),
        ("ap.user.profile", []),  # too short to be sure
        ("application.user.profile", []),
        ("app.user.profile2", []),
        ("app.user.feed", []),
        ("app.user.proxies", []),
    ],
)
def test_names_that_may_be_typing_errors(name, like):
    assert KnownNames(["app.user.profile", "app.user.list"]).like(name) == like


@settings(deadline=None)
@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_one_edit_is_what_the_definition_says(one, other):
    swaps = {one[:i] + one[i + 1] + one[i] + one[i + 2 :] for i in range(len(one) - 1)}
    shorter = {one[:i] + one[i + 1 :] for i in range(len(one))}
    longer = {one[:i] + letter + one[i:] for i in range(len(one) + 1) for letter in "ab"}
    replaced = {one[:i] + letter + one[i + 1 :] for i in range(len(one)) for letter in "ab"}
    assert is_one_edit(one, other) == (other in (swaps | shorter | longer | replaced) - {one})


def test_thousands_of_names_that_are_nearly_alike_are_compared_in_linear_time():
    """As a stranger could send them: each with each would be 25 million comparisons."""
    numbers = range(5_000)
    words = ["".join(chr(97 + n // 26**place % 26) for place in range(3)) for n in numbers]
    known = KnownNames(f"app.user.{word}profile" for word in words)
    assert sum(bool(known.like(f"app.user.{word}profil")) for word in words) == 5_000
