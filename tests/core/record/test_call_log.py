"""The call log in C writes what its twin writes: rows, lines, counts, weights."""

import json
import subprocess
import sys
import threading
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.leaks import growth

from pie._core import native
from pie.model import Call, Failure, Kind
from pie.observe import Budget, Identity
from pie.observe.facts.fields import OTHER_CODE
from pie.observe.facts.rows import EdgeRow, histogram_bucket
from pie.observe.log.access import LOCATION, levels_of
from pie.observe.log.line import LineFormat
from pie.observe.record.aggregate import MAX_ROWS
from pie.observe.record.call_log import AGGREGATES, CallLog, call_log
from pie.observe.record.description import aggregate, row_parts
from pie.observe.record.encode import encode
from pie.platform.facts.decode import decode_rows
from pie.platform.facts.rows import StoredCall, StoredEdge

if native is None:
    pytest.skip("the extension is not in use", allow_module_level=True)

WHO = Identity(
    psm="a.b.c", cluster="blue", env="lane", host="10.0.0.1", instance='x"1', version="7"
)
FORMAT = LineFormat(WHO.host, WHO.psm)
START = 1_700_000_000.0


def nothing() -> None:
    pass


def logs(budget: int = 2000, slow_us: int = 1_000_000) -> tuple[Any, Any]:
    in_c = call_log(WHO, FORMAT, Budget(budget, slow_us=slow_us), nothing)
    assert isinstance(in_c, native.CallLog)
    return in_c, CallLog(WHO, FORMAT, Budget(budget, slow_us=slow_us), nothing)


def small_log(limit: int) -> Any:
    return native.CallLog(
        row=row_parts(WHO), aggregates=[aggregate("edges", EdgeRow, WHO)], env=WHO.env,
        version=WHO.version, location=LOCATION, who=FORMAT.who, per_second=10**6, slow_us=10**9,
        notable_per_second=10**6, stamp=FORMAT.stamp, wake=nothing, limit=limit,
        prepare=None,
    )  # fmt: skip


texts = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(codec=None, categories=["Cs", "Cc", "Po", "Lu"]), max_size=8),
    st.sampled_from(["", "Get", "登录失败\n", '"\\\r\n\t', "\ud800x"]),
)
numbers = st.one_of(st.integers(0, 600), st.integers(-(1 << 63), (1 << 63) - 1))


@st.composite
def calls(draw: Any) -> Call:
    call = Call(
        draw(st.sampled_from(["server", "client"])),
        draw(st.sampled_from(["http", "thrift"])),
        **{name: draw(texts) for name in ("caller", "callee", "method", "env", "logid", "peer")},
        caller_cluster=draw(texts),
        callee_cluster=draw(texts),
        parent_id=draw(texts),
    )
    for name in ("verb", "path", "route", "span_id", "version", "traffic", "gate"):
        setattr(call, name, draw(texts) * draw(st.sampled_from([1, 1, 300])))
    call.queued = draw(st.floats(-1, 1e6))
    call.hedges = draw(st.integers(0, 3))
    call.started = START + draw(st.floats(0, 3000))
    call.start = draw(st.floats(0, 1e6))
    call.end = call.start + draw(st.one_of(st.floats(0, 3), st.floats(-1, 1e9)))
    call.attempt = draw(st.sampled_from([0, 0, 0, 2]))
    call.attempts = draw(st.integers(1, 5))
    call.code, call.status = draw(st.integers(-5, 2000)), draw(numbers)
    call.request_bytes, call.response_bytes = draw(numbers), draw(numbers)
    call.message = draw(texts) * draw(st.sampled_from([1, 1, 800]))
    call.notes = draw(st.lists(texts, max_size=3))
    call.persist = draw(st.dictionaries(texts, texts, max_size=3))
    if draw(st.booleans()):
        kind = draw(st.sampled_from(list(Kind)))
        raised_by = draw(st.sampled_from(["self", "peer", "framework"]))
        call.fail(Failure(kind, draw(texts), raised_by=raised_by, rule=draw(texts)))
    return call


def rows(batches: list[tuple[float, bytes]]) -> list[Any]:
    return [json.loads(line) for _, lines in batches for line in lines.splitlines()]


