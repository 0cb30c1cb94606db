"""Search, histogram, facets, stacks and context, asked of a real platform."""

import json
import time
import urllib.parse

import pytest

NOW = time.time()
HOUR = 3600.0
LOGID = time.strftime("%Y%m%d%H%M%S", time.gmtime(NOW - 2 * HOUR)) + "0100030482160100aa"
STACK = (
    "Traceback (most recent call last):\n"
    '  File "/srv/my/views.py", line 7, in get\n'
    "    raise KeyError(name)\n"
    "KeyError: 'article'"
)
HASH = 2**64 - 5


def row(pos, message, *, ago=60.0, src=7, **more):
    base = {
        "src": src, "pos": pos, "ts": round(NOW - ago, 6), "folder": "app", "host": "10.3.48.216",
        "psm": "search.demo.api", "level": "INFO", "message": message,
        "file": "/srv/my/views.py", "line": 87, "process": 42, "thread": 140068553332480,
    }  # fmt: skip
    return base | more


ROWS = [
    row(1, "用户登录失败 id=42", ago=100, level="WARN"),
    row(2, "User login failed for toutiao.article.article", ago=99, level="WARNING"),
    row(3, "PacketResponder 1 for block blk_38865049064139660 terminating", ago=98),
    row(4, "GET /api/items/{id} 200 ok code=0 cost_us=123 peer=10.251.43.115:50010", ago=97),
    row(5, "C++ and 100% of it", ago=96, host="10.3.48.217", cluster="canary"),
    row(6, "the request failed", ago=95, level="ERROR", stack=STACK, stack_hash=HASH),
    row(7, "again the request failed", ago=94, level="ERROR", stack=STACK, stack_hash=HASH),
    row(
        8, " retry=1 business_retry_cost=20 called=toutiao.my.server rpc_status=deadline", ago=93,
        folder="rpc", psm="search.demo.other",
        fields={"retry": "1", "called": "toutiao.my.server", "rpc_status": "deadline"},
    ),
    row(9, "of the chain", ago=2 * HOUR, logid=LOGID, span_id="00000000000000ab", process=7),
    row(10, f"mentions {LOGID} as a text", ago=2 * HOUR - 5),
    row(11, "days ago 登录", ago=5 * 86_400),
    row(12, "weeks ago would be out of reach", ago=9.9 * 86_400, line=5000),
]  # fmt: skip


@pytest.fixture(scope="module")
def searched(platform):
    assert platform.accepted("logs", ROWS)[0] == len(ROWS)
    return platform


def ask(platform, path, **params):
    query = urllib.parse.urlencode({"psm": ["search.demo.api", "search.demo.other"]} | params, True)
    return platform.ask("GET", f"/api/logs/{path}?{query}")


