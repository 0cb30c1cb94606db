"""The position of a row is the end of its line."""

import json
from zoneinfo import ZoneInfo

from hypothesis import given
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
