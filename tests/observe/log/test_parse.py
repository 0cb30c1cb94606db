from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.observe.facts.rows import LogRow
from pie.observe.log.line import LineFormat
from pie.observe.log.parse import LineParser, unescape
from pie.observe.log.stack import split_stack, stack_hash

parse = LineParser(UTC)
SEED = (
    "INFO 2017-04-18 11:17:44,809 /path/file.py:87 10.6.131.78 toutiao.my.api 0 - "
    "process=84168 thread=140068553332480 data= * Running on http://0.0.0.0:7701/"
)
TRACEBACK = """Traceback (most recent call last):
  File "/opt/app/views.py", line 12, in get_item
    return items[key]
           ~~~~~^^^^^
KeyError: 4711"""


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def format_line(row, zone=UTC):
    at = datetime.fromtimestamp(row.ts, zone)
    message = row.message + ("\n" + row.stack if row.stack else "")
    return (
        f"{row.level} {at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {row.file}:{row.line} "
        f"{row.host} {row.psm} {row.logid or '0'} {row.span_id or '-'} process={row.process} "
        f"thread={row.thread} data={escape(message)}"
    )


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
hex_digits = "0123456789abcdef"
rows = st.builds(
    LogRow,
    ts=st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000),
    folder=st.just("app"),
    host=st.sampled_from(["10.6.131.78", "fd00::1"]),
    psm=st.sampled_from(["toutiao.my.api", "a.b.c_2"]),
    level=st.sampled_from(["DEBUG", "INFO", "WARNING", "Level 7", "通知"]),
    logid=st.sampled_from(["", "2017041721432901000304821652640c"]),
    span_id=st.one_of(st.just(""), st.text(hex_digits, min_size=16, max_size=16)),
    process=st.integers(0, 4_194_304),
    thread=st.integers(0, 2**59),
    file=st.sampled_from(
        ["/a/b.py", "/with space/b c.py", "C:\\x y:9\\z.py", "<string>", "/目录/x.py"]
    ),
    line=st.integers(0, 999_999),
    message=text.filter(lambda t: "Traceback" not in t),
)


@given(rows)
def test_a_formatted_row_is_read_back(row):
    assert parse(format_line(row), "app") == row


@given(rows.filter(lambda row: row.message))
def test_a_traceback_is_reported_from_the_message(row):
    row.stack = TRACEBACK
    row.stack_hash = stack_hash(TRACEBACK)
    assert parse(format_line(row), "app") == row


@given(text)
def test_unescape_undoes_escape(value):
    assert "\n" not in escape(value)
    assert unescape(escape(value)) == value


@given(st.text(max_size=300), st.sampled_from(["app", "rpc"]))
def test_no_text_is_too_odd(value, folder):
    parse(value, folder)
    parse(SEED + value, folder)
    parse(SEED[:40] + value + SEED[40:], folder)


@given(rows)
def test_what_the_services_write_is_read_back(row):
    writer = LineFormat(row.host, row.psm)
    written = writer.line(
        level=row.level,
        ts=row.ts,
        location=f"{row.file}:{row.line}",
        message=row.message,
        process=row.process,
        thread=row.thread,
        logid=row.logid,
        span_id=row.span_id,
    )
    assert written.count(b"\n") == 1
    read = parse(written.decode().removesuffix("\n"), "app")
    assert read is not None
    assert abs(read.ts - row.ts) < 0.0011
    read.ts = row.ts
    assert read == row


def test_the_seeds_line():
    assert parse(SEED, "app") == LogRow(
        ts=1492514264.809,
        folder="app",
        host="10.6.131.78",
        psm="toutiao.my.api",
        level="INFO",
        process=84168,
        thread=140068553332480,
        file="/path/file.py",
        line=87,
        message=" * Running on http://0.0.0.0:7701/",
    )


def test_times_are_in_the_fleets_zone():
    shanghai = LineParser(ZoneInfo("Asia/Shanghai"))(SEED, "app")
    assert shanghai is not None
    assert shanghai.ts == 1492514264.809 - 8 * 3600


def test_a_logid_is_lower_case():
    line = SEED.replace(" 0 - ", " 2017041721432901000304821652640C 00f067aa0ba902b7 ")
    row = parse(line, "app")
    assert (row.logid, row.span_id) == ("2017041721432901000304821652640c", "00f067aa0ba902b7")


def test_pairs_of_the_rpc_client():
    data = " retry=0 cost=20 called=toutiao.my.server error=no such item method=GetItem"
    line = SEED.partition("data=")[0] + "data=" + data
    row = parse(line, "rpc")
    assert row.message == data
    assert row.fields == {
        "retry": "0",
        "cost": "20",
        "called": "toutiao.my.server",
        "error": "no such item",
        "method": "GetItem",
    }
    assert parse(line, "app").fields == {}
    assert parse(SEED, "rpc").fields == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        SEED.replace("2017-04-18", "2017-13-18"),
        SEED.replace("process=84168", "process="),
        SEED.replace("process=84168", "process=" + "9" * 30),
        SEED.replace(":87", ""),
        SEED.replace("data=", "date="),
    ],
)
def test_other_lines_are_not_of_the_format(line):
    assert parse(line, "app") is None


def test_the_stack_hash_forgets_what_varies():
    other = TRACEBACK.replace("4711", "4712").replace("return items[key]", "return items[k]")
    assert stack_hash(other) == stack_hash(TRACEBACK)
    assert stack_hash(TRACEBACK.replace("line 12", "line 13")) != stack_hash(TRACEBACK)
    assert stack_hash(TRACEBACK.replace("KeyError", "ValueError")) != stack_hash(TRACEBACK)
    assert 0 < stack_hash(TRACEBACK) < 2**63


def test_a_message_that_is_all_stack_is_named_by_the_error():
    assert split_stack(TRACEBACK + "\n") == ("KeyError: 4711", TRACEBACK + "\n")


def test_an_exception_group_is_a_stack():
    group = '  + Exception Group Traceback (most recent call last):\n  |   File "a", line 1, in f'
    assert split_stack("it failed\n" + group) == ("it failed", group)


def test_a_long_hostile_line_takes_no_long_time():
    head = SEED.partition("/path")[0]
    assert parse(head + ":1 a b c d process=" * 40_000, "app") is None
    assert parse(head + ":1" * 400_000, "app") is None
    assert parse(SEED.partition("data=")[0] + "data=" + " a" * 400_000, "rpc") is not None
