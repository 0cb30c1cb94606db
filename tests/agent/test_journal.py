"""The journal of positions: what it remembers, and what a damaged one gives."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from pie.agent.identity import Identity
from pie.agent.journal import Entry, Journal


def an_entry(path, pos, generation=0):
    return Entry(path, Identity(pos + 1, 2, 3, 4, generation), pos)


def test_the_journal_remembers_the_last_position(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.record([an_entry("a", 10), an_entry("日志", 5)])
    journal.record([an_entry("a", 20)])
    journal.forget("日志")
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.get("a") == an_entry("a", 20)
    assert again.get("日志") is None
    again.retain([])
    assert again.get("a") is None
    again.close()


def test_the_journal_does_not_grow_without_bound(tmp_path):
    journal = Journal(tmp_path / "journal")
    entries = [an_entry(f"toutiao/log/app/file-{n}", 0) for n in range(1000)]
    largest = 0
    for _ in range(100):
        journal.record(entries)
        largest = max(largest, (tmp_path / "journal").stat().st_size)
    journal.close()
    assert largest < 5 * 1024 * 1024
    again = Journal(tmp_path / "journal")
    assert [again.get(entry.path) for entry in entries] == entries
    again.close()


@settings(max_examples=examples(25), deadline=None)
@given(cut=st.integers(0, 400), flip=st.integers(0, 399))
def test_a_damaged_journal_gives_old_positions_or_none(tmp_path_factory, cut, flip):
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(path)
    for pos in (1, 2, 3):
        journal.record([an_entry("a", pos), an_entry("b", pos)])
    journal.close()
    data = bytearray(path.read_bytes())
    data[flip % len(data)] ^= 0x55
    path.write_bytes(data[: max(1, len(data) - cut)])
    again = Journal(path)
    for name in "ab":
        assert again.get(name) in [None, *(an_entry(name, pos) for pos in (1, 2, 3))]
    again.close()
