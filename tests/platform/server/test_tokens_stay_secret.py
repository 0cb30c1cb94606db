"""A person's token stands in no line that the platform prints, in no file that it keeps, and in no
answer but the one that made it; what it admits ends with it."""

import http.client
import json
import time

import pytest

from pie.platform.server.identity.record import is_text_of, new_token

JSON = {"Content-Type": "application/json"}


def send(platform, method, path, body=None, headers=None, role="admin"):
    content = None if body is None else json.dumps(body).encode()
    return platform.ask(
        method, path, content, role=None if headers else role, headers=JSON | (headers or {})
    )


def make(platform, name, **fields):
    assert send(platform, "POST", "/api/people", {"name": name, **fields}).status == 200
    return send(platform, "POST", f"/api/people/{name}/tokens", {}).json["text"]


def test_it_is_printed_and_kept_nowhere(own_platform):
    token = make(own_platform, "secret.one")
    secret = token.split("_", 2)[2]
    bearer = {"Authorization": f"Bearer {token}"}
    login = own_platform.ask("GET", f"/login?token={token}", role=None)
    assert login.status == 303
    assert secret not in f"{login.headers}{login.body}"
    for path in ("/api/session", "/api/people", "/api/none", f"/nowhere?token={token}"):
        answer = own_platform.ask("GET", path, role=None, headers=bearer)
        assert secret not in f"{answer.headers}{answer.body}"
    wrong = own_platform.ask("GET", f"/login?token={token}x&user=a", role=None)
    assert (wrong.status, secret in str(wrong.body)) == (401, False)
    # A body that is not understood is not repeated in the refusal.
    refused = send(own_platform, "POST", "/api/login", {"tokn": token}, {"X": "1"})
    assert (refused.status, secret in str(refused.body)) == (400, False)
    process, own_platform.process = own_platform.process, None
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert secret not in out + err
    for file in own_platform.directory.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_a_live_answer_ends_with_the_token(platform):
    """A stream that was opened with a token carries nothing more once it is revoked."""
    token = make(platform, "secret.live")
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    body = json.dumps({"prefixes": {"/pie/services/": 0}}).encode()
    connection.request(
        "POST", "/api/state/stream", body, JSON | {"Authorization": f"Bearer {token}"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.readline()
    assert send(platform, "PUT", "/api/people/secret.live", {"disabled": True}).status == 200
    put = {"key": "/pie/services/secret.a.b/meta", "value": "after it was revoked"}
    assert send(platform, "POST", "/api/state/put", put).status == 200
    rest = b""
    try:
        while line := answer.readline():
            rest += line
    except (ConnectionError, http.client.HTTPException):
        pass
    assert b"after it was revoked" not in rest
    connection.close()


def test_a_page_of_another_site_writes_nothing_with_a_login(platform):
    token = make(platform, "secret.csrf", admin=True)
    login = platform.ask("GET", f"/login?token={token}", role=None)
    cookie = {"Cookie": login.headers["set-cookie"].split(";")[0]}
    add = {"name": "secret.evil"}
    own = {"Origin": f"http://127.0.0.1:{platform.port}"}
    for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}):
        assert send(platform, "POST", "/api/people", add, cookie | origin).status == 403
    # What a form of another site can send is no JSON.
    form = own | {"Content-Type": "application/x-www-form-urlencoded"}
    assert send(platform, "POST", "/api/people", add, cookie | form).status == 400
    assert send(platform, "POST", "/api/people", add, cookie | own).status == 200


def test_wrong_tokens_are_slowed_down(own_platform):
    """And neither the admin nor a service is locked out by them."""
    statuses = {
        own_platform.ask(
            "GET", "/api/session", role=None, headers={"Authorization": f"Bearer pie_{number}"}
        ).status
        for number in range(40)
    }
    assert statuses == {401, 429}
    assert own_platform.ask("GET", "/login?token=wrong", role=None).status == 429
    for role in ("admin", "service"):
        assert own_platform.ask("GET", "/api/session", role=role).status == 200


@pytest.mark.parametrize("last", ["a", "", "é"])
def test_a_token_is_compared_as_a_whole(last):
    text, kept = new_token(time.time(), 0.0, "")
    assert is_text_of(text, kept)
    assert not is_text_of(text[:-1] + last, kept) or text.endswith(last)
    assert kept.hash not in text