def totals(log: Any, before: float = float("inf")) -> list[Any]:
    return sorted(
        repr(_sorted(row)) for name in AGGREGATES for row, _ in log.take_totals(name, before)
    )


def _sorted(row: Any) -> Any:
    if isinstance(row, EdgeRow):
        row.histogram = dict(sorted(row.histogram.items()))
    return row


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(calls(), min_size=1, max_size=6))
def test_rows_lines_and_counts_are_those_of_the_twin(many: list[Call]) -> None:
    in_c, twin = logs()
    for call in many:
        in_c.record(call)
        twin.record(call)
    rows_in_c, rows_of_twin = in_c.take("calls"), twin.take("calls")
    assert rows(rows_in_c) == rows(rows_of_twin)
    assert rows_in_c == rows_of_twin
    assert in_c.take("served") == twin.take("served")
    assert in_c.take("asked") == twin.take("asked")
    assert totals(in_c, START + 1500) == totals(twin, START + 1500)
    assert totals(in_c) == totals(twin)
    assert in_c.lost == twin.lost == 0


@pytest.mark.parametrize("in_c", [True, False], ids=["c", "twin"])
@pytest.mark.parametrize("text", ["x", "登", "\ud800"], ids=["ascii", "wide", "surrogate"])
def test_a_long_text_is_cut_and_loses_no_row(in_c: bool, text: str) -> None:
    log = logs()[not in_c]
    call = Call("server", "http", caller=text * 600, callee="a.b.c", method=text * 5000)
    call.message, call.notes = text * 5000, [text * 5000]
    log.record(call)
    ((_, line),) = log.take("calls")
    (row,), bad = decode_rows("calls", line)
    assert bad == []
    assert isinstance(row, StoredCall)
    whole = (text * 5000).encode("utf-8", "backslashreplace").decode()
    assert (row.caller, row.method) == (whole[:500], whole[:500])
    assert (row.message, row.notes) == (whole[:4096], [whole[:4096]])
    (edge,), bad = decode_rows("edge_10s", encode(log.take_totals("edges", float("inf"))[0][0]))
    assert bad == []
    assert isinstance(edge, StoredEdge)
    assert (edge.method, edge.count) == (whole[:500], 1)


@pytest.mark.parametrize("make", [call_log, CallLog], ids=["c", "twin"])
def test_a_long_name_of_the_process_is_cut(make: Any) -> None:
    who = Identity(psm="a.b.c", instance="i" * 600, version="\ud800" * 600, env="e" * 600)
    log = make(who, FORMAT, Budget(), nothing)
    log.record(Call("server", "http", caller="", callee="a.b.c", method="GET"))
    ((_, line),) = log.take("calls")
    (row,), bad = decode_rows("calls", line)
    assert bad == []
    assert isinstance(row, StoredCall)
    assert (row.instance, row.env) == ("i" * 500, "e" * 500)
    assert row.version == ("\\ud800" * 600)[:500]


@settings(max_examples=examples(100), deadline=None)
@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_any_start_is_rounded_as_the_twin_rounds_it(started: float) -> None:
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    call.started, call.attempt = started, 1
    in_c, twin = logs()
    in_c.record(call)
    twin.record(call)
    assert rows(in_c.take("calls")) == rows(twin.take("calls"))


@given(st.integers(0, 1 << 53))
def test_the_histogram_is_that_of_the_twin(duration_us: int) -> None:
    assert native.histogram_bucket(duration_us) == histogram_bucket(duration_us)


def test_the_histogram_is_that_of_the_twin_where_buckets_begin() -> None:
    near = {int(1.05**n) + step for n in range(700) for step in (-2, -1, 0, 1)}
    for duration_us in [*range(20_000), *(each for each in near if 0 <= each < 1 << 53)]:
        assert native.histogram_bucket(duration_us) == histogram_bucket(duration_us)


@settings(max_examples=examples(15), deadline=None)
@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.text(max_size=40), st.integers(0, 4), st.booleans()), max_size=200),
)
def test_beyond_the_budget_the_same_calls_stay_with_the_same_weight(
    budget: int, many: list[tuple[str, int, bool]]
) -> None:
    in_c, twin = logs(budget, slow_us=500)
    for logid, second, slow in sorted(many, key=lambda each: each[1]):
        call = Call("server", "http", caller="", callee="a.b.c", method="GET", logid=logid)
        call.started, call.end = START + second, 0.001 * slow
        in_c.record(call)
        twin.record(call)
    assert rows(in_c.take("calls")) == rows(twin.take("calls"))


