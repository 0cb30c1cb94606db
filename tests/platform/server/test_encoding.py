"""Answers leave small: under gzip, and without a body when nothing changed."""

import gzip
import json

import pytest

JSON = {"Content-Type": "application/json"}
DECLARED = json.dumps(
    {"version": 0, "owners": ["a"], "description": "", "docs": "", "repository": "",
     "on_call": "", "tier": None}
)  # fmt: skip
ASKED = {"Accept-Encoding": "gzip, br"}
LINES = [
    {"ts": 1_700_000_000 + n, "psm": "a.b.c", "level": "INFO", "message": f"line {n}"}
    for n in range(50)
]


def test_a_long_answer_is_packed_for_whoever_takes_it(platform):
    plain = platform.ask("GET", "/openapi.json")
    packed = platform.ask("GET", "/openapi.json", headers=ASKED)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert len(packed.body) < len(plain.body) / 3


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_who_does_not_take_it_gets_it_plain(platform, accepted):
    reply = platform.ask("GET", "/openapi.json", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in reply.headers
    assert reply.headers["vary"] == "Accept-Encoding"
    assert reply.json["openapi"]


def test_a_short_answer_is_not_packed(platform):
    reply = platform.ask("GET", "/api/session", headers=ASKED)
    assert reply.status == 200
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize("path", ["/api/services", "/api/chains"])
def test_what_did_not_change_is_not_sent_again(platform, path):
    first = platform.ask("GET", path)
    again = platform.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-length" not in again.headers


def test_what_changed_is_sent(platform):
    first = platform.ask("GET", "/api/psm")
    saved = platform.ask("PUT", "/api/psm/encoding.test.claimed", DECLARED, headers=JSON)
    assert saved.status == 200, saved.body
    other = platform.ask("GET", "/api/psm", headers={"If-None-Match": first.headers["etag"]})
    assert other.status == 200
    assert b"encoding.test.claimed" in other.body


def test_lines_of_logs_stay_out_of_every_cache(platform):
    platform.accepted("logs", LINES)
    reply = platform.ask(
        "GET", "/api/logs/search?q=line&since=1699999000&until=1700001000", headers=ASKED
    )
    assert reply.headers["cache-control"] == "no-store"
    assert "etag" not in reply.headers
