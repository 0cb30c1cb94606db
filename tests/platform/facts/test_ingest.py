"""Rows in through HTTP: every row exactly once, bad rows one by one, nothing without bound."""

import gzip
import http.client
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

from pie.platform.facts.decode import MAX_ROWS

DAY = 86_400
_src = count(1000)


@pytest.fixture
def logid():
    return uuid.uuid4().hex


def lines(logid, positions, src, ts=None):
    base = time.time() if ts is None else ts
    return [
        {"ts": base + pos * 1e-4, "psm": "a.b.c", "logid": logid, "message": str(pos), "src": src,
         "pos": pos}
        for pos in positions
    ]  # fmt: skip


def test_what_was_sent_can_be_asked_for(platform, logid):
    now = time.time()
    call = {
        "ts": now, "side": "server", "protocol": "thrift", "psm": "pq.rs.tu", "callee": "pq.rs.tu",
        "method": "Get", "logid": logid.upper(), "span_id": "a1", "duration_us": 2500,
        "outcome": "deadline", "code": 504, "message": "太慢", "notes": ["waited"],
        "host": "10.0.0.1",
    }  # fmt: skip
    edge = {
        "ts": int(now) // 10 * 10, "side": "server", "protocol": "thrift", "psm": "pq.rs.tu",
        "callee": "pq.rs.tu", "method": "Get", "count": 4, "duration_us": 8000,
        "histogram": {"150": 3, "160": 1},
    }  # fmt: skip
    failed = edge | {
        "outcome": "deadline",
        "count": 1,
        "duration_us": 2000,
        "histogram": {"170": 1},
    }
    log = {"ts": now, "psm": "pq.rs.tu", "logid": logid, "span_id": "a1", "message": "登录失败",
           "folder": "app", "level": "ERROR", "file": "views.py", "line": 7, "host": "10.0.0.1",
           "fields": {"uid": "3"}, "stack": "Traceback"}  # fmt: skip
    assert platform.accepted("calls", [call]) == (1, 0)
    assert platform.accepted("edge_10s", [edge, failed]) == (2, 0)
    assert platform.accepted("logs", [log]) == (1, 0)

    services = platform.ask("GET", "/api/services?window=60").json["services"]
    service = next(each for each in services if each["psm"] == "pq.rs.tu")
    assert service["calls"] == 5
    assert service["failure_rate"] + service["rejected_rate"] == 0.2
    assert service["avg_ms"] == 2.0
    assert service["p99_ms"] == pytest.approx(1.05**171 / 1000, rel=0.01)
    assert (service["onboarded"], service["protocol"], service["methods"]) == (False, "thrift", 1)
    assert service["qps"] > 0

    listed = platform.ask("GET", "/api/chains?psm=pq.rs.tu&outcome=failed&min_ms=2").json["chains"]
    assert [(each["logid"], each["duration_ms"]) for each in listed] == [(logid, 2.5)]
    assert platform.ask("GET", "/api/chains?psm=pq.rs.tu&outcome=ok").json["chains"] == []
    assert platform.ask("GET", "/api/chains?psm=pq.rs.tu&min_ms=3").json["chains"] == []

    chain = platform.ask("GET", f"/api/chains/{logid.upper()}").json
    node = chain["nodes"][0]
    assert (node["psm"], node["status"], node["message"]) == ("pq.rs.tu", "ERROR", "太慢")
    assert node["notes"] == ["waited"]
    assert node["start"] == pytest.approx(now, abs=1e-6)

    line = platform.ask("GET", f"/api/chains/{logid}/logs?span_id=a1&psm=pq.rs.tu").json["lines"][0]
    assert (line["message"], line["level"], line["line"]) == ("登录失败", "ERROR", 7)
    assert platform.ask("GET", f"/api/chains/{logid}/logs?span_id=b2").json["lines"] == []


def test_a_batch_sent_again_counts_once(platform, logid):
    src = next(_src)
    assert platform.accepted("logs", lines(logid, range(1, 101), src)) == (100, 0)
    assert platform.accepted("logs", lines(logid, range(1, 101), src)) == (0, 100)
    assert platform.accepted("logs", lines(logid, range(1, 121), src)) == (20, 100)
    assert len(platform.messages(logid)) == 120


