"""What governance did and runs is written by the recorder: counts each 10 s, versions on change."""

import json
import os
import time
from pathlib import Path

import pytest

from pie.govern import Key, VerdictCount
from pie.observe import Identity, InForce, Observer
from pie.observe.record.reports import Reports
from pie.observe.record.rules import InForceReport, RuleReport
from pie.testing.clock import FakeClock

WHO = Identity(psm="a.b.c", host="10.3.48.216", instance="10.3.48.216:7701")
KEY = Key("access", "a.b.c", "server")


def rows(root: Path, what: str) -> list[dict]:
    files = sorted((root / "a" / "log" / "facts").glob(f"a.b.c.{what}.2*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def observer(tmp_path: Path):
    made = Observer(WHO, tmp_path, tmp_path / "service")
    yield made
    made.close()


def test_verdicts_become_rows(observer: Observer, tmp_path: Path) -> None:
    counted = [VerdictCount(KEY, 7, "method=Get", "rejected", 3)]
    observer.count_verdicts(lambda: [counted.pop()] if counted else [])
    observer.recorder.flush()
    observer.recorder.flush(final=True)
    (row,) = rows(tmp_path, "rules")
    assert row.pop("ts") % 10 == 0
    assert row == {
        "src": 0, "pos": 0, "psm": "a.b.c", "cluster": "default", "instance": WHO.instance,
        "owner": "a.b.c", "side": "server", "kind": "access", "version": 7,
        "scope": "method=Get", "verdict": "rejected", "calls": 3,
    }  # fmt: skip


def test_counts_belong_to_the_ten_seconds_that_are_over() -> None:
    report = RuleReport(WHO, lambda: [VerdictCount(KEY, 1, "", "admitted", 1)])
    stamped = {now: next(iter(report(now))).ts for now in (1000.02, 1004.9, 1007.0)}
    assert stamped == {1000.02: 990, 1004.9: 990, 1007.0: 1000}


def test_what_is_in_force_is_written_on_change_and_once_a_minute() -> None:
    running = [InForce("rule/server/access@a.b.c", 1), InForce("config", 4)]
    report = InForceReport(WHO)
    report.add(lambda: running)

    def written(now: float) -> list[tuple[str, int, str]]:
        return [(row.key, row.version, row.trouble) for row in report(now)]

    both = [("rule/server/access@a.b.c", 1, ""), ("config", 4, "")]
    assert written(1000) == both
    assert written(1010) == []
    running[0] = InForce(running[0].key, 1, "v2: body.qps")
    assert written(1020) == [("rule/server/access@a.b.c", 1, "v2: body.qps")]
    del running[0]
    assert written(1030) == [("rule/server/access@a.b.c", 0, "")]
    assert written(1035) == []
    assert written(1061) == [("config", 4, "")]
    assert written(500) == [("config", 4, "")], "a clock that was set back"


def until(met, what: str) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def test_a_change_is_written_at_once_and_a_quiet_process_still_reports(
    observer: Observer, tmp_path: Path
) -> None:
    running = [InForce("config", 1)]
    observer.in_force.add(lambda: running)
    observer.recorder.wake()
    until(lambda: len(rows(tmp_path, "in_force")) == 1, "the first")
    running[0] = InForce("config", 2)
    observer.in_force.changed()
    until(lambda: len(rows(tmp_path, "in_force")) == 2, "the change")
    assert [row["version"] for row in rows(tmp_path, "in_force")] == [1, 2]
    assert {row["process"] for row in rows(tmp_path, "in_force")} == {os.getpid()}


def test_a_change_before_the_first_fork_starts_no_thread(observer: Observer) -> None:
    observer.in_force.add(lambda: [InForce("config", 1)])
    observer.in_force.changed()
    assert observer.recorder._thread is None


class Disk:
    """A file that takes nothing while it is full."""

    def __init__(self) -> None:
        self.full = False
        self.lines: list[bytes] = []

    def append(self, lines: bytes, ts: float) -> int:
        if self.full:
            return 0
        self.lines.append(lines)
        return len(lines)


def test_a_full_disk_delays_rows_and_bounds_what_waits() -> None:
    disk, clock = Disk(), FakeClock()
    reports = Reports(clock)
    counted = VerdictCount(KEY, 1, "s" * 400, "rejected", 1)
    reports.add(RuleReport(WHO, lambda: [counted] * 100), disk, 10, counts=True)
    disk.full = True
    for _ in range(3):
        clock.advance(10)
        reports.gather()
    assert not reports.flush()
    disk.full = False
    assert reports.flush() and len(disk.lines) == 300 and reports.lost == 0
    disk.full = True
    for _ in range(100):
        clock.advance(10)
        reports.gather()
    assert reports.lost > 0


def test_who_counts_calls_is_asked_at_the_clocks_tens_and_wakes_nobody() -> None:
    clock = FakeClock(wall=1_700_000_003.0)
    reports = Reports(clock)
    asked: list[float] = []

    def take(now: float) -> list:
        asked.append(now)
        return []

    reports.add(take, Disk(), 10, counts=True)
    assert reports.pause == float("inf")
    for _ in range(20):
        reports.gather()
        clock.advance(1)
    assert asked == [1_700_000_003.0, 1_700_000_010.0, 1_700_000_020.0]
    reports.add(take, Disk(), 60)
    assert reports.pause == 0.0
