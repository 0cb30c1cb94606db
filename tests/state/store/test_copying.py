"""A copy of a store: everything that lasts, whole or refused."""

import io

import pytest

from pie.state import MemoryStore, Write
from pie.state.store.copying import CopyError, put_copy, read_copy, write_copy


def copied(store: MemoryStore) -> bytes:
    file = io.BytesIO()
    write_copy(store, file)
    return file.getvalue()


@pytest.fixture
def store():
    made = MemoryStore()
    made.commit([Write(f"/pie/rules/{number:03d}", f"一 {number}") for number in range(100)])
    made.put("/pie/largest", "x" * (1 << 20))
    made.put("/pie/registered", "x", lease=made.grant(60))
    made.put("/elsewhere", "x")
    return made


def test_what_lasts_comes_back(store):
    other = MemoryStore()
    text = copied(store)
    found = put_copy(other, read_copy(io.BytesIO(text)), replace=False)
    assert found == (101, 0, [])
    assert copied(other).split(b"\n", 1)[1] == text.split(b"\n", 1)[1]
    assert other.get("/pie/registered") is None
    assert put_copy(other, read_copy(io.BytesIO(text)), replace=False) == (0, 101, [])


def test_other_values_are_left_unless_they_shall_go(store):
    other = MemoryStore()
    other.put("/pie/rules/001", "mine")
    other.put("/pie/extra", "stays")
    lines = read_copy(io.BytesIO(copied(store)))
    assert put_copy(other, lines, replace=False) == (100, 0, ["/pie/rules/001"])
    assert other.get("/pie/rules/001").value == "mine"
    assert put_copy(other, lines, replace=True) == (1, 100, [])
    assert other.get("/pie/rules/001").value == "一 1"
    assert other.get("/pie/extra").value == "stays"


def test_a_store_too_large_for_one_range(store, monkeypatch):
    monkeypatch.setattr("pie.state.store.served.MAX_RANGE", 1 << 20)
    store.put("/pie/l", "a prefix that is a key")
    file = io.BytesIO()
    assert write_copy(store, file) == (102, True)
    assert len(read_copy(io.BytesIO(file.getvalue()))) == 102


def test_a_copy_that_is_damaged_is_refused(store):
    text = copied(store)
    lines = text.splitlines(keepends=True)
    for broken, said in (
        (b"", "no copy of a state store"),
        (b"\x00\xff", "no copy of a state store"),
        (b'{"pie_state":9,"revision":1,"entries":0}\n', "format 9, this Pie reads 1"),
        (b"".join(lines[:50]), "49 of 101 entries: it was cut off"),
        (text[:-20], "line 102 is damaged"),
        (text.replace(b'"key"', b'"kex"', 1), "line 2 is damaged"),
    ):
        with pytest.raises(CopyError, match=said):
            read_copy(io.BytesIO(broken))
