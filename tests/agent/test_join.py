"""Tracebacks on stdout become one row each, with positions that a second reading repeats."""

import itertools
import json
import os
import time
import traceback
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.agent.join import MOST_BYTES, MOST_LINES
from pie.agent.names import LogFile, parse_name
from pie.agent.rows import Block, RowMaker
from pie.observe.log.parse import LineParser
from pie.observe.log.stack import error_line

UTC = ZoneInfo("UTC")
MAKE = RowMaker(LineParser(UTC), "10.0.0.9")
RUN = LogFile("logs", "run", "a.b.c", None, "canary")
STACK = (
    "Traceback (most recent call last):\n"
    '  File "/srv/my/handler.py", line 7, in get\n'
    "    raise KeyError(用户)\n"
    "    ~~~~~^^^^^^^\n"
    "KeyError: '用户 not found'\n"
)
GROUP = (
    "  + Exception Group Traceback (most recent call last):\n"
    '  |   File "/srv/a.py", line 1, in <module>\n'
    "  | ExceptionGroup: two went wrong (2 sub-exceptions)\n"
    "  +-+---------------- 1 ----------------\n"
    "    | ValueError: 1\n"
    "    +---------------- 2 ----------------\n"
    "    | Traceback (most recent call last):\n"
    '    |   File "/srv/a.py", line 2, in f\n'
    "    | TypeError: 2\n"
    "    +------------------------------------\n"
)
DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"


def rows(text, start=0, *, at_end=True, quiet=True):
    block = Block(text, start, False, at_end, 0.0, quiet)
    return [(row.pos, row.json and json.loads(row.json)) for row in MAKE.rows(block, RUN, 7)]


def test_a_traceback_is_one_row():
    text = f"before\n{STACK}after\n".encode()
    found = rows(text, at_end=True, quiet=False)
    assert [row["message"] for _, row in found] == [
        "before", "KeyError: '用户 not found'", "after",
    ]  # fmt: skip
    stacked = found[1][1]
    assert (stacked["stack"], stacked["level"], stacked["psm"]) == (STACK[:-1], "ERROR", "a.b.c")
    assert stacked["stack_hash"] > 0
    assert stacked["cluster"] == "canary"
    assert found[1][0] == len(f"before\n{STACK}".encode())


def test_a_group_of_exceptions_is_one_row():
    found = rows(f"{GROUP}after\n".encode(), quiet=False)
    assert [row["message"] for _, row in found] == [
        "ExceptionGroup: two went wrong (2 sub-exceptions)", "after",
    ]  # fmt: skip
    assert found[0][1]["stack"] == GROUP[:-1]
    assert error_line(GROUP) == "ExceptionGroup: two went wrong (2 sub-exceptions)"


def printed():
    """What Python itself prints of a chain of three, a group among them."""
    try:
        try:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ExceptionGroup("second", [ValueError(1)]) from error
        except ExceptionGroup:
            raise ExceptionGroup("third", [TypeError(2)])  # noqa: B904
    except ExceptionGroup as error:
        try:
            raise RuntimeError("用户") from error
        except RuntimeError:
            return traceback.format_exc()


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (f"{STACK}{DURING}{STACK}", "KeyError: '用户 not found'"),
        (f"{STACK}{CAUSE}{STACK}{DURING}{STACK}", "KeyError: '用户 not found'"),
        (f"{STACK}{CAUSE}{GROUP}", "ExceptionGroup: two went wrong (2 sub-exceptions)"),
        (f"{GROUP.replace('two', 'four')}{DURING}{GROUP}",
         "ExceptionGroup: two went wrong (2 sub-exceptions)"),
        (f"{GROUP}{DURING}{STACK}", "KeyError: '用户 not found'"),
        (printed(), "RuntimeError: 用户"),
    ],
)  # fmt: skip
def test_exceptions_that_led_to_one_another_are_one_row(stack, message):
    found = [row for _, row in rows(f"before\n{stack}after\n".encode(), quiet=False)]
    assert [row["message"] for row in found] == ["before", message, "after"]
    assert found[1]["stack"] == stack[:-1]
    assert [row["stack"] for _, row in rows(stack.replace("\n", "\r\n").encode())] == [stack[:-1]]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (f"{STACK}\nafter\n", ["KeyError: '用户 not found'", "after"]),
        (f"{STACK}{DURING}after\n", ["KeyError: '用户 not found'", DURING.strip(), "after"]),
        (f"{STACK}{DURING.replace('During', 'While')}{STACK}",
         ["KeyError: '用户 not found'", DURING.replace("During", "While").strip(),
          "KeyError: '用户 not found'"]),
        (f"{STACK}\n{STACK}", ["KeyError: '用户 not found'"] * 2),
        (f"{DURING}{STACK}", [DURING.strip(), "KeyError: '用户 not found'"]),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_chain_is_taken_apart(text, messages):
    assert [row["message"] for _, row in rows(text.encode()) if row] == messages


