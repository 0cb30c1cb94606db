"""Parts on their own: names, identity, journal, answers."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.agent.identity import HEAD_BYTES, Identity, head_of, identify
from pie.agent.journal import Entry, Journal
from pie.agent.names import LogFile, compressed_hour, parse_hour, parse_name
from pie.agent.rows import Block, RowMaker
from pie.agent.send import Away, Taken, Unacceptable, judge
from pie.observe.log.parse import LineParser

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("folder", "name", "table", "psm", "has_hour"),
    [
        ("app", "toutiao.my.api.2026112310.log", "logs", "toutiao.my.api", True),
        ("run", "toutiao.my.api.4711.2026112310.log", "logs", "toutiao.my.api", True),
        ("app", "toutiao.my.api.log", "logs", "toutiao.my.api", False),
        ("app", "Some Thing.log", "logs", "Some Thing", False),
        ("app", "a.b.c.2026119910.log", "logs", "a.b.c", False),
        ("facts", "a.b.c.calls.2026112310.ndjson", "calls", "a.b.c", True),
        ("facts", "a.b.c.edges.2026112310.ndjson", "edge_10s", "a.b.c", True),
        ("facts", "a.b.c.calls.ndjson", "calls", "a.b.c", False),
    ],
)
def test_names_of_files(folder, name, table, psm, has_hour):
    file = parse_name(folder, name, UTC)
    assert file is not None
    assert (file.table, file.folder, file.psm) == (table, folder, psm)
    assert (file.hour is not None) == has_hour


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("app", "a.b.c.2026112310.log.gz"),
        ("app", "notes.txt"),
        ("app", ".log"),
        ("facts", "a.b.c.2026112310.log"),
        ("facts", "a.b.c.metrics.2026112310.ndjson"),
    ],
)
def test_other_files_are_left_alone(folder, name):
    assert parse_name(folder, name, UTC) is None


def test_an_hour_is_of_the_zone_and_may_come_twice():
    assert parse_hour("2026112310", UTC) == (1795428000.0, 1795431600.0)
    shanghai = parse_hour("2026112310", ZoneInfo("Asia/Shanghai"))
    assert shanghai == (1795428000.0 - 8 * 3600, 1795431600.0 - 8 * 3600)
    start, end = parse_hour("2026102502", ZoneInfo("Europe/Berlin"))
    assert end - start == 7200


def test_names_of_compressed_files():
    assert compressed_hour("a.b.c.2026112310.log.gz", UTC) == (1795428000.0, 1795431600.0)
    assert compressed_hour("a.b.c.calls.2026112310.ndjson-2.gz", UTC) is not None
    assert compressed_hour("backup.2026112310.gz", UTC) is None


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_the_head_of_a_file_never_changes_while_it_grows(before, more):
    head = head_of(before)
    if head is not None:
        assert head_of(before + more) == head
        assert len(head) <= HEAD_BYTES
    else:
        assert b"\n" not in before
        assert len(before) < HEAD_BYTES


def test_every_part_of_an_identity_counts():
    first = ("host", "p/log/app/a.log", 1, 2, b"head\n", 0)
    others = [
        ("hosp", "p/log/app/a.log", 1, 2, b"head\n", 0),
        ("host", "p/log/app/b.log", 1, 2, b"head\n", 0),
        ("host", "p/log/app/a.log", 3, 2, b"head\n", 0),
        ("host", "p/log/app/a.log", 1, 3, b"head\n", 0),
        ("host", "p/log/app/a.log", 1, 2, b"heat\n", 0),
        ("host", "p/log/app/a.log", 1, 2, b"head\n", 1),
    ]
    assert identify(*first) == identify(*first)
    sources = {identify(*parts).src for parts in [first, *others]}
    assert len(sources) == 7
    assert all(0 < src < 2**63 for src in sources)


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


@settings(max_examples=25, deadline=None)
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


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (200, b'{"accepted":1,"duplicates":0,"rejected":[],"rejected_count":0}', Taken),
        (200, b'{"accepted":1}', Taken),
        (200, b"", Away),
        (200, b"<html>", Away),
        (400, b'{"error":{"code":400,"message":"row 3"}}', Unacceptable),
        (400, b"<html>bad request</html>", Away),
        (413, b"nginx", Unacceptable),
        (302, b"", Away),
        (503, b"", Away),
    ],
)
def test_only_the_platform_itself_is_believed(status, answer, kind):
    assert isinstance(judge(status, answer), kind)


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_positions_are_the_ends_of_lines(lines, data):
    blob = b"".join(line + b"\n" for line in lines)
    file = LogFile(data.draw(st.sampled_from(["logs", "calls"])), "app", "a.b.c", None)
    block = Block(blob, 100, False, True, 0.0)
    rows = list(RowMaker(LineParser(UTC), "h").rows(block, file, 7))
    ends = [100 + len(b"".join(line + b"\n" for line in lines[: n + 1])) for n in range(len(lines))]
    assert [row.pos for row in rows] == ends
    if file.table == "logs":
        assert [row.json is None for row in rows] == [line == b"" for line in lines]
