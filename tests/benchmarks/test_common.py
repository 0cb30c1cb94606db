"""What the benchmarks share: statistics, tables, peers that cannot be installed, and the end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.benchmarks.programs import BENCHMARKS

sys.path.append(str(BENCHMARKS))

from common import peers
from common.measure import Broken
from common.stats import Rounds, Series, interleave, ratio
from common.table import Goal, Report


def nothing(_: str) -> None:
    pass


def test_a_series_is_its_median_and_its_noise() -> None:
    series = Series((10.0, 30.0, 20.0))
    assert series.median == 20.0
    assert series.noise == 1.0
    assert Series((0.0, 0.0)).noise == 0.0


def test_ratios_are_taken_round_by_round() -> None:
    assert ratio(Series((2.0, 40.0)), Series((1.0, 20.0))) == Series((2.0, 2.0))
    assert ratio(None, Series((1.0,))) is None


def test_rounds_take_turns_and_leave_out_what_breaks() -> None:
    order: list[str] = []

    def measure(key: str) -> int:
        order.append(key)
        if key == "b" and len(order) > 3:
            raise Broken("it fell over")
        return len(order)

    rounds: Rounds[str, int] = interleave(3, ["a", "b", "c"], measure, nothing)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a"]
    assert rounds.results == {"a": [1, 6, 8], "c": [3, 5, 7]}
    assert rounds.why_broken() == ["b: not measured: it fell over"]
    assert rounds.series("b", float) is None
    assert rounds.series("a", float) == Series((1.0, 6.0, 8.0))


@pytest.mark.parametrize(
    ("bound", "measured", "met"),
    [
        ("≥", Series((1.9, 2.0, 2.5)), True),
        ("≥", Series((1.9, 1.9, 2.5)), False),
        ("≤", Series((2.0,)), True),
        ("≤", Series((2.1,)), False),
        ("≤", None, None),
        ("≤", Series(()), None),
    ],
)
def test_a_goal_is_met_by_the_median(bound, measured, met) -> None:
    goal = Goal("ratio", bound, 2, measured)
    assert goal.met is met
    word = {True: "met", False: "MISSED", None: "not measured"}[met]
    assert f"goal: ratio {bound} 2: {word}" in Report("Title", goals=[goal]).text()


def test_a_table_is_aligned() -> None:
    report = Report("Title", ("", "µs"), [("Pie", "7.5"), ("another", "12,000.5")], notes=["so"])
    assert report.text().splitlines() == [
        "Title",
        "",
        "                 µs",
        "  ───────  ────────",
        "  Pie           7.5",
        "  another  12,000.5",
        "",
        "  note: so",
    ]


def test_a_peer_that_cannot_be_installed_is_named_with_the_reason(tmp_path, monkeypatch) -> None:
    class Peer(peers.Peer):
        folder = tmp_path

    def run(command: list[str], complaint: str, say: peers.Say) -> None:
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)
        if "absent>=1" in command:
            raise Broken(f"{complaint} No matching distribution")

    monkeypatch.setattr(peers, "run", run)
    pie = Peer("Pie", "pie")
    good, bad = Peer("good", "good", ("good>=1",)), Peer("bad", "bad", ("absent>=1",))
    other = Peer("bad, otherwise", "bad", ("absent>=1",))
    lines: list[str] = []
    skipped = peers.install([pie, good, bad, other], lines.append, nothing)
    why = "pip could not install bad; is the network there? No matching distribution"
    assert skipped == {bad: why, other: why}
    assert lines == [
        "installing good>=1 into an environment of its own (1 of 3)",
        "installing absent>=1 into an environment of its own (2 of 3)",
    ]
    lines.clear()
    assert peers.install([pie, good], lines.append, nothing) == {}
    assert not lines, "it is there"


@pytest.mark.parametrize(
    ("name", "number"),
    [("rpc", signal.SIGINT), ("rpc", signal.SIGTERM), ("http", signal.SIGTERM)],
)
def test_an_interrupted_run_leaves_no_process(program, name: str, number: signal.Signals) -> None:
    program("gcc", "apt install gcc")
    process = subprocess.Popen(
        [sys.executable, BENCHMARKS / name / "run.py", "--quick", "--seconds", "30"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.stdout.readline().strip():
        pass  # The line behind the header: now servers are started.
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        threading.Event().wait(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("processes of the benchmark are still there")
