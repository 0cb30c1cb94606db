"""Tables that line up, in every script and every width."""

import os

import pytest

from pie.tool.terminal import table
from pie.tool.terminal.table import BAD, Cell, Column, fit, pad, render, width

COLUMNS = (Column("name", cut=True), Column("ms", right=True), Column("state"))


@pytest.fixture
def terminal(monkeypatch):
    """As if output went to a terminal of this many columns."""

    def make(columns: int) -> None:
        monkeypatch.setattr(table.sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(
            table.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24))
        )

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return make


def test_columns_line_up_in_every_script() -> None:
    lines = render(COLUMNS, [["用户", "5", "ok"], ["e\u0301a", "1234", "ok"]]).splitlines()
    assert lines[0] == "name    ms  state"
    assert {width(line[: line.index("ok")]) for line in lines[1:]} == {12}
    assert width("用户") == 4
    assert width("e\u0301") == 1


def test_nothing_is_cut_or_coloured_in_a_pipe() -> None:
    long = "x" * 300
    text = render(COLUMNS, [[Cell(long, BAD), "1", ""]])
    assert long in text
    assert "\x1b" not in text


def test_a_narrow_terminal_cuts_only_what_may_be_cut(terminal) -> None:
    terminal(30)
    body = render(COLUMNS, [["用" * 40, "123456", "running"]]).splitlines()[1]
    assert width(body) <= 30
    assert body.endswith("123456  running")
    assert "…" in body


def test_colour_in_a_terminal_unless_it_is_switched_off(terminal, monkeypatch) -> None:
    terminal(80)
    assert "\x1b[31mdead\x1b[0m" in render(COLUMNS, [[Cell("dead", BAD), "", ""]])
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render(COLUMNS, [[Cell("dead", BAD), "", ""]])


def test_a_cell_cannot_steer_the_terminal() -> None:
    text = render(COLUMNS, [["a\x1b[2Jb\nc", "1", ""]])
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "room", "cut"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("用户登录", 5, "用户…")]
)
def test_fit(text: str, room: int, cut: str) -> None:
    assert fit(text, room) == cut
    assert width(pad(cut, 9)) == 9


def test_no_rows() -> None:
    assert render(COLUMNS, []) == "name  ms  state"
