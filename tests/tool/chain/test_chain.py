"""``pie chain``: the seed's chain in a terminal, contradictions and all."""

import json
import re

import pytest

from pie.tool.chain.tree import build_tree, find_logids, walk
from pie.tool.chain.waterfall import Scale, Span
from pie.tool.terminal.table import PLAIN
from pie.tool.terminal.text import visible_width

LOGID = "2017041721432901000304821652640c"


def rows_of(text: str) -> list[list[str]]:
    """The rows of the tree: number, service, method."""
    found = re.findall(r"^ ?(-?\d+)  [│ ]*(?:[├└]─ )?(\S+) +(\S+)", text, re.MULTILINE)
    return [list(each) for each in found]


def test_the_seeds_chain(pie) -> None:
    done = pie("chain", LOGID)
    assert done.returncode == 0, done.stderr
    assert "entry 10.3.48.216" in done.stdout
    assert "563 ms · 4 nodes · 3 calls" in done.stdout
    assert rows_of(done.stdout) == [
        ["0", "nginx", "POST"],
        ["1", "toutiao.discuss.ttdiscuss", "POST"],
        ["-1", "toutiao.device.device_info", "GetInstallation"],
        ["2", "toutiao.device.device_info", "GetInstallation"],
        ["3", "toutiao.article.article", "MGetArticleMetaByIds"],
    ]
    for words in (
        "✗ deadline (504): no answer in 1 ms",
        "no record of its server side has arrived: callee no. -1",
        "retried: 2 of 3",
        "decided by rule quota of 词",
        "→ its caller: routed to cluster canary (10%): route v9",
        "· would reject: access v3 caller=toutiao.*",
        "claims to have started before its caller did",
        "served for longer than its caller waited",
        "2,228",
        "UNKNOWN",
    ):
        assert words in " ".join(done.stdout.split()), words
    assert "decided by rule access" not in done.stdout, "its note says so already"
    table = done.stdout.partition("Calls, as their callers saw them")[2]
    assert [line.split()[1:3] for line in table.splitlines()[2:]] == [
        ["1", "-1"],
        ["1", "2"],
        ["1", "3"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        (LOGID.upper(),),
        (f"X-Tt-Logid: {LOGID}\r",),
        ("INFO", "2017-04-18", f"logid={LOGID}", "data=x"),
        (f"00-{LOGID}-00f067aa0ba902b7-01",),
    ],
)
def test_a_pasted_text(pie, text) -> None:
    assert json.loads(pie("chain", "--json", *text).stdout)["logid"] == LOGID


def test_the_standard_input(pie) -> None:
    answer = f"HTTP/1.1 200 OK\nETag: {'ab' * 16}\nX-Tt-Logid: {LOGID}\n\nHello"
    done = pie("chain", "-", stdin=answer)
    assert LOGID in done.stdout.splitlines()[0]
    assert "there are 2 logids" in done.stderr


def test_log_lines_in_their_nodes(pie) -> None:
    done = pie("chain", LOGID, "--logs")
    lines = done.stdout.splitlines()
    node = next(n for n, line in enumerate(lines) if line.startswith(" 3 "))
    log = next(n for n, line in enumerate(lines) if "文章 104 found" in line)
    assert log > node
    assert lines[log + 1].split() == ["second", "line"]
    assert "KeyError: 'since'" in done.stdout
    answer = json.loads(pie("chain", LOGID, "--logs", "--json").stdout)
    assert len(answer["logs"]["lines"]) == 2


@pytest.mark.parametrize("columns", [50, 80, 160])
def test_it_fits_the_terminal(pie, columns) -> None:
    shown = pie.in_terminal("chain", LOGID, "--logs", columns=columns)
    assert max(map(visible_width, shown.splitlines())) <= max(columns, 70)
    assert ("━" in shown) == (columns > 50)


def test_an_unknown_chain(pie) -> None:
    done = pie("chain", "20170417214329010003048216ffffff")
    assert done.returncode == 1
    assert "days old, and chains are kept for 10" in done.stderr
    assert "pie logs --logid 20170417214329010003048216ffffff" in done.stderr
    foreign = pie("chain", "ab" * 16)
    assert foreign.returncode == 1
    assert "another system made it" in foreign.stderr


def test_no_logid_at_all(pie) -> None:
    done = pie("chain", "hello", "world")
    assert done.returncode == 2
    assert "no logid in 'hello world'" in done.stderr


def call(number: int, offset: float, **more) -> dict:
    return {
        "caller_no": 0, "callee_no": -1, "callee": "a.b.c", "offset_ms": offset, "attempt": 0,
        "attempts": 1, "span_id": str(number),
    } | more  # fmt: skip


def test_attempts_stand_for_the_call_they_are_of() -> None:
    node = {"no": 0, "parent_no": None, "psm": "a.b.a", "offset_ms": 0}
    served = {"no": 1, "parent_no": 0, "psm": "a.b.c", "offset_ms": 5}
    chain = {
        "nodes": [node, served],
        "calls": [
            call(1, 1, attempts=2, callee_no=1),
            call(2, 2, attempt=1, attempts=2),
            call(3, 4, attempt=2, attempts=2, callee_no=1),
            call(4, 9, caller_no=-1),
        ],
    }
    items = list(walk(build_tree(chain)))
    assert [(item.no, before) for item, before, _ in items] == [
        (0, ""), (-1, "├─ "), (1, "└─ "), (-1, ""),
    ]  # fmt: skip
    served_item = items[2][0]
    assert served_item.call is not None
    assert served_item.call["attempt"] == 2


def test_a_chain_deeper_than_pythons_stack() -> None:
    nodes = [
        {"no": n, "parent_no": n - 1 if n else None, "psm": "a.b.c", "offset_ms": n}
        for n in range(3000)
    ]
    items = [item.no for item, _, _ in walk(build_tree({"nodes": nodes, "calls": []}))]
    assert items == list(range(3000))


def test_logids_in_a_text() -> None:
    assert find_logids(f"{'0' * 32} {'a' * 33} {LOGID}, {LOGID.upper()}") == [LOGID]


@pytest.mark.parametrize(
    ("span", "bar"),
    [
        (Span(0, 100), "━━━━━━━━━━"),
        (Span(0, 50), "━━━━━     "),
        (Span(45, 50), "    ╺     "),
        (Span(100, 100), "         ╺"),
        (Span(0, 0), "╸         "),
        (Span(-5000, 9000), "‹━━━━━━━━›"),
    ],
)
def test_bars_to_half_a_column(span, bar) -> None:
    whole = Span(0, 100)
    scale = Scale([whole], 100, 10)
    assert scale.bar(span, None, PLAIN) == bar


def test_who_waited_and_who_never_served() -> None:
    scale = Scale([Span(0, 100)], 100, 10)
    assert scale.bar(Span(20, 80), Span(0, 100), PLAIN) == "──━━━━━━──"
    assert scale.bar(None, Span(0, 50), PLAIN) == "╌╌╌╌╌     "
