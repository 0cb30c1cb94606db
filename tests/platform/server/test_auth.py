"""Who may do what, from where; and how the pages are served."""

import asyncio
import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI

from pie.platform.app import openapi_json
from pie.platform.server.auth import SESSION_SECONDS, Keys, load_or_create_keys
from pie.platform.server.site import site_router

ROOT = Path(__file__).parents[3]


def login(platform):
    reply = platform.ask("GET", f"/login?token={platform.token('admin')}", role=None)
    assert (reply.status, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    return {"Cookie": cookie.split(";")[0]}


@pytest.mark.parametrize("path", ["/api/services", "/api/chains", "/openapi.json", "/api/session"])
def test_a_stranger_is_turned_away(platform, path):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer \xe9"},
        {"Cookie": "pie_session=1.2.3"},
        {"Cookie": "pie_session=99999999999.x.é"},
        {"Cookie": ";;;=\x01"},
    ):
        reply = platform.ask("GET", path, role=None, headers=headers)
        assert reply.status == 401
        assert reply.json["error"]["kind"] == "unauthenticated"
    assert platform.ask("POST", "/api/ingest/logs", b"", role=None).status == 401
    assert platform.ask("POST", "/api/state/get", b"{}", role=None).status == 401


def test_the_service_token_reaches_state_and_ingest_only(platform):
    for path in ("/api/services", "/api/chains", f"/api/chains/{'a' * 32}", "/openapi.json"):
        reply = platform.ask("GET", path, role="service")
        assert (reply.status, reply.json["error"]["kind"]) == (403, "denied")
    assert platform.ask("GET", "/api/session", role="service").json == {
        "role": "service",
        "user": "service",
        "token": "",
    }
    assert platform.ask("POST", "/api/ingest/logs", b"", role="service").status == 200
    assert platform.ask("POST", "/api/ingest/logs", b"", role="admin").status == 200


def test_health_asks_for_nothing(platform):
    assert platform.ask("GET", "/api/health", role=None).json["status"] == "ok"


def test_logging_in_and_out(platform):
    headers = login(platform)
    assert platform.ask("GET", "/api/session", role=None, headers=headers).json["role"] == "admin"
    origin = {"Origin": f"http://127.0.0.1:{platform.port}"}
    out = platform.ask("POST", "/api/logout", role=None, headers=headers | origin)
    assert out.status == 204
    assert 'pie_session=""' in out.headers["set-cookie"]


def test_a_person_says_who_they_are(platform):
    for given, user in (
        ("", "admin"),
        ("&user=", "admin"),
        ("&user=wangdi", "wangdi"),
        ("&user=%E7%8E%8B%20a", "王 a"),
    ):
        reply = platform.ask("GET", f"/login?token={platform.token('admin')}{given}", role=None)
        headers = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
        session = platform.ask("GET", "/api/session", role=None, headers=headers).json
        assert session == {"role": "admin", "user": user, "token": ""}
    for name in ("%20", "a" * 65, "a%0Ab"):
        reply = platform.ask(
            "GET", f"/login?token={platform.token('admin')}&user={name}", role=None
        )
        assert (reply.status, reply.json["error"]["kind"]) == (400, "invalid")
    said = platform.ask("GET", "/api/session", headers={"X-Pie-User": "%E7%8E%8B"}).json
    assert said == {"role": "admin", "user": "王", "token": ""}
    assert platform.ask("GET", "/api/session").json["user"] == "admin"
    wrong = platform.ask("GET", "/api/session", headers={"X-Pie-User": "a" * 65})
    assert wrong.status == 400
    assert platform.ask("GET", "/api/session", role=None, headers={"X-Pie-User": "x"}).status == 401


def test_a_wrong_login_link_says_what_to_do(platform):
    for token in ("", "wrong", platform.token("service")):
        reply = platform.ask("GET", f"/login?token={token}", role=None)
        assert reply.status == 401
        assert b"admin.token" in reply.body


def test_pages_of_strangers_may_not_use_the_login(platform):
    headers = login(platform)
    evil = {"Origin": "http://evil.example"}
    assert platform.ask("POST", "/api/logout", role=None, headers=headers | evil).status == 403
    assert platform.ask("GET", "/api/services", role=None, headers=headers | evil).status == 403
    null = {"Origin": "null"}
    assert platform.ask("POST", "/api/logout", role=None, headers=headers | null).status == 403
    without = platform.ask("POST", "/api/logout", role=None, headers=headers)
    assert (without.status, without.json["error"]["kind"]) == (403, "denied")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_names_of_strangers_are_refused(platform, host):
    reply = platform.ask("GET", "/api/health", headers={"Host": host})
    assert reply.status in (400, 403)
    assert "evil" not in host or "started" in str(reply.body) or "start it" in str(reply.body)