def found(platform, q, since=NOW - 10 * 86_400 + 60, **params):
    """The positions of the lines that a query finds, in the order they came."""
    reply = ask(platform, "search", q=q, since=since, **params)
    assert reply.status == 200, reply.body
    return [int(line["id"].rpartition("-")[2]) for line in reply.json["lines"]]


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ("登录", [1, 11]),
        (f"stack_hash:{HASH}", [6, 7]),
        (f"stack_hash:{HASH} again", [7]),
        (f"stack_hash:(7 OR {HASH})", [6, 7]),
        ("stack_hash:*", [6, 7]),
        ("stack_hash:0 -stack_hash:* article", [2]),
        ("用户登录", [1]),
        ("录登", []),
        ("LOGIN", [2]),
        ("login failed", [2]),
        ('"login failed"', [2]),
        ('"failed login"', []),
        ("article", [2, 6, 7]),
        ("toutiao.article.article", [2]),
        ("artic", []),
        ("artic*", [2, 6, 7]),
        ('~"rticl"', [2, 6, 7]),
        ("blk_38865049064139660", [3]),
        ("38865049064139660", [3]),
        ("10.251.43.115:50010", [4]),
        ("10.251.43", [4]),
        ("code=0", [4]),
        ('~"100%"', [5]),
        ('~"C++"', [5]),
        ("%", [5]),
        ("{id}", [1, 4]),
        ('~"{id}"', [4]),
        ("failed -request", [2]),
        ("failed NOT (request OR login)", []),
        ("login OR packetresponder", [2, 3]),
        ("KeyError", [6, 7]),
        ("message:KeyError", []),
        ("stack:KeyError", [6, 7]),
        ("level:warn", [1, 2]),
        ("level>=warning -level:error", [1, 2]),
        ("level:(ERROR OR warning)", [1, 2, 6, 7]),
        ("cluster:canary", [5]),
        ("host:10.3.48.217", [5]),
        ("host:*.217", [5]),
        ("psm:search.demo.o*", [8]),
        ("folder:rpc", [8]),
        ("called:toutiao.my.server", [8]),
        ("called:toutiao.*", [8]),
        ('called:~"MY.SERV"', [8]),
        ("called:*", [8]),
        ("rpc_status:deadline retry>0", [8]),
        ("retry>1", []),
        ("NOT retry>1 folder:rpc", [8]),
        ("line>87", [12]),
        ("line:5000", [12]),
        ("process:7", [9]),
        ("process<42", [9]),
        ("thread:140068553332480 canary OR line:5000", [12]),
        ("file:views.py:5000", [12]),
        ("file:/srv/my/views.py line:5000", [12]),
        ("file:iews.py", []),
        ("file:*iews.py line:5000", [12]),
        (LOGID, [9, 10]),
        (LOGID.upper(), [9, 10]),
        (f"logid:{LOGID}", [9]),
        ("span:00000000000000ab", [9]),
        ("", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("*", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ],
    ids=lambda value: value.replace(LOGID[:14], "") if isinstance(value, str) else None,
)
def test_what_a_query_finds(searched, query, positions):
    assert sorted(found(searched, query)) == positions


def test_the_newest_come_first_and_pages_meet_every_line_once(searched):
    in_order = [8, 7, 6, 5, 4, 3, 2, 1, 10, 9, 11, 12]
    assert found(searched, "") == in_order
    assert found(searched, "", order="asc") == in_order[::-1]
    for order, expected in (("desc", in_order), ("asc", in_order[::-1])):
        pages, cursor = [], ""
        while cursor is not None:
            answer = ask(
                searched, "search", since=NOW - 9.95 * 86_400, order=order, limit=5, cursor=cursor
            ).json
            pages.append([int(line["id"].rpartition("-")[2]) for line in answer["lines"]])
            cursor = answer["next"]
        assert [len(page) for page in pages] == [5, 5, 2]
        assert [pos for page in pages for pos in page] == expected


def test_a_line_has_all_its_columns(searched):
    reply = ask(searched, "search", q="level:error again", since=NOW - HOUR)
    (line,) = reply.json["lines"]
    assert line["stack_hash"] == str(2**64 - 5)
    assert line["stack"] == STACK
    assert (line["line"], line["process"], line["thread"]) == (87, 42, 140068553332480)
    assert (line["cluster"], line["fields"], line["cut"]) == ("default", {}, False)
    assert line["ts"] == pytest.approx(NOW - 94, abs=1e-5)
    assert reply.json["since"] == pytest.approx(NOW - HOUR, abs=1e-3)
    assert reply.headers["cache-control"] == "no-store"


def test_without_a_time_it_is_the_last_hour_or_the_time_in_the_logid(searched):
    reply = ask(searched, "search", q="登录")
    assert [line["message"] for line in reply.json["lines"]] == ["用户登录失败 id=42"]
    assert reply.json["until"] - reply.json["since"] == pytest.approx(HOUR)
    assert reply.json["logid"] is None
    reply = ask(searched, "search", q=LOGID)
    assert len(reply.json["lines"]) == 2
    assert reply.json["logid"] == LOGID
    assert reply.json["until"] - reply.json["since"] < 2 * 86_400


