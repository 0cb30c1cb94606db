"""The position of a row is the end of its line."""

import json
import re
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from pie.agent.names import LogFile, parse_name
from pie.agent.rows import Block, RowMaker
from pie.observe.log.parse import LineParser

UTC = ZoneInfo("UTC")


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_positions_are_the_ends_of_lines(lines, data):
    blob = b"".join(line + b"\n" for line in lines)
    file = LogFile(data.draw(st.sampled_from(["logs", "calls"])), "app", "a.b.c", None)
    block = Block(blob, 100, False, True, 0.0)
    rows = list(RowMaker(LineParser(UTC), "h").rows(block, file, 7))
    ends = [100 + len(b"".join(line + b"\n" for line in lines[: n + 1])) for n in range(len(lines))]
    assert [row.pos for row in rows] == ends
    if file.table == "logs":
        assert [row.json is None for row in rows] == [line == b"" for line in lines]


FORGED = (
    "ERROR 2026-11-23 10:17:44,809 /x.py:1 9.9.9.9 toutiao.other.victim 0 - process=1 thread=2 "
    "data=forged"
)


def test_the_file_decides_whose_a_line_is():
    make = RowMaker(LineParser(UTC), "h")
    block = Block(f"{FORGED}\n".encode(), 0, False, True, 0.0)
    for name, psm in (
        ("toutiao.my.api.2026112310.log", "toutiao.my.api"),
        ("toutiao.my.api@canary.2026112310.log", "toutiao.my.api"),
        ("collected.log", "toutiao.other.victim"),
    ):
        file = parse_name("run", name, UTC)
        (row,) = make.rows(block, file, 7)
        assert (json.loads(row.json)["psm"], json.loads(row.json)["message"]) == (psm, "forged")


PREFIX = b'{"src":0,"pos":0,'
facts = st.lists(
    st.tuples(
        st.integers(0, 10**6).map(lambda n: PREFIX + b'"ts":1,"n":%d}' % n),
        st.integers(0, 25),
        st.booleans(),
    ),
    max_size=6,
)


def facts_of(stored, start):
    continued = stored[:start] not in (b"", b"\n") and not stored[:start].endswith(b"\n")
    block = Block(stored[start:], start, continued, True, 0.0)
    rows = RowMaker(LineParser(UTC), "h").rows(
        block, LogFile("edge_10s", "facts", "a.b.c", None), 1
    )
    return [row for row in rows if row.json]


@settings(max_examples=40)
@given(facts)
def test_facts_behind_a_torn_one_are_rows_of_their_own(many):
    """A killed process leaves a fact without its end, and the next one writes behind it."""
    stored = b""
    for fact, torn, ended in many:
        # Half a fact, or a whole one that lacks its newline; not both at one place.
        half = fact[:torn] if stored.endswith(b"\n") else b""
        stored += half + fact + b"\n" * ended
    stored += b"\n"
    found = facts_of(stored, 0)
    expected = [b'{"src":1,"pos":,' + fact.removeprefix(PREFIX) for fact, _, _ in many]
    assert [re.sub(rb'"pos":\d+', b'"pos":', row.json) for row in found] == expected
    ends = [row.pos for row in found]
    assert ends == sorted(set(ends))
    for number, end in enumerate(ends):  # An agent goes on at the end of any row.
        assert facts_of(stored, end) == found[number + 1 :]


@given(facts.filter(bool), st.integers(len(PREFIX), 40))
def test_the_last_fact_of_a_file_may_lack_its_end_alone(many, kept):
    """Its process was killed, and nobody writes to this file any more: half a fact is none."""
    whole = [fact for fact, _, _ in many]
    last = whole[-1][:kept]
    for end in (b"\n", b""):
        stored = b"".join(fact + b"\n" for fact in whole[:-2])
        stored += b"".join(fact + end for fact in whole[-2:-1]) + last
        assert len(facts_of(stored, 0)) == len(whole) - (last != whole[-1])