def test_after_the_clock_was_set_back_the_budget_is_by_the_second_as_before() -> None:
    for log in logs(budget=10):
        for number in range(-1, 100):
            call = Call("server", "http", caller="", callee="a.b.c", method="GET", logid="ab")
            call.started = START + (number // 5 if number >= 0 else 1e8)
            log.record(call)
        found = rows(log.take("calls"))
        assert len(found) == 101
        assert {row["weight"] for row in found} == {1.0}


def test_the_hash_of_the_budget_is_crc32() -> None:
    """Processes with other versions of Pie choose the same chains."""
    in_c, _ = logs(1)
    kept, chosen = set(), set()
    for number in range(400):
        logid = f"{number:032x}"
        call = Call("server", "http", caller="", callee="a.b.c", method="GET", logid=logid)
        call.started = START
        in_c.record(call)
        if zlib.crc32(logid.encode()) < 2**32 / (number + 1):
            chosen.add(logid)
    kept = {row["logid"] for row in rows(in_c.take("calls"))}
    assert kept == chosen


def test_batches_are_parted_where_hours_may_begin() -> None:
    in_c, twin = logs()
    for started in (START, START + 1, START + 900, START + 3600, START):
        call = Call("server", "http", caller="", callee="a.b.c", method="GET")
        call.started = started
        in_c.record(call)
        twin.record(call)
    batches = in_c.take("calls")
    assert batches == twin.take("calls")
    assert [ts for ts, _ in batches] == [START, START + 900, START + 3600, START]


@pytest.mark.parametrize("make", [small_log, None], ids=["c", "twin"])
def test_a_full_ring_drops_and_counts(make: Any) -> None:
    limit = 4000
    log = make(limit) if make else CallLog(WHO, FORMAT, Budget(), nothing, limit=limit)
    for _ in range(100):
        log.record(Call("server", "http", caller="", callee="a.b.c", method="GET"))
    calls, lines = log.take("calls"), log.take("served")
    there = sum(data.count(b"\n") for _, data in calls + lines)
    assert 0 < there < 200
    assert sum(len(data) for _, data in calls) <= limit
    assert log.lost == 200 - there
    log.record(Call("server", "http", caller="", callee="a.b.c", method="GET"))
    assert len(log.take("calls")) == 1
    assert log.lost == 200 - there
    assert log.take_totals("edges", float("inf"))[0][0].count == 101


@pytest.mark.parametrize("in_c", [True, False], ids=["c", "twin"])
def test_ever_new_names_do_not_fill_the_memory(in_c: bool) -> None:
    log = logs()[not in_c]
    for number in range(MAX_ROWS + 500):
        call = Call("client", "http", caller=f"c{number % 200}", callee="a.b.c", method="")
        call.method, call.started = f"m{number // 200}", START
        call.code = number
        log.record(call)
    found = [row for row, _ in log.take_totals("edges", float("inf"))]
    assert sum(edge.count for edge in found) == MAX_ROWS + 500
    assert len(found) <= MAX_ROWS + 1
    codes = {edge.code for edge in found}
    assert len(codes) == 501
    assert OTHER_CODE in codes


def test_the_writer_is_woken_once_until_it_comes() -> None:
    woken: list[int] = []
    log = call_log(WHO, FORMAT, Budget(), lambda: woken.append(1))
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    for expected in (1, 2):
        log.record(call)
        log.record(call)
        assert len(woken) == expected
        log.take("calls")


def test_calls_in_flight_are_counted_by_side() -> None:
    for log in logs():
        served = Call("server", "http", caller="", callee="a.b.c", method="GET")
        asked = Call("client", "http", caller="", callee="a.b.c", method="GET")
        log.enter(served)
        log.enter(served)
        log.enter(asked)
        assert (log.serving, log.asking) == (2, 1)
        log.leave(served)
        log.leave(asked)
        log.leave(asked)  # One that began in the parent of a fork.
        assert (log.serving, log.asking) == (1, 0)


FORK = """
import os
from pie._core import native
from pie.model import Call, new_span_id
from pie.observe import Budget, Identity
from pie.observe.record.call_log import call_log
from pie.observe.log.line import LineFormat

log = call_log(Identity(psm="a.b.c"), LineFormat("h", "a.b.c"), Budget(), lambda: None)
assert isinstance(log, native.CallLog)
call = Call("server", "http", caller="", callee="a.b.c", method="GET")
new_span_id()
log.enter(call)
log.record(call)
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    log.begin()
    assert not log.counting and log.serving == 0 and log.take("calls") == []
    log.record(call)
    ((_, line),) = log.take("served")
    assert f" process={os.getpid()} ".encode() in line
    os.write(writer, new_span_id().encode())
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert os.read(reader, 16).decode() != new_span_id()
assert log.counting and log.serving == 1 and len(log.take("calls")) == 1
"""


def test_a_forked_child_starts_empty_and_is_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("wrong", ["notes", "kind", "time"])
def test_what_cannot_be_written_down_is_an_error_and_harms_nothing(wrong: str) -> None:
    in_c, _ = logs()
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    if wrong == "notes":
        call.notes.append(5)  # type: ignore[arg-type]
    elif wrong == "kind":
        call.fail(Failure(Kind.DENIED, "x"))
        call.failure.kind = 3  # type: ignore[union-attr, assignment]
    else:
        call.started = float("nan")
    with pytest.raises((TypeError, ValueError)):
        in_c.record(call)
    assert (
        in_c.take("calls") == in_c.take("served") == in_c.take_totals("edges", float("inf")) == []
    )


def test_many_threads_record_while_one_takes() -> None:
    in_c, _ = logs(10**6)
    stop = threading.Event()
    taken: list[int] = []

    def take() -> None:
        while not stop.is_set():
            taken.append(sum(data.count(b"\n") for _, data in in_c.take("calls")))

    def record() -> None:
        for number in range(2000):
            call = Call("server", "http", caller="", callee="a.b.c", method=str(number % 7))
            in_c.record(call)

    taker = threading.Thread(target=take)
    recorders = [threading.Thread(target=record) for _ in range(4)]
    for each in (taker, *recorders):
        each.start()
    for each in recorders:
        each.join()
    stop.set()
    taker.join()
    rest = sum(data.count(b"\n") for _, data in in_c.take("calls"))
    assert sum(taken) + rest == 8000
    assert sum(edge.count for edge, _ in in_c.take_totals("edges", float("inf"))) == 8000


@pytest.mark.slow
def test_nothing_leaks() -> None:
    in_c, _ = logs()
    failure = Failure(Kind.DENIED, "no", rule="r/1")

    def use(number: int) -> None:
        call = Call("server", "http", caller=f"c{number % 5}", callee="a.b.c", method="GET")
        call.started = START + number / 10
        if number % 3 == 0:
            call.fail(failure)
        in_c.enter(call)
        in_c.leave(call)
        if number % 100 == 0:
            for what in ("calls", "served", "asked"):
                in_c.take(what)
            in_c.take_totals("edges", float("inf"))

    def many() -> None:
        for number in range(2001):
            use(number)

    assert growth(many, 1) < 40


def outcome_line(log, failure):
    call = Call("server", "http", caller="", callee="a.b.c", method="GET")
    if failure is not None:
        call.fail(failure)
    log.record(call)
    ((_, line),) = log.take("served")
    return line.decode().partition(" ")[0]


@pytest.mark.parametrize("caller_errors", ["INFO", "WARNING"])
def test_the_level_of_a_line_is_that_of_its_outcome(caller_errors):
    levels = levels_of(caller_errors)
    twin = CallLog(WHO, FORMAT, Budget(), nothing, levels=levels)
    for log in (call_log(WHO, FORMAT, Budget(), nothing, caller_errors=caller_errors), twin):
        assert outcome_line(log, None) == "INFO"
        for kind in Kind:
            failure = Failure(kind, "why", code=4711)
            wanted = "INFO" if kind == "business" else caller_errors
            assert outcome_line(log, failure) == (wanted if kind.http_status < 500 else "ERROR")
