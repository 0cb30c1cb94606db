"""A pasted line, or a piece of it, is found; or the answer offers the query that finds it."""

import time
import urllib.parse
import zlib

import pytest
from tests.platform.pages.logs import corpus

NOW = time.time()
PSM = "pasted.demo.api"
STYLES = 20
LINES = corpus.lines(7, 10 * STYLES)


def row(pos, message, *, psm=PSM, **more):
    return {
        "src": zlib.crc32(psm.encode()), "pos": pos, "ts": NOW - 300 + pos / 10, "psm": psm,
        "message": message, "level": "INFO",
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def pasted(platform):
    rows = [row(number + 1, line) for number, line in enumerate(LINES)]
    assert platform.accepted("logs", rows)[0] == len(rows)
    return platform


def ask(platform, q, psm=PSM, path="search", **more):
    query = urllib.parse.urlencode({"psm": psm, "q": q, "limit": 1000} | more)
    return platform.ask("GET", f"/api/logs/{path}?{query}")


def positions(reply):
    return {int(line["id"].rpartition("-")[2]) for line in reply.json["lines"]}


def found(platform, q, number):
    """Whether the query finds the line, or else what its answer offers."""
    reply = ask(platform, q)
    if reply.status == 400:
        offered = reply.json["error"]["literal"]
    else:
        assert reply.status == 200, reply.body
        if number + 1 in positions(reply):
            return True
        offered = reply.json["literal"]
    return number + 1 in positions(ask(platform, offered))


@pytest.mark.parametrize("style", range(STYLES))
def test_a_pasted_piece_is_found_or_the_query_that_finds_it_is_offered(pasted, style):
    for piece in corpus.pieces(style, LINES[style]):
        assert found(pasted, piece, style), piece


@pytest.mark.slow
@pytest.mark.parametrize("style", range(STYLES))
def test_many_pasted_pieces(pasted, style):
    for number in range(style, len(LINES), STYLES):
        for seed in range(4):
            for piece in corpus.pieces(seed, LINES[number]):
                assert found(pasted, piece, number), piece


@pytest.mark.parametrize(
    ("piece", "line"),
    [
        ("uid:40883", "the uid:40883 of it"),
        ("a:b:c", "list a:b:c, d"),
        ("- -]", "[req-1 - - -] GET"),
        ("localhost:8080", "connect to localhost:8080 failed"),
        ("views.py:87", "in views.py:87"),
        ("std::map", "at std::map"),
        ("fe80::1%eth0", "on fe80::1%eth0"),
        ("d.dropbox.com:443", "to d.dropbox.com:443 open"),
        ("workerEnv.init()", "x workerEnv.init() ok"),
        ("foo", "a b'foo' != u'bar'"),
        ("don't", "they don't know"),
        ("ошибка", "Ошибка сервера"),
        ("CAFÉ", "a café"),
        ("latency>100", "latency > 100 ms"),
        ("DEBUG", "\x1b[32mDEBUG\x1b[0;39m of it"),
        ('"DEBUG of it"', "\x1b[32mDEBUG\x1b[0;39m of it"),
        ('~"BUG of"', "\x1b[32mDEBUG\x1b[0;39m of it"),
        ("link", "\x1b]8;;http://x\x07link\x1b]8;;\x07 there"),
    ],
)
def test_these_are_found_at_once(platform, piece, line):
    psm = f"pasted.once.x{abs(hash(piece)) % 10**8}"
    assert platform.accepted("logs", [row(1, line, psm=psm), row(2, "no", psm=psm)])[0] == 2
    assert positions(ask(platform, piece, psm)) == {1}
    assert ask(platform, piece, psm, "histogram").json["total"] == 1


def test_a_field_that_no_line_has_is_text_and_the_answer_says_so(platform):
    with_field = row(1, "of a client", psm="pasted.field.with", fields={"uid": "40883"})
    as_text = row(2, "the uid:40883 there", psm="pasted.field.text")
    assert platform.accepted("logs", [with_field, as_text])[0] == 2
    answer = ask(platform, "there uid:40883", "pasted.field.text")
    assert positions(answer) == {2}
    assert answer.json["taken_as_text"] == [
        {"field": "uid", "text": "uid:40883", "offset": 6, "length": 9}
    ]
    for both in ("uid:40883", "uid>=40883"):
        answer = ask(platform, both, ["pasted.field.with", "pasted.field.text"])
        assert ask(platform, both, "pasted.field.with").json["taken_as_text"] == []
        assert positions(ask(platform, both, "pasted.field.with")) == {1}
    assert ask(platform, "-uid:40883", "pasted.field.text").json["lines"] == []
    assert ask(platform, "uid:*", "pasted.field.text").json["lines"] == []
    assert len(ask(platform, "-uid:*", "pasted.field.text").json["lines"]) == 1


def test_an_error_offers_the_query_that_is_meant(platform):
    reply = ask(platform, 'Mozilla/5.0 (X11; "Linux')
    assert reply.status == 400
    assert reply.json["error"]["literal"] == '~"Mozilla/5.0 (X11; \\"Linux"'


@pytest.mark.parametrize("cut", [0, 30])
def test_a_line_of_a_services_file_is_found_by_its_message(platform, cut):
    logid = time.strftime("%Y%m%d%H%M%S", time.gmtime(NOW)) + "010003048216010abc"
    message = 'say "x"\nand (more'
    sent = row(1, message, psm="pasted.file.line", logid=logid, span_id="00000000000000ab")
    assert sum(platform.accepted("logs", [sent])) == 1
    raw = (
        f"INFO 2026-04-18 11:17:44,809 /srv/my/views.py:87 10.6.131.78 pasted.file.line {logid} "
        'ab process=84168 thread=140068553332480 data=say "x"\\nand (more'
    )
    reply = ask(platform, raw[cut:], "pasted.file.line")
    answer = reply.json["error"] if reply.status == 400 else reply.json
    assert positions(ask(platform, answer["literal"], "pasted.file.line")) == {1}


def test_numbers_compare_exactly(platform):
    big = 2**53
    rows = [
        row(n, "n", psm="pasted.exact.numbers", thread=2**64 - 3 + n, fields={"id": str(big + n)})
        for n in range(3)
    ] + [row(5, "n", psm="pasted.exact.numbers", fields={"id": "1.25e1"})]
    assert platform.accepted("logs", rows)[0] == 4
    for query, expected in {
        f"id>{big}": {1, 2},
        f"id>={big + 1}": {1, 2},
        f"id<{big + 1}": {0, 5},
        f"id<={big + 1}": {0, 1, 5},
        f"id>{big}.5": {1, 2},
        "id>12.4 id<12.6": {5},
        f"thread>{2**64 - 2}": {2},
        f"thread>={2**64 - 2}": {1, 2},
        f"thread:{2**64 - 1}": {2},
        f"thread<{2**64}": {0, 1, 2, 5},
        f"thread>{10**30}": set(),
        "thread>-5 thread<0.5": {5},
    }.items():
        assert positions(ask(platform, query, "pasted.exact.numbers")) == expected, query
