"""People: their tokens, who may log in with them, and who may change what."""

import json
import time

import pytest
from starlette.datastructures import Headers

from pie.model import Failure
from pie.platform.server.auth import Keys
from pie.platform.server.identity.book import MAX_TOKENS, PeopleBook
from pie.platform.server.identity.mirror import PeopleMirror
from pie.platform.server.identity.record import (
    PREFIX,
    PersonRecord,
    checked_name,
    encode,
    key_of,
    new_token,
)
from pie.platform.server.identity.who import Caller, TokensAndSessions
from pie.state import Follower, Forbidden, MemoryStore, RemoteStore, ServiceMeta, meta_key
from pie.state.events import PREFIX as EVENTS
from pie.state.events import read_event
from pie.state.store.wire import SharesRequest
from pie.testing import FakeClock

KEYS = Keys(admin="a" * 32, service="s" * 32, client="c" * 32)
DAY = 86_400
JSON = {"Content-Type": "application/json"}


class World:
    """People of a store in memory, under a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.mirror = PeopleMirror(self.store, self.clock)
        self.book = PeopleBook(self.store, self.mirror, self.clock)
        self.who = TokensAndSessions(KEYS, self.mirror, self.clock)

    def add(self, name: str = "lihua", *, admin: bool = False, days: int = 90) -> str:
        self.book.add(name, admin=admin, by="wangdi", reason="new here")
        return self.token(name, days)

    def token(self, name: str, days: int = 90) -> str:
        return self.book.add_token(name, days=days, note="laptop", by="wangdi", reason="")[0]

    def asks(self, token: str, address: str = "10.0.0.1") -> Caller | None:
        return self.who(Headers({"Authorization": f"Bearer {token}"}), address)

    def visits(self, cookie: str) -> Caller | None:
        return self.who(Headers({"Cookie": f"pie_session={cookie}"}), "10.0.0.1")

    def events(self):
        entries = sorted(self.store.range(EVENTS).entries, key=lambda each: each.mod_revision)
        return [read_event(each.value) for each in entries]


@pytest.fixture
def world():
    return World()


def test_a_personal_token_names_its_person(world):
    token = world.add("李华")
    caller = world.asks(token)
    assert (caller.role, caller.name, caller.ambient) == ("person", "李华", False)
    assert world.asks(world.add("boss", admin=True)).role == "admin"
    assert world.asks(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert world.asks(token[:14]) is None


def test_only_the_hash_of_a_token_is_kept(world):
    secret = world.add().split("_", 2)[2]
    everything = [entry.value for entry in world.store.range("/").entries]
    assert not any(secret in value for value in everything)
    assert "hash" not in "".join(each.before + each.after for each in world.events())


def test_a_person_has_several_tokens_and_each_ends_alone(world):
    first, second = world.add(), world.token("lihua", 7)
    world.book.revoke("lihua", first.split("_")[1], by="lihua", reason="lost")
    assert world.asks(first) is None
    assert world.asks(second) is not None
    world.clock.advance(7 * DAY)
    assert world.asks(second) is None
    assert world.asks(world.token("lihua", 0)) is not None


def test_a_session_ends_with_its_token_or_its_person(world):
    token = world.add(admin=True)
    cookie = world.who.new_session(world.asks(token))
    assert world.visits(cookie) == Caller("admin", "lihua", token.split("_")[1], ambient=True)
    world.book.set_admin("lihua", False, by="wangdi", reason="")
    assert world.visits(cookie).role == "person"
    world.book.set_disabled("lihua", True, by="wangdi", reason="left")
    assert (world.visits(cookie), world.asks(token)) == (None, None)
    world.book.set_disabled("lihua", False, by="wangdi", reason="back")
    assert world.visits(cookie) is not None
    world.book.revoke("lihua", token.split("_")[1], by="wangdi", reason="")
    assert world.visits(cookie) is None


def test_who_watches_is_welcome_only_as_long_as_the_token_is_good(world):
    token = world.add(admin=True)
    caller = world.asks(token)
    assert world.who.still(caller)
    assert world.who.still(world.asks(KEYS.admin))
    world.book.set_admin("lihua", False, by="wangdi", reason="")
    assert not world.who.still(caller)
    assert world.who.still(world.asks(token))
    world.book.set_disabled("lihua", True, by="wangdi", reason="")
    assert not world.who.still(Caller("person", "lihua", caller.token))


def test_wrong_tokens_are_limited_by_address(world):
    good, fresh = world.add(), world.token("lihua")
    assert world.asks(good) is not None
    for _ in range(20):
        assert world.asks("pie_wrong") is None
    for token in ("pie_wrong", fresh):
        with pytest.raises(Failure, match=r"too many wrong tokens came from 10\.0\.0\.1"):
            world.asks(token)
    # Who was good there before, the tokens in files, and other addresses are let in.
    assert world.asks(good) is not None
    assert world.asks(KEYS.admin).role == "admin"
    assert world.asks(KEYS.service).role == "service"
    assert world.asks(fresh, "10.0.0.2") is not None
    world.clock.advance(2)
    assert world.asks(fresh) is not None


def test_every_change_of_a_person_is_one_event_with_who_why_and_what(world):
    token = world.add()
    world.book.set_admin("lihua", True, by="wangdi", reason="is on call")
    world.book.set_admin("lihua", True, by="wangdi", reason="again")  # Changes nothing.
    world.book.revoke("lihua", token.split("_")[1], by="lihua", reason="lost laptop")
    events = world.events()
    assert [(each.kind, each.subject, each.person, each.reason) for each in events] == [
        ("people", "person/lihua", "wangdi", "new here"),
        ("people", "person/lihua", "wangdi", ""),
        ("people", "person/lihua", "wangdi", "is on call"),
        ("people", "person/lihua", "lihua", "lost laptop"),
    ]
    assert (json.loads(events[2].before)["admin"], json.loads(events[2].after)["admin"]) == (
        False,
        True,
    )
    assert events[0].before == ""
    assert json.loads(events[3].before)["tokens"][0]["note"] == "laptop"


def test_what_a_book_refuses(world):
    world.add()
    for name in ("", " ", "a/b", "..", "a" * 65, "a\nb", "../x", "%41"):
        with pytest.raises(Failure, match="is no name of a person"):
            world.book.add(name, admin=False, by="wangdi", reason="")
    with pytest.raises(Failure, match="what the platform calls itself"):
        world.book.add("pie", admin=False, by="wangdi", reason="")
    with pytest.raises(Failure, match="there is a person named lihua already"):
        world.book.add(" lihua ", admin=True, by="wangdi", reason="")
    with pytest.raises(Failure, match="there is no person named 'nobody'"):
        world.token("nobody")
    with pytest.raises(Failure, match="days: -1 is not in 0"):
        world.token("lihua", -1)
    with pytest.raises(Failure, match="has no token 'zzz'"):
        world.book.revoke("lihua", "zzz", by="wangdi", reason="")
    for _ in range(MAX_TOKENS - 1):
        world.token("lihua", 1)
    with pytest.raises(Failure, match="lihua has 20 tokens, the most"):
        world.token("lihua")
    world.clock.advance(DAY)
    assert world.asks(world.token("lihua")) is not None
    world.book.set_disabled("lihua", True, by="wangdi", reason="")
    with pytest.raises(Failure, match="lihua is disabled"):
        world.token("lihua")


def test_longest_names_fit_into_keys():
    for name in ("王" * 50, "é" * 64, "a" * 64):
        assert len(key_of(checked_name(name))) <= 512


def test_a_mirror_follows_what_others_write(world):
    other = PeopleMirror(world.store, world.clock)
    follower = Follower(world.store)
    other.start(follower)
    try:
        token = world.add()
        until = time.monotonic() + 10
        while other.by_token(token) is None and time.monotonic() < until:
            time.sleep(0.005)
        assert other.by_token(token)[0].name == "lihua"
        world.store.put(key_of("lihua"), "not a person")
        while other.by_token(token) is not None and time.monotonic() < until:
            time.sleep(0.005)
        assert other.by_token(token) is None
    finally:
        follower.stop()


# -- a running platform -------------------------------------------------------------------------


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def put(platform, key, value):
    body = json.dumps({"key": key, "value": value}).encode()
    assert platform.ask("POST", "/api/state/put", body).status == 200


def session(platform, headers):
    return platform.ask("GET", "/api/session", role=None, headers=headers)


def until(true, within=1.0):
    """Wait for what must become true within a second."""
    give_up = time.monotonic() + within
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.fixture
def person(platform):
    """Makes a person with a token in the running platform; gives its text."""

    def make(name, *, admin=False):
        text, token = new_token(time.time(), 0.0, "test")
        record = PersonRecord(name=name, admin=admin, tokens=(token,))
        put(platform, key_of(name), encode(record).decode())
        until(lambda: session(platform, bearer(text)).status == 200)
        return text

    return make


def test_a_person_reads_pages_and_writes_nothing_of_others(platform, person):
    headers = bearer(person("lihua"))
    said = session(platform, headers).json
    assert (said["role"], said["user"]) == ("person", "lihua")
    assert platform.ask("GET", "/api/services", role=None, headers=headers).status == 200
    declare(platform, "people.shop", ["wangdi"])
    for name, who in (("people.shop.cart", "wangdi"), ("people.shop", "wangdi")):
        reply = declare(platform, name, ["lihua"], headers)
        assert reply.status == 403
        assert f"lihua does not own {name}. Its owners may do this: {who}" in str(reply.json)
        assert "pie psm set" in str(reply.json)
    nobodys = declare(platform, "people.alone.cart", ["x"], headers)
    assert (nobodys.status, "Claim it first" in str(nobodys.json)) == (403, True)
    assert declare(platform, "people.alone.cart", ["x", "lihua"], headers).status == 200
    assert "To become its owner, ask" in str(declare(platform, "people", ["x"], headers).json)


def test_owners_are_declared_registered_and_inherited(platform, person, register):
    headers = bearer(person("lihua"))
    assert declare(platform, "people.own.a", ["lihua"]).status == 200
    assert declare(platform, "people.own.a", ["lihua", "x"], headers, 1).status == 200
    register(ServiceMeta(psm="people.own.b", owners=("lihua",)))
    assert declare(platform, "people.own.b", ["lihua", "y"], headers).status == 200
    assert declare(platform, "people.group", ["lihua"]).status == 200
    # Who owns the subsystem owns what is below, whoever is declared or registered there.
    register(ServiceMeta(psm="people.group.c", owners=("mallory",)))
    assert declare(platform, "people.group.c", ["wangdi"], headers).status == 200
    assert declare(platform, "people.group.c", ["wangdi", "z"], headers, 1).status == 200
    register(ServiceMeta(psm="people.own.d", owners=("wangdi",)))
    assert declare(platform, "people.own.d", ["lihua"], headers).status == 403


def test_what_a_group_owns_is_claimed_by_its_owners_only(platform, person, register):
    headers = bearer(person("lihua"))
    declare(platform, "people.claims", ["wangdi"])
    register(ServiceMeta(psm="people.claims.a"), ServiceMeta(psm="people.free.a"))
    reply = claim(platform, "people.claims.a", headers)
    assert (reply.status, "owned by wangdi, as its subsystem" in str(reply.json)) == (409, True)
    assert claim(platform, "people.free.a", headers).json["owners"] == ["lihua"]
    assert claim(platform, "people.claims.a", bearer(person("wangdi"))).json["owners"] == ["wangdi"]


def test_a_person_reads_the_registry_and_no_secrets(platform, person):
    store = RemoteStore(f"http://127.0.0.1:{platform.port}", person("lihua"))
    try:
        put(platform, "/pie/services/people.a.b/config", "secret")
        put(platform, meta_key("people.a.b"), "seen")
        seen = [each.key for each in store.range("/pie/services/people.a.b/").entries]
        assert seen == [meta_key("people.a.b")]
        for forbidden in (
            lambda: store.put("/pie/psm/people.a.b", "{}"),
            lambda: store.delete(meta_key("people.a.b")),
            lambda: store.grant(10),
            lambda: store.get(key_of("lihua")),
            lambda: store.range(PREFIX),
            lambda: store.shares(SharesRequest("people.a.b", "h:1", "h:1/1", [])),
            lambda: store.get("/pie/services/people.a.b/config"),
        ):
            with pytest.raises(Forbidden, match="a person who is no admin may not"):
                forbidden()
    finally:
        store.close()


def test_logging_in_with_a_personal_token(platform, person):
    token = person("lihua")
    reply = platform.ask("GET", f"/login?token={token}&user=wangdi", role=None)
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert (reply.headers["cache-control"], reply.headers["referrer-policy"]) == (
        "no-store",
        "no-referrer",
    )
    cookie = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
    assert session(platform, cookie).json["user"] == "lihua"  # And not wangdi.
    posted = post_login(platform, {"token": token})
    assert posted.json == {"role": "person", "user": "lihua", "token": token.split("_")[1]}
    attributes = posted.headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes  # Under http a browser would drop it.
    secure = post_login(platform, {"token": token}, {"X-Forwarded-Proto": "https"})
    assert "; Secure" in secure.headers["set-cookie"]
    put(platform, key_of("lihua"), encode(PersonRecord(name="lihua")).decode())
    until(lambda: session(platform, cookie).status == 401)
    assert session(platform, bearer(token)).status == 401
    for body in ({"token": token}, {"token": platform.token("service")}, {"token": ""}):
        assert post_login(platform, body).status == 401
    evil = {"Origin": "http://evil.example"}
    assert post_login(platform, {"token": platform.token("admin")}, evil).status == 403


def post_login(platform, body, headers=None):
    content = json.dumps(body).encode()
    return platform.ask("POST", "/api/login", content, role=None, headers=JSON | (headers or {}))


def declare(platform, name, owners, headers=None, version=0):
    fields = {"description": "", "docs": "", "repository": "", "on_call": "", "tier": None}
    body = json.dumps({"version": version, "owners": owners, **fields}).encode()
    role = None if headers else "admin"
    return platform.ask("PUT", f"/api/psm/{name}", body, role=role, headers=JSON | (headers or {}))


def claim(platform, name, headers):
    return platform.ask("POST", f"/api/psm/{name}/claim", None, role=None, headers=headers)


def test_only_an_admin_freezes_the_fleet(platform, person):
    for method in ("POST", "DELETE"):
        reply = platform.ask(
            method,
            "/api/rules/freeze",
            json.dumps({"reason": "x"}),
            headers=bearer(person("lihua")) | {"Content-Type": "application/json"},
        )
        assert reply.status == 403
        assert "only an admin may do this" in reply.json["error"]["message"]
