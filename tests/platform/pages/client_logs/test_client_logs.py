"""Logs of browsers and apps: what is taken, cut and refused; and from where."""

import contextlib
import json
import random
import socket
import time
import urllib.parse

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.model import Failure
from pie.platform.facts.decode import decode_rows
from pie.platform.pages.client_logs.build import (
    MAX_ENTRIES,
    ClientPost,
    client_stack_hash,
    read_post,
    rows_of,
)
from pie.platform.pages.client_logs.limits import ClientLimits
from pie.platform.server.rate import RateLimit
from pie.testing import FakeClock

LOGID = "2017041721432901000304821652640c"
STACK = (
    "TypeError: x is undefined\n    at draw (https://a.example/app.js?v=3:10:25)\n    at main.js:7"
)


DEEP = b'{"app": "a", "device": "d", "entries": [{"message": "m", "fields": {"x": %b%b}}]}'


def post(platform, body, *, key=None, how="header", **headers):
    key = platform.token("client") if key is None else key
    path = "/api/client-logs"
    if how == "header":
        headers["X-Pie-Client-Key"] = key
    else:
        path += f"?key={key}"
        headers["Content-Type"] = "text/plain;charset=UTF-8"
    text = body if isinstance(body, bytes) else json.dumps(body)
    return platform.ask("POST", path, text, role=None, headers=headers)


def a_post(*entries, **more):
    return {"app": "news.web", "device": f"d-{random.random()}", "entries": entries} | more


def lines(platform, **params):
    query = urllib.parse.urlencode({"tab": "client"} | params)
    return platform.ask("GET", f"/api/logs/search?{query}").json["lines"]


def test_an_entry_becomes_a_line_that_is_found(platform):
    body = a_post(
        {
            "ts": time.time() * 1000, "level": "error", "message": "播放失败 of the video",
            "stack": STACK, "url": "https://a.example/p?x=1", "logid": LOGID.upper(),
            "fields": {"retry": 2, "ok": False, "bad key": 1, "device": "forged", "deep": [1, {}]},
        },
        psm="toutiao.stream.api", user="wang", version="1.2.3", platform="iOS 17", device="d-1",
    )  # fmt: skip
    reply = post(platform, body, **{"X-Forwarded-For": "203.0.113.9"})
    assert (reply.status, reply.json) == (200, {"accepted": 1})
    (line,) = lines(platform, q="播放 device:d-1 retry>=2 user:wang")
    assert (line["psm"], line["folder"], line["host"]) == (
        "toutiao.stream.api", "client", "203.0.113.9",
    )  # fmt: skip
    assert (line["level"], line["logid"], line["stack"]) == ("ERROR", LOGID, STACK)
    assert line["fields"] == {
        "retry": "2", "ok": "false", "deep": "[1, {}]", "app": "news.web", "device": "d-1",
        "user": "wang", "version": "1.2.3", "platform": "iOS 17", "url": "https://a.example/p?x=1",
    }  # fmt: skip
    query = urllib.parse.urlencode({"tab": "client", "q": "device:d-1"})
    (group,) = platform.ask("GET", f"/api/logs/stacks?{query}").json["groups"]
    assert group["error"] == "播放失败 of the video"
    around = platform.ask("GET", f"/api/logs/context?id={line['id']}").json
    assert [each["id"] for each in around["lines"]] == [line["id"]]


def test_a_beacon_needs_no_header(platform):
    reply = post(platform, a_post({"message": "by beacon"}, app="beacon.app"), how="query")
    assert reply.status == 200
    (line,) = lines(platform, q="beacon", psm="beacon.app")
    assert (line["level"], line["message"]) == ("INFO", "by beacon")


def test_pages_of_any_origin_may_post_here_and_nowhere_else(platform):
    evil = {"Origin": "https://evil.example"}
    reply = post(platform, a_post({"message": "cross"}), **evil)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in reply.headers
    preflight = platform.ask("OPTIONS", "/api/client-logs", role=None, headers=evil)
    assert preflight.status == 204
    assert "x-pie-client-key" in preflight.headers["access-control-allow-headers"]
    for method, path in (
        ("GET", "/api/services"), ("POST", "/api/client-logs/"), ("POST", "/api//client-logs"),
        ("POST", "/api/client-logs/../logs/tasks"), ("POST", "/api/ingest/logs"),
        ("OPTIONS", "/api/logs/search"), ("GET", "/api/session"),
    ):  # fmt: skip
        other = platform.ask(method, path, b"", headers=evil)
        assert other.status == 403, path
        assert "access-control-allow-origin" not in other.headers
    rebound = post(platform, a_post({"message": "x"}), **evil, Host="evil.example")
    assert rebound.status == 403


