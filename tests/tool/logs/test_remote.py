"""``pie logs`` against a platform: search, and a tail that survives it."""

import json
import signal
import time

import pytest

from pie.tool.logs.lines import words_of
from pie.tool.terminal.text import visible_width
from pie.tool.terminal.when import parse_when

LOGID = "2017041721432901000304821652640c"


def test_lines_are_shown_beautifully(pie) -> None:
    done = pie("logs")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    first = next(n for n, line in enumerate(lines) if "文章 104 found" in line)
    assert lines[first].split()[2:5] == ["INFO", "toutiao.article.article", LOGID]
    assert lines[first + 1] == "    second line"
    broken = next(n for n, line in enumerate(lines) if "article 105" in line)
    assert lines[broken + 1 : broken + 4] == [
        "    Traceback (most recent call last):",
        '      File "a.py", line 1',
        "    KeyError: 'since'",
    ]
    assert "slow disk" in done.stdout  # without its colours
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["article"], 2),
        (["toutiao.article.article", "toutiao.device.device_info"], 3),
        (["--level", "warning"], 2),
        (["-q", "104 OR slow"], 2),
        (["-q", "broken OR slow", "--level", "ERROR"], 1),
        (["-q", "文章"], 1),
        (["--logid", LOGID.upper(), "--since", "1h"], 2),
        (["--host", "10.3.23.162"], 1),
        (["-n", "1"], 1),
        (["--since", "1d", "--until", "now", "article"], 2),
    ],
)
def test_what_is_asked_for(pie, arguments, count) -> None:
    done = pie("logs", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count
    assert found == sorted(found, key=lambda line: line["ts"])


def test_a_terminal_marks_what_was_searched(pie) -> None:
    shown = pie.in_terminal("logs", "-q", "104 OR nothing", "article")
    assert "\x1b[33m\x1b[1m104\x1b[0m" in shown
    assert LOGID[-8:] in shown
    assert LOGID not in shown
    assert LOGID in pie.in_terminal("logs", "--full", "article")
    assert visible_width(shown.splitlines()[0]) < 80


def test_nothing_found(pie) -> None:
    done = pie("logs", "-q", "nosuchword")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "--since 1d looks further back" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-q", "词 (found"], 1, ["  词 (found\n     ^"]),
        (["nothing"], 1, ["no service has 'nothing'", "toutiao.article.article"]),
        (["--since", "soon"], 2, ["'soon' is no time", "15m"]),
        (["--since", "1h", "--until", "2h"], 2, ["nothing lies between"]),
        (["-f", "--until", "now"], 2, ["choose one"]),
        (["--logid", "1 2"], 2, ["'1 2' is not a logid"]),
    ],
)
def test_what_is_wrong_is_reported(pie, arguments, code, words) -> None:
    done = pie("logs", *arguments)
    assert done.returncode == code
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def rows(first: int, last: int, src: int) -> list[dict]:
    return [
        {"ts": time.time(), "psm": "tail.of.lines", "level": "INFO", "folder": "app",
         "message": f"line {number}", "src": src, "pos": number}
        for number in range(first, last)
    ]  # fmt: skip


def test_a_tail_survives_the_platform(pie, own_platform) -> None:
    """Each line once, also those that came while it was away."""
    pie.environ |= {
        "PIE_PLATFORM": f"http://127.0.0.1:{own_platform.port}",
        "PIE_TOKEN": own_platform.token("admin"),
    }
    own_platform.accepted("logs", rows(0, 30, 5))
    with pie.running("logs", "-f", "-n", "2", "--json", "tail.of.lines") as process:
        read = lambda: json.loads(process.stdout.readline())["message"]  # noqa: E731
        assert [read(), read()] == ["line 28", "line 29"]
        own_platform.accepted("logs", rows(30, 32, 5))
        assert [read(), read()] == ["line 30", "line 31"]
        port = own_platform.port
        own_platform.end(signal.SIGKILL)
        assert "lost the platform" in process.stderr.readline()
        own_platform.start(port)
        own_platform.accepted("logs", rows(30, 35, 5))
        assert [read(), read(), read()] == ["line 32", "line 33", "line 34"]
        assert "the platform is back" in process.stderr.readline()
        own_platform.accepted("logs", rows(35, 36, 5))
        assert read() == "line 35"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_times_as_people_write_them() -> None:
    now = time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, -1))
    assert parse_when("15m", now) == now - 900
    assert parse_when("1.5h ago", now) == now - 5400
    assert parse_when("10:30", now) == now - 5400
    assert parse_when("2026-11-25T10:00", now) == now - 7200
    assert parse_when("2026-11-25T10:00:00+00:00", now) == 1795600800
    assert parse_when("yesterday", now) == now - 36 * 3600
    assert parse_when("1795600800", now) == 1795600800
    for text in ("", "soon", "25:00", "15x", "2026-13-01"):
        assert parse_when(text, now) is None


def test_words_to_mark() -> None:
    found = words_of('timeout -retry NOT slow "two words" psm:a.b.c ~"part" pre* (a OR b)')
    assert found is not None
    text = "TIMEOUT retry slow two words a.b.c part prefix"
    assert [match[0] for match in found.finditer(text)] == [
        "TIMEOUT", "two words", "a", "b", "part", "pre",
    ]  # fmt: skip
    assert words_of("psm:a.b.c -x") is None
