"""The reading of a query without a store is that of the store: what ``pie logs --local`` finds."""

import random
import time
import urllib.parse

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.platform.pages.logs import corpus

from pie.observe.log.colour import without_colours
from pie.platform.ask.query.fallback import doubtful, with_texts
from pie.platform.ask.query.matches import matches
from pie.platform.ask.query.parse import parse
from pie.platform.ask.query.tree import QueryError

NOW = time.time()
PSM = "twin.demo.api"
RANDOM = random.Random(11)
NUMBERS = ["0", "-1", "1.5", "9007199254740993", "9007199254740992", "1e3", "x", "", "1e99", "nan"]
MESSAGES = [
    *corpus.lines(3, 40),
    "a_b", "a b", "A-B", "C++ and C", "[x] -1 \"quoted\"", "100%", "don't", "b'foo'", "ab a b",
    "Straße STRASSE", "ÉCOLE école", "Ошибка", "登录 用户登录失败", "x" * 50, "tab\tand\nline",
    "K k", "timeout timeouts time", "10.0.0.1:80 10.0.0.10", "a.b:c_d'e", "'", "-", "", "ſ s", "İi",
]  # fmt: skip
LINES = [
    {
        "src": 9901, "pos": number + 1, "ts": NOW - 100 + number / 10, "psm": PSM,
        "message": message, "level": RANDOM.choice(["INFO", "warn", "Error", "odd", ""]),
        "logid": RANDOM.choice(["", "2017041721432901000304821652640c"]),
        "stack": RANDOM.choice(["", "", "Traceback\nKeyError: 'id'"]),
        "stack_hash": number % 3, "file": RANDOM.choice(["", "/srv/my/views.py", "views.py"]),
        "line": number, "process": 42, "thread": 2**64 - 1 - number % 2, "folder": "app",
        "host": f"10.0.0.{number % 3}", "cluster": "default", "span_id": "",
        "fields": RANDOM.choice([{}, {"id": RANDOM.choice(NUMBERS), "Key": "a_b C++"}]),
    }
    for number, message in enumerate(MESSAGES)
]  # fmt: skip
KEYS = {key for line in LINES for key in line["fields"]}


@pytest.fixture(scope="module")
def told(platform):
    assert platform.accepted("logs", LINES)[0] == len(LINES)
    return platform


def plainly(query):
    node = parse(query)
    node = with_texts(node, {each.name for each in doubtful(node)} - KEYS)
    stored = ({**line, "message": without_colours(line["message"])} for line in LINES)
    return {line["pos"] for line in stored if matches(node, line)}


def in_the_store(platform, query):
    text = urllib.parse.urlencode({"psm": PSM, "q": query, "limit": 1000})
    reply = platform.ask("GET", f"/api/logs/search?{text}")
    assert reply.status == 200, (query, reply.body)
    return {int(line["id"].rpartition("-")[2]) for line in reply.json["lines"]}


MESSAGE = st.sampled_from(MESSAGES).filter(str.strip)
CUT = st.tuples(MESSAGE, st.integers(0, 60), st.integers(1, 12)).map(
    lambda cut: cut[0][cut[1] : cut[1] + cut[2]]
)
WORD = st.sampled_from([word for line in MESSAGES for word in line.split()])
QUOTED = (CUT | WORD).map(lambda text: text.replace("\\", "\\\\").replace('"', '\\"'))
FIELD = st.sampled_from(
    ["id", "Key", "level", "file", "host", "message", "stack", "logid", "psm", "uid", "fields.id"]
)
VALUE = WORD | st.sampled_from(
    [*NUMBERS, "*", "a*", "*y", "v*.py", "views.py", "views.py:7", "WARN", "error", "keyerror"]
)
LEAF = st.one_of(
    WORD,
    CUT,
    QUOTED.map('"{}"'.format),
    QUOTED.map('~"{}"'.format),
    WORD.map(lambda word: f"{word[:3]}*"),
    st.builds("{}:{}".format, FIELD, VALUE),
    st.builds('{}:~"{}"'.format, FIELD, QUOTED),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["id", "line", "thread", "uid"]),
        st.sampled_from([">", ">=", "<", "<="]),
        st.sampled_from([*NUMBERS[:5], str(2**64 - 1), "10", "10.5"]),
    ),
    st.sampled_from(["level>=warning", "level<error", "stack_hash:*", "stack_hash:1", "line:7"]),
)
QUERY = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds("{} {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        inner.map("NOT ({})".format),
        inner.map("-{}".format),
    ),
    max_leaves=4,
)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(QUERY)
@example("a_b")
@example("C++")
@example('"[x]"')
@example('"-1"')
@example("école")
@example("-id>0")
@example("Key:*")
@example("-(uid:5 OR a)")
def test_the_store_and_the_plain_reading_agree(told, query):
    try:
        wanted = plainly(query)
    except QueryError:
        return
    assert in_the_store(told, query) == wanted
