"""People and their tokens, over the API of a real platform."""

import json
import time
from urllib.parse import quote

import pytest

from pie.platform.server.identity.book import PeopleBook
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.uses import USES_PREFIX, TokenUses
from pie.state import MemoryStore
from pie.state.events import PREFIX as EVENTS
from pie.testing import FakeClock


def send(platform, method, path, body=None, token=None):
    """One request as the bearer of a personal token, or of the admin token as wangdi."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    else:
        headers["X-Pie-User"] = "wangdi"
    content = None if body is None else json.dumps(body).encode()
    role = None if token else "admin"
    return platform.ask(method, f"/api/people{path}", content, role=role, headers=headers)


def message(reply):
    return reply.status, reply.json["error"]["message"]


@pytest.fixture
def person(platform):
    """Makes a person with a token; gives its text."""
    count = iter(range(100))

    def make(name, *, admin=False):
        made = send(platform, "POST", "", {"name": name, "admin": admin})
        assert made.status in (200, 409), made.body
        note = f"test {next(count)}"
        return send(platform, "POST", f"/{quote(name)}/tokens", {"note": note}).json["text"]

    return make


def test_an_admin_adds_a_person_and_hands_out_a_token_once(platform):
    added = send(platform, "POST", "", {"name": "admin.mei", "reason": "joins search"})
    assert (added.status, added.json["tokens"], added.json["created_by"]) == (200, [], "wangdi")
    given = send(platform, "POST", "/admin.mei/tokens", {"days": 30, "note": "laptop"}).json
    session = platform.ask(
        "GET", "/api/session", role=None, headers={"Authorization": f"Bearer {given['text']}"}
    )
    assert session.json["user"] == "admin.mei"
    token = given["token"]
    assert (token["note"], token["expired"]) == ("laptop", False)
    assert abs(token["expires"] - time.time() - 30 * 86_400) < 60
    shown = send(platform, "GET", "/admin.mei")
    assert shown.json["tokens"] == [token]
    secret = given["text"].split("_", 2)[2]
    assert secret not in str(shown.body) + str(send(platform, "GET", "").body)
    assert message(send(platform, "POST", "", {"name": "admin.mei"})) == (
        409,
        "there is a person named admin.mei already",
    )


def test_who_is_no_admin_cares_for_their_own_tokens_alone(platform, person):
    token = person("admin.own")
    own = send(platform, "POST", "/admin.own/tokens", {"note": "phone"}, token).json
    assert {each["note"] for each in own["person"]["tokens"]} >= {"phone"}
    gone = send(platform, "DELETE", f"/admin.own/tokens/{own['token']['id']}", None, token)
    assert gone.status == 200
    person("admin.other")
    status, said = message(send(platform, "POST", "/admin.other/tokens", {}, token))
    assert (status, said) == (
        403,
        "admin.own may not change the tokens of admin.other: they or an admin may",
    )
    assert send(platform, "GET", "/admin.other", None, token).json["tokens"] is None
    listed = send(platform, "GET", "?q=admin.o", None, token).json
    assert {each["name"]: each["tokens"] is None for each in listed["people"]} == {
        "admin.own": False,
        "admin.other": True,
    }
    for method, path, body in (
        ("POST", "", {"name": "x"}),
        ("PUT", "/admin.own", {"admin": True}),
        ("PUT", "/admin.other", {"disabled": True}),
    ):
        status, said = message(send(platform, method, path, body, token))
        assert (status, "admin.own is no admin" in said) == (403, True)


def test_who_is_disabled_is_out_at_once(platform, person):
    token = person("admin.gone")
    assert send(platform, "GET", "", None, token).status == 200
    put = send(platform, "PUT", "/admin.gone", {"disabled": True, "reason": "left"})
    assert put.json["disabled"] > 0
    assert send(platform, "GET", "", None, token).status == 401
    assert message(send(platform, "POST", "/admin.gone/tokens", {}))[0] == 409
    assert send(platform, "PUT", "/admin.gone", {"disabled": False}).json["disabled"] == 0
    assert send(platform, "GET", "", None, token).status == 200


def test_an_admin_does_not_lock_themselves_out(platform, person):
    token = person("admin.boss", admin=True)
    assert send(platform, "PUT", "/admin.boss", {"admin": False}, token).status == 409
    assert send(platform, "PUT", "/admin.boss", {"disabled": True}, token).status == 409
    assert send(platform, "PUT", "/admin.boss", {"admin": False}).json["admin"] is False
    assert message(send(platform, "PUT", "/admin.boss", {"admin": True}, token))[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {"name": "a/b"}, 400),
        ("POST", "", {"name": "x", "reason": "r" * 2001}, 400),
        ("POST", "", {"nome": "x"}, 400),
        ("POST", "/admin.nobody/tokens", {}, 404),
        ("POST", "/admin.bad/tokens", {"days": -1}, 400),
        ("POST", "/admin.bad/tokens", {"days": 99_999}, 400),
        ("POST", "/admin.bad/tokens", {"note": "n" * 101}, 400),
        ("DELETE", "/admin.bad/tokens/none", None, 404),
        ("GET", "/admin.nobody", None, 404),
        ("GET", "/" + "x" * 200, None, 400),
    ],
)
def test_what_is_refused(platform, person, method, path, body, status):
    person("admin.bad")
    reply = send(platform, method, path, body)
    assert reply.status == status, reply.body
    assert reply.json["error"]["message"]


def test_strangers_and_services_change_nobody(platform, person):
    person("admin.safe")
    for role, status in (("service", 403), (None, 401)):
        for method, path in (("GET", ""), ("POST", ""), ("PUT", "/admin.safe")):
            reply = platform.ask(method, f"/api/people{path}", b"{}", role=role)
            assert reply.status == status


def test_last_uses_are_noted_by_one_write_an_hour():
    store, clock = MemoryStore(), FakeClock()
    mirror = PeopleMirror(store, clock)
    book, uses = PeopleBook(store, mirror, clock), TokenUses(store, mirror)
    book.add("王 a", admin=False, by="w", reason="")
    first, second = (
        book.add_token("王 a", days=9, note="", by="w", reason="")[1].id for _ in range(2)
    )

    def use(token_id):
        mirror.note_use("王 a", token_id)
        uses.flush()
        return store.range(USES_PREFIX).revision

    hour = clock.wall() // 3600 * 3600
    revision = use(first)
    clock.advance(hour + 3599 - clock.wall())
    assert use(first) == revision
    clock.advance(1)
    assert use(first) > revision
    use(second)
    ((_, used),) = uses.all().items()
    assert used == {first: hour + 3600, second: hour + 3600}
    book.revoke("王 a", first, by="w", reason="")
    clock.advance(3600)
    use(second)
    assert next(iter(uses.all().values())) == {second: hour + 7200}
    assert len(store.range(EVENTS).entries) == 4  # People, tokens; no event for a use.
