"""Call records and aggregates: complete, exact, and on disk."""

import contextlib
import io
import json
import math
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.call import Driver, Policies
from pie.model import Call, Failure, Kind
from pie.observe import Budget, Console, Identity, Observer
from pie.observe.facts.rows import CallRow, bucket_upper_us, histogram_bucket
from pie.observe.log.line import LineFormat
from pie.observe.record.call_log import CallLog
from pie.observe.record.encode import encode


@pytest.fixture
def observer(tmp_path: Path):
    made = Observer(
        Identity(psm="a.b.c", host="10.0.0.1", instance="10.0.0.1:80"),
        tmp_path,
        tmp_path / "service",
    )
    yield made
    made.close()


def rows(tmp_path: Path, what: str) -> list[dict]:
    files = (tmp_path / "a" / "log" / "facts").glob(f"a.b.c.{what}.2*.ndjson")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def serve(observer: Observer, count: int, action=lambda call: None, method: str = "Get") -> None:
    driver = Driver(Policies(observer).server())
    for _ in range(count):
        call = Call("server", "thrift", caller="x.y.z", callee="a.b.c", method=method)
        with contextlib.suppress(Failure):
            driver.run(call, action)


def test_every_call_is_recorded_and_counted_once(observer: Observer, tmp_path: Path) -> None:
    threads = [threading.Thread(target=serve, args=(observer, 200)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    observer.close()
    calls, edges = rows(tmp_path, "calls"), rows(tmp_path, "edges")
    assert len(calls) == 800
    assert len({(row["logid"], row["span_id"]) for row in calls}) == 800
    assert sum(edge["count"] for edge in edges) == 800
    assert sum(sum(edge["histogram"].values()) for edge in edges) == 800
    assert sum(edge["duration_us"] for edge in edges) == sum(row["duration_us"] for row in calls)


def test_the_record_says_who_whom_what_and_how_it_went(observer: Observer, tmp_path: Path) -> None:
    def refuse(call: Call) -> None:
        raise Failure(Kind.DENIED, "not you", rule="access/3")

    serve(observer, 1, refuse)
    observer.close()
    (row,) = rows(tmp_path, "calls")
    expected = {
        "side": "server", "protocol": "thrift", "psm": "a.b.c", "host": "10.0.0.1",
        "instance": "10.0.0.1:80", "caller": "x.y.z", "callee": "a.b.c", "method": "Get",
        "outcome": "denied", "code": 403, "message": "not you", "rule": "access/3",
        "attempt": 0, "attempts": 1, "weight": 1.0,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == expected
    assert len(row["logid"]) == 32


def test_what_is_served_and_what_is_asked_has_its_line(observer: Observer, tmp_path: Path) -> None:
    serve(observer, 1)
    driver = Driver(Policies(observer).server())
    asked = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method="GetItem")
    driver.run(asked, lambda call: None)
    observer.close()
    log = tmp_path / "a" / "log"
    assert "data=Get ok code=0 cost_us=" in (log / "app" / "a.b.c.log").read_text()
    line = (log / "rpc" / "a.b.c.log").read_text()
    seed = " data= retry=0 business_retry_cost=0 called=d.e.f method=GetItem rpc_status=success\n"
    assert line.endswith(seed)


def test_beyond_the_budget_failures_stay_and_weights_add_up() -> None:
    budget = Budget(100)
    chance = random.Random(3)
    kept = Counter()
    weight = 0.0
    for second in range(20):
        for number in range(2000):
            logid = f"{chance.getrandbits(128):032x}"
            ended = 1000.0 + second + number / 2000
            found = budget.weight(logid, ended, 10, failed=number % 100 == 0)
            kept["failed" if number % 100 == 0 else "ok"] += found > 0
            weight += found
    assert kept["failed"] == 20 * 20
    assert kept["ok"] < 20 * 100 * 1.5
    assert weight == pytest.approx(40_000, rel=0.1)


def test_failures_beyond_their_own_budget_are_thinned_and_weighted() -> None:
    budget, chance = Budget(100, notable_per_second=10), random.Random(3)
    weights = [
        budget.weight(f"{chance.getrandbits(128):032x}", 1000.0 + number / 1000, 10, failed=True)
        for number in range(20_000)
    ]
    assert sum(weights) == pytest.approx(20_000, rel=0.2)
    assert sum(weight > 0 for weight in weights) < 20 * 10 * 3


def test_below_the_budget_everything_is_kept() -> None:
    budget = Budget(100)
    assert all(budget.weight("ab", 5.0, 10, failed=False) == 1.0 for _ in range(100))


def test_processes_choose_the_same_chains() -> None:
    chance = random.Random(3)
    logids = [f"{chance.getrandbits(128):032x}" for _ in range(3000)]
    small, large = Budget(50), Budget(200)
    for second in (1.0, 2.0):
        kept_small = {each for each in logids if small.weight(each, second, 1, failed=False)}
        kept_large = {each for each in logids if large.weight(each, second, 1, failed=False)}
    assert kept_small < kept_large


@given(st.integers(min_value=0, max_value=10**12))
def test_a_histogram_bucket_holds_its_duration_within_five_percent(duration_us: int) -> None:
    upper = bucket_upper_us(histogram_bucket(duration_us))
    assert duration_us <= upper * (1 + 1e-9)
    assert math.isclose(upper, duration_us, rel_tol=0.06, abs_tol=1.1)


def test_a_full_disk_costs_no_fact(tmp_path: Path, observer: Observer) -> None:
    """While the disk takes nothing rows wait; when it does again they are all written, once."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    from pie.observe.log.files import HourlyFile
    from pie.observe.log.line import hour_of
    from pie.observe.record.backlog import Backlog

    path = tmp_path / f"a.b.c.calls.{hour_of(0)}.ndjson"
    path.symlink_to("/dev/full")
    road = HourlyFile(tmp_path, "a.b.c.calls", "ndjson")
    log = CallLog(Identity(psm="a.b.c"), LineFormat("h", "a.b.c"), Budget(), lambda: None)
    file = Backlog("calls", log, road)
    for number in range(10):
        row = CallRow(ts=number, side="server", protocol="http", psm="a.b.c", method=str(number))
        file.add([(number, encode(row), -1)])
    assert not file.flush(None)
    road.close()
    path.unlink()
    assert file.flush(None)
    assert [json.loads(line)["method"] for line in path.read_text().splitlines()] == list(
        map(str, range(10))
    )
    assert file.lost == 0


def test_a_full_disk_costs_no_line_of_a_call(observer: Observer, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    from pie.observe.log.line import hour_of

    folder = tmp_path / "a" / "log" / "app"
    folder.mkdir(parents=True)
    now = time.time()
    paths = [folder / f"a.b.c.{hour_of(now + hour * 3600)}.log" for hour in (0, 1)]
    for each in paths:
        each.symlink_to("/dev/full")
    serve(observer, 3)
    assert not observer.recorder.flush()
    serve(observer, 3)
    assert not observer.recorder.flush()
    for each in paths:
        each.unlink()
    for file in observer._files.values():
        file.close()
    assert observer.recorder.flush()
    lines = "".join(each.read_text() for each in paths if each.exists())
    assert lines.count("data=Get ok ") == 6
    assert observer.recorder.lost == 0


def test_in_debug_mode_the_console_shows_the_lines_of_calls(tmp_path: Path) -> None:
    for everything in (True, False):
        screen = io.StringIO()
        observer = Observer(
            Identity(psm="a.b.c"),
            tmp_path,
            tmp_path / "service",
            console=Console(screen, everything=everything),
        )
        serve(observer, 3)
        observer.close()
        assert screen.getvalue().count("data=Get ok ") == 3 * everything


@pytest.mark.parametrize("room", range(500, 508))
def test_a_torn_line_is_ended_and_given_again(tmp_path: Path, room: int) -> None:
    """A write the disk took in part leaves one damaged line, and every row whole exactly once,
    wherever the line is cut: also right before its end."""
    import resource
    import signal

    from pie.observe.log.files import HourlyFile

    path_ts = 0.0
    file = HourlyFile(tmp_path, "a.b.c", "ndjson")
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    lines = b"".join(b'{"n":%d}\n' % number for number in range(10, 110))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, old_limit[1]))
        whole = file.append(lines, path_ts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert 0 < whole <= room + 1
    rest = lines[whole:]
    assert file.append(rest, path_ts) == len(rest)
    (path,) = tmp_path.glob("a.b.c.1*.ndjson")
    good = []
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            good.append(json.loads(line)["n"])
    assert good == list(range(10, 110))


def test_text_that_is_no_unicode_does_not_stop_the_recorder(
    observer: Observer, tmp_path: Path
) -> None:
    def broken(call: Call) -> None:
        raise ValueError("file \udc80 not found")

    serve(observer, 1, broken)
    serve(observer, 1)
    observer.close()
    first, second = rows(tmp_path, "calls")
    assert first["message"] == "ValueError: file \\udc80 not found"
    assert second["outcome"] == "ok"