def test_a_batch_over_midnight_counts_once(platform, logid):
    src = next(_src)
    midnight = time.time() // DAY * DAY
    days = [midnight - 5, midnight + 5, midnight - DAY]
    batch = [
        row | {"ts": days[row["pos"] % 3] + row["pos"] / 1000}
        for row in lines(logid, range(1, 91), src)
    ]
    assert platform.accepted("logs", batch) == (90, 0)
    assert platform.accepted("logs", batch) == (0, 90)
    assert sorted(map(int, platform.messages(logid))) == list(range(1, 91))


def test_rows_in_disorder_within_a_batch_all_count(platform, logid):
    src = next(_src)
    assert platform.accepted("logs", lines(logid, [5, 3, 9, 3, 1], src)) == (4, 1)


def test_the_same_batch_sent_at_once_by_many_counts_once(platform, logid):
    src = next(_src)
    batch = lines(logid, range(1, 501), src)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: platform.accepted("logs", batch), range(8)))
    assert sum(accepted for accepted, _ in answers) == 500
    assert sum(duplicates for _, duplicates in answers) == 7 * 500
    assert len(platform.messages(logid)) == 500


def test_senders_without_positions_are_at_least_once(platform, logid):
    batch = [{"ts": time.time(), "logid": logid, "message": "foreign"}]
    platform.accepted("logs", batch)
    platform.accepted("logs", batch)
    assert platform.messages(logid) == ["foreign"] * 2


def test_times_out_of_the_window_are_moved_and_still_count_once(platform, logid):
    src = next(_src)
    now = time.time()
    times = [0, 1e300, -5, now + 3 * DAY, now - 30 * DAY, now]
    batch = [
        row | {"ts": ts} for row, ts in zip(lines(logid, range(1, 7), src), times, strict=True)
    ]
    assert platform.accepted("logs", batch) == (6, 0)
    assert platform.accepted("logs", batch) == (0, 6)
    reply = platform.ask("GET", f"/api/chains/{logid}/logs").json
    assert len(reply["lines"]) == 6
    assert all(now - 11 * DAY < line["ts"] < now + 60 for line in reply["lines"])


def test_marks_are_read_from_the_store_after_a_restart(own_platform, logid):
    batch = lines(logid, range(1, 51), 7) + lines(logid, range(1, 31), 2**64 - 1)
    assert own_platform.accepted("logs", batch) == (80, 0)
    assert own_platform.stop() == 0
    own_platform.start()
    assert own_platform.accepted("logs", batch) == (0, 80)
    assert own_platform.accepted("logs", lines(logid, range(40, 61), 7)) == (10, 11)


def test_bad_rows_are_refused_one_by_one_and_kept_aside(platform, logid):
    good = lines(logid, [1], next(_src))[0]
    reply = platform.post(
        "logs",
        [
            good,
            b"not json",
            good | {"pos": 2, "line": -1},
            good | {"pos": 3, "line": 2**32},
            good | {"pos": 4, "src": 2**64},
            good | {"pos": 5, "stack_hash": 2**70},
            b'{"ts": 1, "message": "\xff\xfe"}',
            b'{"ts": 1, "message": "\\ud800"}',
            b'{"ts": 1e999}',
            b'{"ts": "yesterday"}',
            b"",
            good | {"pos": 6, "extra": "is ignored"},
        ],
    )
    assert reply.status == 200
    answer = reply.json
    assert (answer["accepted"], answer["rejected_count"]) == (2, 9)
    assert [each["line"] for each in answer["rejected"]] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert "`$.line`" in answer["rejected"][1]["reason"]
    kept = (platform.directory / "dead-letter.ndjson").read_text()
    assert "not json" in kept
    assert platform.post("calls", [{"ts": 1.0}]).json["rejected_count"] == 1
    assert platform.post("calls", []).json["accepted"] == 0