def test_a_time_that_is_asked_for_is_not_narrowed_by_a_logid(searched):
    for query in (LOGID, f"logid:{LOGID}"):
        reply = ask(searched, "search", q=query, since=NOW - HOUR)
        assert (reply.json["lines"], reply.json["since"]) == ([], pytest.approx(NOW - HOUR))
        reply = ask(searched, "search", q=query, until=NOW - 3 * HOUR)
        assert reply.json["lines"] == []
        assert reply.json["until"] == pytest.approx(NOW - 3 * HOUR)
        wide = ask(searched, "search", q=query, since=NOW - 9 * 86_400, until=NOW).json
        assert wide["since"] == pytest.approx(NOW - 9 * 86_400)
        assert wide["until"] == pytest.approx(NOW)
        assert wide["lines"]


def test_tabs_and_chosen_values(searched):
    assert found(searched, "failed", tab="keyword") == [7, 6, 2]
    assert found(searched, "", tab="stack") == [7, 6]
    assert found(searched, "failed", tab="stack") == []
    assert found(searched, "KeyError", tab="stack") == [7, 6]
    assert found(searched, "", tab="client") == []
    assert found(searched, "", level=["warning"]) == [2, 1]
    assert found(searched, "", level=["warning", "ERROR"]) == [7, 6, 2, 1]
    assert found(searched, "", cluster="canary") == [5]
    assert found(searched, "", folder="rpc", psm="search.demo.other") == [8]
    assert found(searched, "", psm="nobody") == []


def test_the_histogram_counts_every_line_once(searched):
    for buckets in (1, 7, 60, 1000):
        answer = ask(searched, "histogram", since=NOW - 9.95 * 86_400, buckets=buckets).json
        assert answer["total"] == len(ROWS)
        assert sum(bucket["total"] for bucket in answer["buckets"]) == len(ROWS)
        assert len(answer["buckets"]) <= buckets + 1
        starts = [bucket["ts"] for bucket in answer["buckets"]]
        assert starts == sorted(set(starts))
        assert starts[0] <= answer["since"] < starts[0] + answer["step_s"]
        levels = {}
        for bucket in answer["buckets"]:
            for level, count in bucket["levels"].items():
                levels[level] = levels.get(level, 0) + count
        assert levels == {"INFO": 8, "WARN": 1, "WARNING": 1, "ERROR": 2}
    answer = ask(searched, "histogram", q="failed", since=NOW - 200, until=NOW - 50).json
    assert (answer["total"], answer["step_s"]) == (3, 5)


@pytest.mark.parametrize("query", ["", "failed", "登录", "artic*", "level:error", "-failed"])
def test_a_count_is_that_of_the_histogram_whatever_days_it_spans(searched, query):
    for since, until in ((9.95, 0), (9.5, 3), (5.2, 4.9), (2, 1), (0.01, 0)):
        times = {"since": NOW - since * 86_400, "until": NOW - until * 86_400}
        answer = ask(searched, "count", q=query, **times).json
        assert answer["total"] == ask(searched, "histogram", q=query, **times).json["total"]


def test_a_beginning_of_more_words_than_are_looked_up(platform):
    words = [f"wide{number:04}" for number in range(1200)]
    lines = [
        row(1, " ".join(words[:600]), src=9100, psm="search.wide.words"),
        row(2, " ".join(words[600:]), src=9100, psm="search.wide.words"),
        row(3, "a wider b", src=9100, psm="search.wide.words"),
        row(4, "nothing", src=9100, psm="search.wide.words"),
    ]
    assert platform.accepted("logs", lines)[0] == 4
    for query, positions in {
        "wide*": {1, 2, 3}, "wide00*": {1}, "wide*ly": None, "wide1199*": {2}, "widest*": set(),
        '"a"': {3}, "a.wid*": {3}, "b.wid*": set(), "-wide0*": {3, 4}, "stack:wide*": set(),
        "widest* OR nothing": {4}, "-widest* OTHING": set(),
    }.items():  # fmt: skip
        text = urllib.parse.urlencode({"psm": "search.wide.words", "q": query})
        reply = platform.ask("GET", f"/api/logs/search?{text}")
        if positions is None:
            assert reply.status == 400
            continue
        assert {int(line["id"].rpartition("-")[2]) for line in reply.json["lines"]} == positions