def test_the_key_opens_nothing_else(platform):
    key = platform.token("client")
    for header in ({"Authorization": f"Bearer {key}"}, {"X-Pie-Client-Key": key}):
        for path in ("/api/session", "/api/logs/search", "/api/services"):
            assert platform.ask("GET", path, role=None, headers=header).status == 401
    assert platform.ask("GET", f"/login?token={key}", role=None).status == 401
    for wrong in ("", "wrong", platform.token("admin"), platform.token("service"), "\xe9"):
        reply = post(platform, a_post({"message": "x"}), key=wrong)
        assert (reply.status, reply.json["error"]["kind"]) == (401, "unauthenticated")
        assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{}", 400), (b"\xff", 400), (b'{"app":1}', 400),
        ({"app": " ", "device": "d", "entries": []}, 400),
        ({"app": "a", "device": "d", "entries": [{"level": "x"}]}, 400),
        ({"app": "a", "device": "d", "entries": [{"message": "m"}] * (MAX_ENTRIES + 1)}, 413),
        (b" " * (256 * 1024 + 1), 413),
        (DEEP % (b"[" * 50_000, b"]" * 50_000), 400),
        (DEEP % (b"[" * 500, b"]" * 500), 200),
        (DEEP % (b"9" * 6000, b""), 200),
        (DEEP % (rb'"\ud800"', b""), 400),
        ({"app": "a", "device": "d", "entries": []}, 200),
        ({"app": "a", "device": "d", "entries": [{"message": ""}], "more": 1}, 200),
    ],
)  # fmt: skip
def test_wrong_posts_are_reported(platform, body, status):
    assert post(platform, body).status == status


def test_a_device_that_sends_too_much_is_reported_to_wait(platform):
    body = a_post(*[{"message": "flood"}] * 200, device="d-flood")
    address = {"X-Forwarded-For": "203.0.113.77"}
    statuses = [post(platform, body, **address).status for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    other = a_post({"message": "of another device"}, device="d-calm")
    assert post(platform, other, **address).status == 200


def test_own_fields_are_taken_as_they_were_written():
    body = """{"app": "a", "device": "d", "entries": [{"message": "m", "fields":
        {"text": "\\u7528户", "list": ["用户", 1], "big": 12345678901234567890123, "none": null,
         "true": true, "app": "mine"}}]}"""
    (row,) = rows_of(read_post(body.encode()), "1.2.3.4" + "x" * 9999, 1e9)
    assert row.fields == {
        "text": "用户", "list": '["用户", 1]', "big": "12345678901234567890123", "true": "true",
        "app": "a", "device": "d",
    }  # fmt: skip
    assert len(row.host) == 200


def test_slow_senders_of_client_logs_leave_room_for_the_agents(platform):
    """Whoever has the key, as good as everybody, can keep many posts under way."""
    head = (
        f"POST /api/client-logs?key={platform.token('client')} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Length: 262144\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as open_ones:
        for _ in range(300):
            slow = open_ones.enter_context(
                socket.create_connection(("127.0.0.1", platform.port), timeout=10)
            )
            slow.sendall(head)
        began = time.monotonic()
        row = {"ts": time.time(), "psm": "slow.senders.api", "message": "x", "src": 9, "pos": 1}
        assert platform.accepted("logs", [row]) == (1, 0)
        assert time.monotonic() - began < 8  # senders are given up after ten seconds


def test_limits_by_address_and_device():
    limits = ClientLimits()
    many = [ClientPost(app="a", device=f"d{n}", entries=[]) for n in range(3000)]
    with pytest.raises(Failure) as caught:
        for each in many:
            limits.take("1.2.3.4", each)
    assert caught.value.code == 429
    limits.take("1.2.3.5", many[0])


def test_a_bucket_fills_again_and_old_keys_are_forgotten():
    clock = FakeClock()
    limit = RateLimit(per_second=2, burst=10, keys=2, clock=clock)
    limit.take("a", 10)
    assert limit.wait("a", 4) == pytest.approx(2)
    clock.advance(1.5)
    assert limit.wait("a", 4) == pytest.approx(0.5)
    clock.advance(100)
    assert limit.wait("a", 50) == 0
    limit.take("a", 10)
    limit.take("b", 1)
    limit.take("c", 1)
    assert limit.wait("a", 10) == 0


TEXT = st.text(max_size=50)
SCALAR = st.none() | st.booleans() | st.integers() | TEXT
ENTRY = st.fixed_dictionaries(
    {"message": TEXT},
    optional={
        "ts": st.floats(allow_nan=False, allow_infinity=False), "level": TEXT, "stack": TEXT,
        "url": TEXT, "logid": TEXT,
        "fields": st.dictionaries(TEXT, SCALAR, max_size=5),
    },
)  # fmt: skip


@given(st.fixed_dictionaries({"app": TEXT, "device": TEXT, "entries": st.lists(ENTRY, max_size=5)}))
def test_whatever_is_taken_can_be_stored(body):
    try:
        taken = read_post(json.dumps(body).encode())
    except Failure:
        return
    rows = rows_of(taken, "1.2.3.4", 1e9)
    assert len(rows) == len(body["entries"])
    stored, bad = decode_rows("logs", msgspec.json.Encoder().encode_lines(rows))
    assert (len(stored), bad) == (len(rows), [])
    assert all(abs(row.ts - 1e9) <= 86_400 and row.folder == "client" for row in rows)


def test_one_mistake_has_one_number():
    other = STACK.replace("v=3", "v=4").replace("10:25", "11:3").replace("    at", "  at")
    assert client_stack_hash(STACK) == client_stack_hash(other)
    assert client_stack_hash(STACK) != client_stack_hash(STACK.replace("draw", "paint"))