def test_rows_at_their_bounds_are_taken(platform, logid):
    u16, u32, u63, u64, i32 = 2**16 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**31 - 1
    nasty = "\0\n\t\"'\\{}\u2028\U0001f600登录"
    name = (nasty * 50)[:500]
    now = time.time()
    log = {"ts": now, "logid": logid, "src": u64, "pos": u64, "process": u32, "thread": u64,
           "line": u32, "stack_hash": u64, "message": nasty * 1000, "stack": nasty, "psm": name,
           "folder": name, "file": name, "fields": {name: nasty, "": ""}}  # fmt: skip
    assert platform.accepted("logs", [log]) == (1, 0)
    assert platform.messages(logid) == [nasty * 1000]
    call = {"ts": now, "side": "client", "protocol": name, "psm": name, "logid": logid,
            "attempt": u16, "attempts": u16, "duration_us": u63, "code": -i32 - 1, "status": u16,
            "request_bytes": u63, "response_bytes": u63, "weight": 1e30, "notes": [nasty, ""],
            "outcome": nasty, "route": name, "method": name, "span_id": name}  # fmt: skip
    assert platform.accepted("calls", [call, call | {"weight": 1e-300, "code": i32}]) == (2, 0)
    edge = {"ts": int(now), "side": "client", "protocol": name, "psm": name, "count": u63,
            "duration_us": u63, "histogram": {"0": u63, str(u16): 0}, "code": -i32 - 1}  # fmt: skip
    far = edge | {"ts": 2**62, "count": 1, "duration_us": 0}
    assert platform.accepted("edge_10s", [edge, far, far | {"ts": -(2**62)}]) == (3, 0)
    chain = platform.ask("GET", f"/api/chains/{logid}")
    assert chain.status == 200
    assert platform.ask("GET", "/api/services").status == 200


def test_names_with_quotes_are_asked_for_as_they_are(platform, logid):
    name = "o'\"\\\t\n{x:String}%登"
    row = {"ts": time.time(), "side": "server", "protocol": "http", "psm": name, "logid": logid}
    assert platform.accepted("calls", [row]) == (1, 0)
    chains = platform.ask("GET", f"/api/chains?psm={quote(name)}").json["chains"]
    assert [chain["psm"] for chain in chains] == [name]
    assert platform.ask("GET", f"/api/chains?psm={quote(name[:-1])}").json["chains"] == []


def test_gzip(platform, logid):
    reply = platform.post("logs", lines(logid, range(1, 11), next(_src)), packed=True)
    assert (reply.status, reply.json["accepted"]) == (200, 10)


@pytest.mark.parametrize(
    "body",
    [b"plain", gzip.compress(b"{}", mtime=0)[:-4], gzip.compress(b"{}", mtime=0) + b"x"],
    ids=["plain", "cut", "more"],
)
def test_broken_gzip_is_refused(platform, body):
    headers = {"Content-Encoding": "gzip"}
    reply = platform.ask("POST", "/api/ingest/logs", body, role="service", headers=headers)
    assert (reply.status, reply.json["error"]["kind"]) == (400, "invalid")


def test_an_unknown_encoding_or_table_is_refused(platform):
    headers = {"Content-Encoding": "br"}
    reply = platform.ask("POST", "/api/ingest/logs", b"", role="service", headers=headers)
    assert reply.status == 400
    assert "gzip" in reply.json["error"]["message"]
    assert platform.post("users", []).status == 400


