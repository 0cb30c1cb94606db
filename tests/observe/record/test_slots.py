"""Slots: C and its twin leave the same in a mapping, and what does not fit stays out of it."""

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie._core import native
from pie.model import Call
from pie.observe import Budget, Identity
from pie.observe.log.line import LineFormat
from pie.observe.record import slots
from pie.observe.record.aggregate import Shape
from pie.observe.record.call_log import AGGREGATES, CallLog, call_log
from pie.observe.record.slots import (
    Contents,
    DamagedError,
    Note,
    Slots,
    read_slot,
    slot_size,
    unpack_keys,
)

WHO = Identity(psm="a.b.c", instance="10.0.0.1:80", version="7")
FORMAT = LineFormat("h", "a.b.c")
HISTOGRAM = {name: bool(Shape(each).histograms) for name, each in AGGREGATES.items()}


def nothing() -> None:
    pass


def in_c() -> Any:
    log = call_log(WHO, FORMAT, Budget(), nothing)
    if isinstance(log, CallLog):
        pytest.skip("the extension is not in use")
    return log


def twin() -> Any:
    return CallLog(WHO, FORMAT, Budget(), nothing)


both = pytest.mark.parametrize("make", [in_c, twin])


def attach(log: Any, count: int = 8) -> dict[str, memoryview]:
    """Memory of so many slots for each aggregate, in use by a log."""
    found = {}
    for name, histogram in HISTOGRAM.items():
        found[name] = memoryview(bytearray(count * slot_size(histogram=histogram)))
        log.attach(name, found[name])
    return found


def contents(memory: memoryview, name: str) -> list[Contents]:
    size = slot_size(histogram=HISTOGRAM[name])
    read = [
        read_slot(memory[at : at + size], histogram=HISTOGRAM[name])
        for at in range(0, len(memory), size)
    ]
    return sorted((each for each in read if each is not None), key=lambda each: each.sequence)


def call(method: str = "Get", ended: float = 105.0, seconds: float = 0.001, **fields: Any) -> Call:
    made = Call("client", "thrift", caller="a.b.c", callee="d.e.f", method=method)
    made.started, made.start, made.end, made.peer = ended - seconds, 1.0, 1.0 + seconds, "p:1"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


texts = st.sampled_from(["", "Get", "登录", "\ud800", "x" * 300, "y" * 2000])
some_calls = st.lists(
    st.tuples(texts, texts, st.sampled_from([101.0, 109.9, 111.0]), st.floats(0, 1e8)), max_size=30
)


@pytest.mark.skipif(native is None, reason="the extension is not in use")
@settings(max_examples=examples(25), deadline=None)
@given(some_calls)
def test_c_leaves_what_its_twin_leaves(many: list[tuple[str, str, float, float]]) -> None:
    logs = in_c(), twin()
    memories = [attach(log) for log in logs]
    for method, caller, ended, seconds in many:
        for log in logs:
            log.record(call(method, ended, seconds, caller=caller))
    for name in AGGREGATES:
        one, other = (contents(memory[name], name) for memory in memories)
        assert one == other
        rows = [sorted(map(repr, log.take_totals(name, 1e12))) for log in logs]
        assert [sorted(each) for each in rows[0]] == [sorted(each) for each in rows[1]]


@both
def test_a_slot_holds_the_numbers_of_its_row(make: Any) -> None:
    log = make()
    memory = attach(log)
    for n in range(20):
        log.record(call(seconds=n / 1000, attempts=2, code=-5))
    (left,) = contents(memory["edges"], "edges")
    ((row, slot),) = log.take_totals("edges", 1e12)
    assert (left.ts, left.sequence, left.note, slot) == (100, 1, None, 0)
    assert left.histogram == row.histogram
    shape = Shape(AGGREGATES["edges"])
    assert dict(zip(shape.sums, left.sums, strict=False)) == {
        name: getattr(row, name) for name in shape.sums
    }
    is_text = [isinstance(shape.other(name), str) for name in shape.keys]
    values = dict(zip(shape.keys, unpack_keys(left.keys, is_text), strict=True))
    assert values == {name: getattr(row, name) for name in shape.keys}