def test_a_facet_ignores_its_own_choice(searched):
    answer = ask(searched, "facets", since=NOW - 9.95 * 86_400, host="10.3.48.217").json
    facets = {
        name: {entry["value"]: entry["count"] for entry in values}
        for name, values in answer["facets"].items()
    }
    assert set(facets) == {"psm", "cluster", "host", "level", "folder"}
    assert facets["cluster"] == {"canary": 1}
    assert facets["host"] == {"10.3.48.216": 11, "10.3.48.217": 1}
    assert facets["psm"] == {"search.demo.api": 1}
    assert facets["folder"] == {"app": 1}


def test_stacks_are_grouped(searched):
    (group,) = ask(searched, "stacks", tab="stack").json["groups"]
    assert group["stack_hash"] == str(2**64 - 5)
    assert (group["error"], group["count"]) == ("KeyError: 'article'", 2)
    assert group["psms"] == ["search.demo.api"]
    assert group["sample"]["message"] == "again the request failed"
    assert group["last"] - group["first"] == pytest.approx(1, abs=1e-3)
    assert ask(searched, "stacks", q="nothing").json["groups"] == []


def test_the_lines_around_one(searched):
    line = ask(searched, "search", q="blk_38865049064139660").json["lines"][0]
    answer = ask(searched, "context", id=line["id"], before=2, after=1).json
    assert [each["id"].rpartition("-")[2] for each in answer["lines"]] == ["1", "2", "3", "4"]
    assert answer["target"] == line["id"]
    answer = ask(searched, "context", id=line["id"], seconds=2.5).json
    assert [each["id"].rpartition("-")[2] for each in answer["lines"]] == ["1", "2", "3", "4"]
    alone = ask(searched, "context", id=line["id"], before=0, after=0).json
    assert alone["lines"] == [line]
    gone = searched.ask("GET", "/api/logs/context?id=1795428000000000-1-1")
    assert (gone.status, gone.json["error"]["kind"]) == (404, "not_found")


def test_lines_of_senders_without_positions_are_reported_apart(platform):
    when = NOW - 500
    same = [row(0, f"no position {n}", src=0, ts=when, psm="search.no.position") for n in range(9)]
    assert platform.accepted("logs", same)[0] == 9
    seen, cursor = [], ""
    while cursor is not None:
        query = urllib.parse.urlencode({"psm": "search.no.position", "limit": 2, "cursor": cursor})
        answer = platform.ask("GET", f"/api/logs/search?{query}").json
        seen += [line["message"] for line in answer["lines"]]
        cursor = answer["next"]
    assert sorted(seen) == [f"no position {n}" for n in range(9)]
    line = answer["lines"][-1]
    around = platform.ask("GET", f"/api/logs/context?id={line['id']}&before=3&after=3").json
    assert len(around["lines"]) == 4


def test_long_lines_are_cut_in_lists_and_whole_alone(platform):
    long = row(1, "很长" * 20_000, src=99, psm="search.long.line", fields={"k": "v" * 5000})
    assert platform.accepted("logs", [long])[0] == 1
    (line,) = platform.ask("GET", "/api/logs/search?psm=search.long.line").json["lines"]
    assert line["cut"]
    assert len(line["message"]) == 16_384
    (whole,) = platform.ask("GET", f"/api/logs/context?id={line['id']}").json["lines"]
    assert not whole["cut"]
    assert (whole["message"], whole["fields"]) == ("很长" * 20_000, {"k": "v" * 5000})