def test_too_much_is_refused_before_it_is_held(platform):
    def post(body, headers):
        return platform.ask("POST", "/api/ingest/logs", body, role="service", headers=headers)

    # By announcement: no byte of the body is sent.
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    connection.putrequest("POST", "/api/ingest/logs")
    connection.putheader("Authorization", f"Bearer {platform.token('service')}")
    connection.putheader("Content-Length", str(17 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()

    bomb = gzip.compress(b" " * (200 << 20), 9)
    reply = post(bomb, {"Content-Encoding": "gzip"})
    assert (reply.status, reply.json["error"]["code"]) == (413, 413)


def test_too_much_in_chunks_is_refused(platform):
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    headers = {"Authorization": f"Bearer {platform.token('service')}"}
    try:
        connection.request(
            "POST", "/api/ingest/logs", iter([b" " * (1 << 20)] * 18), headers, encode_chunked=True
        )
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # refused while the rest was being sent
    finally:
        connection.close()
    assert status == 413
    assert platform.ask("GET", "/api/health").json["status"] == "ok"


KITEX_LOGID = "0217330000000000000000000000000000000FFFF0A0B0C0D1E2F3A"


@pytest.mark.parametrize("logid", [KITEX_LOGID, 'a/b?c#d%20"e\\', "logs"])
def test_a_chain_of_another_form_is_found_by_its_name(platform, logid):
    """By its name alone: there is no time in it, and upper case is not told from lower case."""
    now, psm = time.time() - 3 * 86_400, "pq.foreign.name"
    call = {
        "ts": now, "side": "server", "protocol": "thrift", "psm": psm, "callee": psm,
        "method": "Get", "outcome": "ok", "logid": logid, "span_id": "s",
    }  # fmt: skip
    log = {"ts": now, "psm": psm, "logid": logid, "span_id": "s", "message": f"of {logid[:3]}"}
    assert platform.accepted("calls", [call]) == (1, 0)
    assert platform.accepted("logs", [log]) == (1, 0)
    path = f"/api/chains/{quote(logid, safe='')}"
    assert [each["psm"] for each in platform.ask("GET", path).json["nodes"]] == [psm]
    (line,) = platform.ask("GET", f"{path}/logs").json["lines"]
    assert line["message"] == log["message"]
    asked = [f'logid:"{logid}"'.replace("\\", "\\\\") if '"' not in logid else None]
    asked += [logid] if logid == KITEX_LOGID else []
    for query in filter(None, asked):
        found = platform.ask("GET", f"/api/logs/search?q={quote(query)}").json
        assert [each["message"] for each in found["lines"]] == [log["message"]], query


def test_questions_and_errors_have_one_form(platform):
    for path, status in [
        ("/api/chains/a%20b", 400),
        ("/api/chains/xyz", 404),
        (f"/api/chains/{'e' * 32}", 404),
        ("/api/chains?limit=0", 400),
        ("/api/services?window=abc", 400),
        ("/api/none", 404),
    ]:
        reply = platform.ask("GET", path)
        assert reply.status == status, path
        error = reply.json["error"]
        assert error["code"] == status
        assert error["kind"] in ("invalid", "not_found")
        assert error["message"]
    assert platform.ask("PUT", "/api/services").status == 405
    assert json.loads(platform.ask("GET", "/openapi.json").body)["openapi"].startswith("3.")


def test_a_post_of_too_many_rows_is_refused_with_what_to_do(platform, logid):
    for row in (b'{"ts": 1}', b"", b"bad"):
        reply = platform.post("logs", [row] * (MAX_ROWS + 2), packed=True)
        assert (reply.status, reply.json["error"]["code"]) == (413, 413)
        assert "split it" in reply.json["error"]["message"]
    bad = platform.post("logs", [b"bad"] * MAX_ROWS, packed=True)
    assert bad.json["rejected_count"] == MAX_ROWS
    assert len(bad.json["rejected"]) == 10


@pytest.mark.slow
def test_memory_is_bounded_while_many_large_posts_come_at_once(own_platform):
    def peak():
        status = Path(f"/proc/{own_platform.child}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10

    own_platform.accepted("logs", [{"ts": time.time()}])
    before = peak()
    now = time.time()
    many = gzip.compress(b'{"ts":%d}\n' % now * 880_000)
    most = gzip.compress(b'{"ts":%d}\n' % now * MAX_ROWS)
    bad = gzip.compress(b"bad\n" * MAX_ROWS)
    long = gzip.compress((b'{"ts":%d,"message":"%s"}\n' % (now, b"x" * 1000)) * 15_000)
    headers = {"Content-Encoding": "gzip"}

    def post(body):
        return own_platform.ask("POST", "/api/ingest/logs", body, role="service", headers=headers)

    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(post, [many, most, bad, long] * 6))
    assert [each.status for each in answers[::4]] == [413] * 6
    assert {each.status for each in answers} <= {200, 413, 503}
    print("PEAK", before >> 20, peak() >> 20, [e.status for e in answers])
    assert peak() - before < 700 << 20
