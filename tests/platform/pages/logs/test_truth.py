"""What the store finds is what a plain reading of the query finds; and no query breaks it."""

import random
import re
import time
import urllib.parse

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.platform.ask.query.tree import And, FieldIs, Not, Or, Part, Words, to_text

NOW = time.time()
VOCABULARY = ["user", "login", "failed", "a_b", "10.0.0.1", "登录", "失败", "code=0", "x-y", "Ok"]
RANDOM = random.Random(5)
LEVELS = ["INFO", "WARNING", "ERROR"]
MESSAGES = [
    RANDOM.choice([" ", "", ", "]).join(RANDOM.choices(VOCABULARY, k=RANDOM.randint(1, 5)))
    for _ in range(60)
]
SERIOUS = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def told(platform):
    rows = [
        {
            "src": 55, "pos": number + 1, "ts": NOW - 100 + number, "psm": "truth.demo.api",
            "message": message, "level": LEVELS[number % 3], "fields": {"k": str(number % 4)},
        }
        for number, message in enumerate(MESSAGES)
    ]  # fmt: skip
    assert platform.accepted("logs", rows)[0] == len(rows)
    return platform


def tokens(text):
    """As the index cuts a text: ASCII letters and digits together, any other letter alone."""
    return re.findall(r"[0-9a-z]+|[^\x00-\x7f]", text.lower())


def holds(node, number):
    """Whether a line is one that the query asks for."""
    message = MESSAGES[number]
    match node:
        case Words(text):
            wanted, has = tokens(text), tokens(message)
            return any(
                has[at : at + len(wanted)] == wanted for at in range(len(has) - len(wanted) + 1)
            )
        case Part(text):
            return text.lower() in message.lower()
        case FieldIs("level", value):
            return LEVELS[number % 3] == value
        case FieldIs("k", value):
            return str(number % 4) == value
        case Not(part):
            return not holds(part, number)
        case And(parts):
            return all(holds(part, number) for part in parts)
        case Or(parts):
            return any(holds(part, number) for part in parts)
    raise AssertionError(node)


PHRASE = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3).map(" ".join)
LEAF = st.one_of(
    PHRASE.map(Words),
    st.sampled_from(["用", "录", "LOGIN", "0", "y", "录失"]).map(Words),
    st.text("logina_录.=-", min_size=1, max_size=4).map(Part),
    st.sampled_from(LEVELS).map(lambda level: FieldIs("level", level)),
    st.sampled_from("0123").map(lambda value: FieldIs("k", value)),
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)


NEVER = And((FieldIs("k", "0"), FieldIs("k", "1")))


@SERIOUS
@given(TREE)
@example(Not(Or((Words("LOGIN"), NEVER))))
def test_the_store_agrees_with_a_plain_reading(told, tree):
    query = urllib.parse.urlencode({"psm": "truth.demo.api", "q": to_text(tree), "limit": 1000})
    reply = told.ask("GET", f"/api/logs/search?{query}")
    assert reply.status == 200, reply.body
    found = {int(line["id"].rpartition("-")[2]) - 1 for line in reply.json["lines"]}
    assert found == {number for number in range(len(MESSAGES)) if holds(tree, number)}


PIECES = st.sampled_from(
    ['"', '~"', "(", ")", ":", "-", "*", " ", "OR", "NOT", ">=", "\\", "'", "`", "{p0:String}",
     "%", "_", "psm:", "line>", "file:", "level:", "retry<", "message:", "\0", "\n", "9" * 18,
     "登", "😀", "a", "[", "(?i)", "fields.x:", "--", ";", "/*"]
)  # fmt: skip


@SERIOUS
@given(
    st.lists(PIECES | st.text(max_size=3), max_size=10).map("".join),
    st.sampled_from(["search", "histogram", "facets", "stacks"]),
    st.sampled_from(["keyword", "stack", "client"]),
)
def test_no_query_breaks_it(platform, text, path, tab):
    query = urllib.parse.urlencode({"q": text, "tab": tab}, errors="replace")
    reply = platform.ask("GET", f"/api/logs/{path}?{query}")
    assert reply.status in (200, 400), (text, reply.body)
    if reply.status == 400:
        at = reply.json["error"]["at"]
        assert 0 <= at["offset"] < len(text)
        assert at["offset"] + at["length"] <= len(text)