@both
def test_a_taken_slot_is_used_again_once_it_is_released(make: Any) -> None:
    log = make()
    memory = attach(log, 1)
    log.record(call("one"))
    log.record(call("two"))  # No slot is free: counted all the same.
    taken = log.take_totals("edges", 1e12)
    assert sorted((row.method, row.count, slot) for row, slot in taken) == [
        ("one", 1, 0),
        ("two", 1, -1),
    ]
    log.record(call("three"))
    assert [each.sequence for each in contents(memory["edges"], "edges")] == [1]
    log.release("edges", 0)
    assert contents(memory["edges"], "edges") == []
    log.record(call("four"))
    (left,) = contents(memory["edges"], "edges")
    assert left.sequence == 2
    assert sum(left.histogram.values()) == left.sums[0] == 1
    log.release("edges", 0)
    for wrong in (77, -1, 0):
        with pytest.raises(ValueError, match="not in use"):
            log.release("edges", wrong)


@both
def test_a_call_too_long_for_a_slot_takes_all_of_its_total_out(make: Any) -> None:
    log = make()
    memory = attach(log)
    for seconds in (0.001, 0.002, 1e8, 0.003):
        log.record(call(seconds=seconds))
    assert contents(memory["edges"], "edges") == []
    ((row, slot),) = log.take_totals("edges", 1e12)
    assert (row.count, sum(row.histogram.values()), slot) == (4, 4, -1)
    assert row.duration_us == 6000 + 10**14
    log.record(call("another"))
    assert len(contents(memory["edges"], "edges")) == 1


@both
def test_a_child_leaves_the_slots_to_its_parent(make: Any) -> None:
    log = make()
    memory = attach(log)
    log.record(call())
    before = bytes(memory["edges"])
    log.begin()
    log.record(call())
    assert bytes(memory["edges"]) == before
    assert [slot for _, slot in log.take_totals("edges", 1e12)] == [-1]


@both
def test_before_the_first_call_of_a_process_it_prepares(make: Any) -> None:
    prepared: list[int] = []
    log = (
        CallLog(WHO, FORMAT, Budget(), nothing, prepare=lambda: prepared.append(len(prepared)))
        if make is twin
        else call_log(WHO, FORMAT, Budget(), nothing, lambda: prepared.append(len(prepared)))
    )
    for _ in range(3):
        log.record(call())
    assert prepared == [0]
    log.begin()
    log.record(call())
    assert prepared == [0, 1]


@pytest.mark.skipif(native is None, reason="the extension is not in use")
def test_c_refuses_memory_that_is_no_slots() -> None:
    log = in_c()
    for wrong in (b"x" * 4096, memoryview(bytearray(5000)), memoryview(bytearray(0)), "x"):
        with pytest.raises((ValueError, BufferError, TypeError)):
            log.attach("edges", wrong)
    with pytest.raises(ValueError, match="nothing"):
        log.attach("nothing", memoryview(bytearray(4096)))


def test_a_damaged_slot_is_seen() -> None:
    log = twin()
    memory = attach(log, 1)["edges"]
    log.record(call())
    slots_of = Slots(memory, histogram=True)
    slots_of.note(0, Note("a.b.c.edges.1970010100.ndjson", 7, 9))
    whole = bytes(memory)
    found = read_slot(whole, histogram=True)
    assert found is not None
    assert found.note == ("a.b.c.edges.1970010100.ndjson", 7, 9)
    assert slots_of.sequence(0) == 1
    key_at, note_at = slots._KEYS_AT, slots._NOTE_AT
    damage = {
        0: struct.pack("<I", 5),
        4: struct.pack("<I", 5000),
        key_at: b"\xff",
        16: b"\xff",
        note_at + 20: b"\xff",
        slots._COPY_AT[1] + 96: struct.pack("<I", 5000),
    }
    for at, stored in damage.items():
        broken = whole[:at] + stored + whole[at + len(stored) :]
        with pytest.raises(DamagedError):
            read_slot(broken, histogram=True)


@given(st.binary(min_size=1, max_size=500))
def test_any_bytes_are_a_slot_or_damaged(noise: bytes) -> None:
    noise = (noise * 4096)[:4096]
    for state in (b"", b"\2\0\0\0", b"\3\0\0\0\0\0\0\0"):
        try:
            read_slot(state + noise[len(state) :], histogram=True)
        except DamagedError:
            continue


@given(st.binary(max_size=60), st.lists(st.booleans(), max_size=4))
def test_any_bytes_are_a_key_or_damaged(noise: bytes, texts: list[bool]) -> None:
    try:
        assert len(unpack_keys(noise, texts)) == len(texts)
    except DamagedError:
        return