@pytest.mark.parametrize("host", ["localhost:1", "10.1.2.3", "[::1]:8790", "PIE.example:80"])
def test_addresses_and_known_names_are_served(platform, host):
    assert platform.ask("GET", "/api/health", headers={"Host": host}).status == 200


def test_sessions_end_and_cannot_be_made_up():
    keys = Keys("a" * 30, "s" * 30, "c" * 30)
    cookie = keys.new_session(1000.0, "王.dan")
    assert keys.session(cookie, 1000.0 + SESSION_SECONDS - 1) == ("王.dan", "")
    assert keys.session(keys.new_session(1000.0, "a", "t1"), 1000.0) == ("a", "t1")
    assert keys.session(cookie, 1000.0 + SESSION_SECONDS + 1) is None
    assert keys.session("9" + cookie, 1000.0) is None
    assert Keys("b" * 30, "s" * 30, "c" * 30).session(cookie, 1000.0) is None
    before_users = f"{2000 + SESSION_SECONDS}.nonce"
    old = f"{before_users}.{keys._signature(before_users)}"
    assert keys.session(old, 1000.0) is None
    for made_up in ("", ".", "..", "x.y.z", "é.é.é"):
        assert keys.session(made_up, 0.0) is None


def test_tokens_are_made_once_and_for_the_owner_alone(tmp_path):
    keys = load_or_create_keys(tmp_path)
    assert load_or_create_keys(tmp_path) == keys
    assert len({keys.admin, keys.service, keys.client}) == 3
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600] * 3


def test_the_openapi_document_of_the_ui_is_in_step():
    assert (ROOT / "ui" / "openapi.json").read_text() == openapi_json()


BROWSER = (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8")


def get(app, path, headers=()):
    """One request of a browser straight through ASGI: (status, headers, body)."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "headers": [BROWSER, *headers],
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    head = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(part.get("body", b"") for part in sent[1:])


@pytest.fixture
def site(tmp_path):
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<title>Pie</title>")
    (static / "assets" / "app-AB12CD34.js").write_text("1")
    (static / "assets" / "plain.css").write_text("a{}")
    (static / "assets" / "big.js").write_text("1;" * 5000)
    (tmp_path / "secret").write_text("secret")
    (static / "link").symlink_to(tmp_path / "secret")
    app = FastAPI(openapi_url=None)
    app.include_router(site_router(static))
    return app


def test_every_page_is_the_index_under_a_strict_policy(site):
    for path in ("/", "/services", "/chain/abc", "/%2e%2e/secret", "/../secret", "/link"):
        status, headers, body = get(site, path)
        assert (status, body) == (200, b"<title>Pie</title>"), path
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["cache-control"] == "no-cache"
    etag = headers["etag"].encode()
    assert get(site, "/", [(b"if-none-match", etag)])[0] == 304


@pytest.mark.parametrize("path", ["a" * 3000, "/".join(["a" * 200] * 40), "%00", "%ff%fe"])
def test_no_path_is_too_odd_for_the_pages(platform, path):
    headers = {"Accept": "text/html"}
    assert platform.ask("GET", f"/{path}", role=None, headers=headers).status in (200, 503)
    assert platform.ask("GET", f"/assets/{path}", role=None).status == 404


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
        ("/metrics", "text/html"),
        ("/healthz", "*/*"),
        ("/-/healthy", "text/html"),
        ("/.well-known/security.txt", "*/*"),
        ("/robots.txt", "*/*"),
        ("/services", "application/json"),
    ],
)
def test_a_program_that_asks_for_what_is_not_there_is_told_so(platform, path, accept):
    reply = platform.ask("GET", path, role=None, headers={"Accept": accept})
    assert reply.status == 404
    assert reply.json["error"]["kind"] == "not_found"


def test_the_first_page_is_there_for_everybody(platform):
    assert platform.ask("GET", "/", role=None).status in (200, 503)


def test_assets_with_a_hash_in_their_name_are_kept_for_good(site):
    status, headers, body = get(site, "/assets/app-AB12CD34.js")
    assert (status, body) == (200, b"1")
    assert "immutable" in headers["cache-control"]
    assert "javascript" in headers["content-type"]
    _, headers, packed = get(site, "/assets/big.js", [(b"accept-encoding", b"br, gzip")])
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == b"1;" * 5000
    assert get(site, "/assets/plain.css")[1]["cache-control"] == "no-cache"


def test_pages_that_are_not_built_say_how(tmp_path):
    app = FastAPI(openapi_url=None)
    app.include_router(site_router(tmp_path / "static"))
    status, _, body = get(app, "/services")
    assert status == 503
    assert b"make ui" in body