def test_a_long_chain_is_bounded_as_a_whole():
    found = rows((STACK + (DURING + STACK) * MOST_LINES).encode(), quiet=False)
    assert MOST_LINES - 20 < found[0][1]["stack"].count("\n") < MOST_LINES
    wide = STACK.replace("KeyError: ", "KeyError: " + "x" * 10_000)
    found = rows((wide + (DURING + wide) * 20).encode(), quiet=False)
    assert 100_000 < len(found[0][1]["stack"].encode()) <= MOST_BYTES


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("Traceback (most recent call last):\nplain text here\n", [
            "Traceback (most recent call last):", "plain text here",
        ]),
        (f"Traceback (most recent call last):\n{STACK}", [
            "Traceback (most recent call last):", "KeyError: '用户 not found'",
        ]),
        ("Traceback (most recent call last):\n  x\n\nafter\n", ["x", "after"]),
        (f"{STACK}{STACK}", ["KeyError: '用户 not found'"] * 2),
        (STACK.replace("\n", "\r\n"), ["KeyError: '用户 not found'"]),
        ("KeyboardInterrupt\n", ["KeyboardInterrupt"]),
        ("Traceback (most recent call last):\n  x\nKeyboardInterrupt\n", ["KeyboardInterrupt"]),
    ],
)  # fmt: skip
def test_what_belongs_together(text, messages):
    found = [row["message"].strip() for _, row in rows(text.encode()) if row]
    assert found == messages


def test_a_record_is_bounded():
    frame = '  File "/srv/my/handler.py", line 7, in get\n'
    endless = "Traceback (most recent call last):\n" + frame * (2 * MOST_LINES)
    found = rows(endless.encode(), quiet=False)
    assert found[0][1]["stack"].count("\n") == MOST_LINES - 1
    wide = "Traceback (most recent call last):\n" + ("  " + "x" * 10_000 + "\n") * 20
    found = rows(wide.encode(), quiet=False)
    assert 100_000 < len(found[0][1]["stack"]) <= MOST_BYTES


PIECE = st.sampled_from(
    [
        "plain\n", "  indented\n", "\n", STACK, GROUP, STACK.rpartition("KeyError")[0],
        "Traceback (most recent call last):\n", "KeyError: late\n", "用户登录失败\n",
        DURING, CAUSE, DURING[:-1], STACK + DURING + STACK, GROUP + CAUSE,
        "    +------------------------------------\n",
    ]
)  # fmt: skip


def deliver(text, cuts, quiets):
    """Rows of a text that grows from cut to cut, as a stream reads it."""
    pos, found = 0, []
    for size, quiet in zip([*cuts, len(text)], quiets, strict=True):
        end = text.rfind(b"\n", pos, size) + 1
        if end <= pos:
            continue
        new = rows(text[pos:end], pos, at_end=True, quiet=quiet)
        found += new
        pos = new[-1][0] if new else pos
    return found


@settings(deadline=None)
@given(st.lists(PIECE, max_size=12).map("".join), st.data())
def test_however_it_grows_the_records_are_the_same(text, data):
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    grown = deliver(whole, cuts, [False] * len(cuts) + [True])
    assert grown == rows(whole)


@settings(deadline=None)
@given(st.lists(PIECE, max_size=12).map("".join), st.data())
def test_whenever_it_is_not_waited_for_nothing_is_lost(text, data):
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    quiets = [data.draw(st.booleans()) for _ in cuts] + [True]
    grown = deliver(whole, cuts, quiets)
    positions = [pos for pos, _ in grown]
    assert positions == sorted(set(positions))
    texts = [(row["stack"] or row["message"]) if row else "" for _, row in grown]
    assert "".join(f"{each}\n" for each in texts) == text