def test_completions(searched):
    path = "/api/logs/completions?field=psm&prefix=Search.Demo"
    values = searched.ask("GET", path).json["values"]
    assert values == ["search.demo.api", "search.demo.other"]
    assert "canary" in searched.ask("GET", "/api/logs/completions?field=cluster").json["values"]
    assert searched.ask("GET", f"{path}.api").json["values"] == ["search.demo.api"]


def test_a_query_that_is_none_says_where(searched):
    reply = ask(searched, "search", q='用户 "登录')
    assert reply.status == 400
    error = reply.json["error"]
    assert (error["code"], error["kind"]) == (400, "invalid")
    assert error["at"] == {"offset": 3, "length": 3}
    assert "quote" in error["message"]
    other = ask(searched, "search", cursor="x").json["error"]
    assert set(other) == {"code", "kind", "message"}


@pytest.mark.parametrize(
    "params",
    [
        {"since": "nan"}, {"since": "inf"}, {"since": -1}, {"since": 2, "until": 1},
        {"since": 1e12}, {"limit": 0}, {"limit": 1001}, {"cursor": "1-2"},
        {"cursor": f"1-1-{2**64}"}, {"tab": "x"}, {"order": "x"}, {"buckets": 0},
    ],
)  # fmt: skip
def test_wrong_parameters_are_reported(searched, params):
    path = "histogram" if "buckets" in params else "search"
    reply = ask(searched, path, **params)
    assert reply.status == 400, reply.body
    assert reply.json["error"]["message"]


@pytest.mark.parametrize("path", ["search", "histogram", "facets", "stacks", "tail", "tasks"])
def test_only_people_may_search(platform, path):
    assert platform.ask("GET", f"/api/logs/{path}", role="service").status == 403
    assert platform.ask("GET", f"/api/logs/{path}", role=None).status == 401


def test_indexes_are_used(tmp_path):
    """Words of every script, logids, and their alternatives need no scan of the texts."""
    import subprocess
    import sys

    script = f"""
import json, sys
from pathlib import Path
from pie.platform.pages.logs.filters import Window, log_filter
from pie.platform.ask.query.condition import Params
from pie.platform.facts.upgrade import prepare
from pie.platform.facts.engine import open_chdb
engine = open_chdb(Path({str(tmp_path)!r}), memory=1 << 30, patience=1)
prepare(engine)
rows = [dict(src=1, pos=n, ts=n, message=f"m{{n}} 用户登录失败") for n in range(1, 9)]
engine.insert("logs", "\\n".join(map(json.dumps, rows)).encode())
for query, tab in json.loads(sys.argv[1]):
    params = Params()
    where = log_filter(query, tab, {{}}).where(params, Window(0, 10**12))
    plan = engine.query(f"EXPLAIN indexes = 1 SELECT pos FROM logs WHERE {{where}}", params.values)
    print(json.dumps([line["explain"].strip() for line in plan]))
"""
    asked = [
        ("登录", "keyword", {"i_words", "i_stack_words"}),
        ("login 登录", "keyword", {"i_words", "i_stack_words"}),
        ("a OR 用户登录", "keyword", {"i_words", "i_stack_words"}),
        ("message:login", "keyword", {"i_words"}),
        ("KeyError", "stack", {"i_stack_words"}),
        (LOGID, "keyword", {"i_words", "i_stack_words", "i_logid"}),
        (f"logid:{LOGID}", "keyword", {"i_logid"}),
        ('message:~"ser login fai"', "keyword", {"i_words"}),
        ("called:*", "keyword", {"i_keys"}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([each[:2] for each in asked])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for line, (query, _, indexes) in zip(done.stdout.splitlines(), asked, strict=True):
        plan = json.loads(line)
        used = {each.removeprefix("Name: ") for each in plan if each.startswith("Name: i_")}
        assert used == indexes, (query, plan)
        assert any(each.startswith("Condition: and((ts in") for each in plan), query
