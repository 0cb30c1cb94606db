"""The query grammar on its own: trees, text again, and errors that point at a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.platform.ask.query.condition import Params, condition
from pie.platform.ask.query.parse import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from pie.platform.ask.query.tree import (
    And,
    Everything,
    FieldCompares,
    FieldIs,
    Logid,
    Not,
    Or,
    Part,
    QueryError,
    Words,
    logid_of,
    to_text,
)

LOGID = "2017041721432901000304821652640c"
A, B, C = Words("a"), Words("b"), Words("c")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("", Everything()),
        ("  \t\u3000", Everything()),
        ("*", Everything()),
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a OR (b OR c)", Or((A, B, C))),
        ("(((a)))", A),
        ("NOT a", Not(A)),
        ("-a b", And((Not(A), B))),
        ("NOT NOT a", A),
        ("-(a b)", Not(And((A, B)))),
        ("a -", And((A, Words("-")))),
        ("--verbose", Words("--verbose")),
        ("and or not", And((Words("and"), Words("or"), Words("not")))),
        ('"AND"', Words("AND")),
        ('"a b"', Words("a b")),
        (r'"a \"b\" \\ \n"', Words(r'a "b" \ \n')),
        ('~"part of"', Part("part of")),
        ("~tilde", Words("~tilde")),
        ("logi*", Words("logi", prefix=True)),
        ('"logi*"', Words("logi*")),
        ("用户登录", Words("用户登录")),
        ("code=0", Words("code=0")),
        ("10.251.43.115:50010", Words("10.251.43.115:50010")),
        ("http://x/y?z=1", Words("http://x/y?z=1")),
        ("a->b", Words("a->b")),
        ("x>y", Words("x>y")),
        ("KeyError: 'x'", And((Words("KeyError:"), Words("'x'")))),
        ("- -]", And((Words("-"), Words("-]")))),
        ("-> -- -==-", And((Words("->"), Words("--"), Words("-==-")))),
        ('-a[ -~"b" -(c)', And((Not(Words("a[")), Not(Part("b")), Not(Words("c"))))),
        ("workerEnv.init() ok", And((Words("workerEnv.init()"), Words("ok")))),
        ("sshd(pam_unix)[19939]: a", And((Words("sshd(pam_unix)[19939]:"), A))),
        ("a(b OR c)", And((A, Or((B, C))))),
        ("NOT(a) b", And((Not(A), B))),
        ("\x1b[32mDEBUG\x1b[0;39m", Words("DEBUG")),
        ("retry>12345678901234567890", FieldCompares("retry", ">", "12345678901234567890")),
        (LOGID.upper(), Logid(LOGID)),
        (f'"{LOGID}"', Words(LOGID)),
        ("psm:toutiao.my.api", FieldIs("psm", "toutiao.my.api")),
        ("PSM:toutiao.my.api", FieldIs("psm", "toutiao.my.api")),
        ("psm:toutiao.*", FieldIs("psm", "toutiao.*", "glob")),
        ('psm:"toutiao.*"', FieldIs("psm", "toutiao.*")),
        ('file:~"views"', FieldIs("file", "views", "part")),
        ("psm:(a OR b)", Or((FieldIs("psm", "a"), FieldIs("psm", "b")))),
        ("-level:(INFO OR DEBUG)", Not(Or((FieldIs("level", "INFO"), FieldIs("level", "DEBUG"))))),
        ("level>=warning", FieldCompares("level", ">=", "WARNING")),
        ("line:87", FieldIs("line", "87")),
        ("line>=87", FieldCompares("line", ">=", "87")),
        ("retry>0", FieldCompares("retry", ">", "0")),
        ("called:toutiao.x.y", FieldIs("called", "toutiao.x.y")),
        ("called:*", FieldIs("called", "*", "glob")),
        ("fields.level:x", FieldIs("fields.level", "x")),
        ("user-id:5", FieldIs("user-id", "5")),
        ('message:"not found"', Words("not found", "message")),
        ('stack:~"Key"', Part("Key", "stack")),
        ("stack:KeyError a", And((Words("KeyError", "stack"), A))),
        ("message:(a b)", And((Words("a", "message"), Words("b", "message")))),
    ],
)
def test_what_a_query_says(query, tree):
    assert parse(query) == tree


@pytest.mark.parametrize(
    ("query", "offset", "length"),
    [
        ('say "hello', 4, 6),
        ("a (b", 2, 1),
        ("a b)", 3, 1),
        ("()", 1, 1),
        ("OR a", 0, 2),
        ("a OR", 3, 1),
        ("a AND OR b", 6, 2),
        ("NOT ", 3, 1),
        ('a ""', 2, 2),
        ("level: ERROR", 0, 6),
        ("a psm:", 2, 4),
        ("line:abc", 5, 3),
        ("line>=abc", 0, 9),
        ("psm>5", 0, 4),
        ('line:~"8"', 5, 4),
        ("stack_hash:x", 11, 1),
        ("stack_hash:18446744073709551616", 11, 20),
        ("stack_hash:5*", 11, 2),
        ('stack_hash:~"5"', 11, 4),
        ("stack_hash>5", 0, 11),
        ("a stack_hash:", 2, 11),
        ("level>=loud", 0, 11),
        ("fields.:x", 8, 1),
        ("a b*c", 3, 1),
        ("用户 (登录", 3, 1),
        ("psm:(a OR", 8, 1),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), MAX_DEPTH, 1),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS, 1),
        ("a" * (MAX_LENGTH + 2), MAX_LENGTH, 2),
    ],
)
def test_errors_point_at_a_character(query, offset, length):
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert (caught.value.at.offset, caught.value.at.length) == (offset, length)
    assert f"character {offset + 1}" in caught.value.message


TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x1b"), min_size=1, max_size=12
).filter(str.strip)
KEY = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
NAME = st.sampled_from(["psm", "cluster", "host", "level", "folder", "file", "logid", "span"])
COLUMN = st.sampled_from(["", "message", "stack"])
GLOB = st.from_regex(r"[a-z.]{0,5}\*[a-z.]{1,5}", fullmatch=True)
NUMBER = st.integers(0, 10**17).map(str)
LEAF = st.one_of(
    st.just(Everything()),
    st.builds(Words, TEXT, COLUMN),
    st.builds(Words, st.from_regex(r"[a-z登录]{1,8}", fullmatch=True), COLUMN, st.just(True)),
    st.builds(Part, TEXT, COLUMN),
    st.from_regex(r"[0-9a-f]{32}", fullmatch=True).map(Logid),
    st.builds(FieldIs, NAME | KEY.map("x".__add__), TEXT, st.sampled_from(["exact", "part"])),
    st.builds(FieldIs, NAME, GLOB, st.just("glob")),
    st.builds(FieldIs, st.sampled_from(["line", "process", "thread"]), NUMBER),
    st.builds(FieldIs, st.just("stack_hash"), st.integers(0, 2**64 - 1).map(str)),
    st.just(FieldIs("stack_hash", "*", "glob")),
    st.builds(FieldCompares, st.just("line"), st.sampled_from([">", ">=", "<", "<="]), NUMBER),
)


def joined(kind, parts):
    """And or Or as the parser makes them: never directly inside itself."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, kind) else (part,))]
    return kind(tuple(flat))


TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(And, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(Or, parts)),
        inner.map(lambda part: part.part if isinstance(part, Not) else Not(part)),
    ),
    max_leaves=8,
)


@given(TREE)
def test_a_tree_as_text_parses_to_itself(tree):
    assert parse(to_text(tree)) == tree


SNIPPET = st.sampled_from(
    ['"', '~"', "(", ")", ":", "-", "*", " ", "OR", "AND", "NOT", ">=", "\\", "psm:", "line>", "a"]
)


@given(st.text(max_size=40) | st.lists(SNIPPET | st.text(max_size=3), max_size=15).map("".join))
def test_any_text_is_a_query_or_an_error_inside_it(query):
    try:
        tree = parse(query)
    except QueryError as error:
        assert parse(error.literal) is not None
        assert 0 <= error.at.offset < len(query)
        assert 1 <= error.at.length <= len(query) - error.at.offset
    else:
        assert parse(to_text(tree)) == tree


@given(TREE)
def test_nothing_that_was_typed_stands_in_the_sql(tree):
    params = Params()
    sql = condition(tree, params, ("message", "stack"))
    assert sql.isascii()
    for value in params.values.values():
        if isinstance(value, str) and len(value) > 20:
            assert value not in sql


@pytest.mark.parametrize(
    ("query", "logid"),
    [
        (LOGID, LOGID),
        (f"error {LOGID} psm:a", LOGID),
        (f"logid:{LOGID.upper()}", LOGID),
        (f"NOT {LOGID}", None),
        (f"{LOGID} OR a", None),
        ("a", None),
    ],
)
def test_the_logid_that_a_query_asks_for(query, logid):
    assert logid_of(parse(query)) == logid