@settings(deadline=None)
@given(st.lists(PIECE, max_size=12).map("".join), st.integers(0, 11))
def test_a_second_reading_from_any_record_gives_the_same_positions(text, number):
    whole = text.encode()
    first = rows(whole)
    pos = first[min(number, len(first) - 1)][0] if first else 0
    again = rows(whole[pos:], pos)
    assert again == [row for row in first if row[0] > pos]


@settings(deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=12).map("".join), st.integers(20, 400))
def test_blocks_of_any_size_come_to_the_end(text, quantum):
    whole = text.encode()
    pos, found = 0, []
    for _ in range(len(whole) + 2):
        if pos == len(whole):
            break
        end = whole.rfind(b"\n", pos, pos + quantum) + 1
        if end <= pos:
            end = whole.find(b"\n", pos) + 1
        new = rows(whole[pos:end], pos, at_end=end == len(whole))
        found += new
        pos = new[-1][0] if new else pos
    assert pos == len(whole)
    texts = [(row["stack"] or row["message"]) if row else "" for _, row in found]
    assert "".join(f"{each}\n" for each in texts) == text


def test_on_the_road(road, platform, start, eventually):
    hour = time.strftime("%Y%m%d%H", time.gmtime())
    path = road.write("before\n", folder="run", hour=hour, name="toutiao.my.server@canary")
    start()
    eventually(lambda: len(platform.all()) == 1)
    for line in STACK.splitlines(keepends=True):
        road.write(line, path=path)
        time.sleep(0.05)
    for line in f"{DURING}{STACK}after\n".splitlines(keepends=True):
        road.write(line, path=path)
        time.sleep(0.05)
    eventually(lambda: len(platform.all()) == 3)
    before, stacked, after = platform.all()
    assert stacked["stack"] == f"{STACK}{DURING}{STACK[:-1]}"
    assert (stacked["psm"], stacked["cluster"]) == ("toutiao.my.server", "canary")
    assert (before["message"], after["message"]) == ("before", "after")
    assert after["pos"] == path.stat().st_size
    assert not platform.disorder


def test_a_traceback_that_breaks_off_is_not_waited_for_long(road, platform, start, eventually):
    hour = time.strftime("%Y%m%d%H", time.gmtime())
    broken = STACK.rpartition("KeyError")[0]
    path = road.write(broken, folder="run", hour=hour)
    agent = start()
    eventually(lambda: len(platform.all()) == 1)
    assert platform.all()[0]["stack"] == broken[:-1]
    eventually(agent.is_level)
    road.write("KeyError: late\n", path=path)
    eventually(lambda: platform.messages()[1:] == ["KeyError: late"])


def test_an_old_file_is_not_waited_for(road, platform, start, eventually):
    path = road.write(STACK.rpartition("KeyError")[0] + "Key", folder="run", hour="2020010100")
    os.utime(path, (1577840400, 1577840400))
    agent = start()
    eventually(lambda: len(platform.all()) == 2)
    eventually(agent.is_level)
    assert platform.all()[1]["message"] == "Key"


@pytest.mark.parametrize(
    ("name", "psm", "cluster"),
    [
        ("toutiao.my.api@canary.2026112310.log", "toutiao.my.api", "canary"),
        ("toutiao.my.api@cn.east-1.2026112310.log", "toutiao.my.api", "cn.east-1"),
        ("toutiao.my.api.4711@canary.log", "toutiao.my.api", "canary"),
        ("toutiao.my.api@.log", "toutiao.my.api", "default"),
        ("someone@home.log", "someone@home", "default"),
        ("toutiao.my.api.2026112310.log", "toutiao.my.api", "default"),
    ],
)
def test_the_name_of_a_file_tells_the_cluster(name, psm, cluster):
    file = parse_name("app", name, UTC)
    assert (file.psm, file.cluster) == (psm, cluster)


def test_every_line_has_the_cluster_of_its_file(road, platform, start, eventually):
    names = itertools.product(("app", "rpc", "python"), ("a.b.c", "a.b.c@canary"))
    for folder, name in names:
        road.write(road.line(f"{folder} {name}"), folder=folder, name=name)
    start()
    eventually(lambda: len(platform.all()) == 6)
    for row in platform.all():
        assert row["cluster"] == ("canary" if "@" in row["message"] else "default")
