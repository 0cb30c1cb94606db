"""A file that is begun anew is another file, however it looks; one read again is the same."""

import os
import zlib

import msgspec
import pytest

from pie.agent.stream import Stream


@pytest.fixture
def start(start):
    """No file is compressed, though the hour in its name is over."""
    return lambda **options: start(**{"compress_after_s": 1e12, **options})


def begin_anew(path, lines):
    """As copytruncate does when the writer goes on at once: the same inode, never seen shorter."""
    with path.open("r+b", buffering=0) as file:
        data = "".join(lines).encode()
        os.pwrite(file.fileno(), data, 0)
        os.ftruncate(file.fileno(), len(data))


@pytest.mark.parametrize("stopped", [True, False])
def test_a_file_begun_anew_with_the_same_first_line(road, platform, start, eventually, stopped):
    path = road.write("started\n" + road.line("one") + road.line("two"))
    agent = start()
    eventually(lambda: len(platform.all()) == 3)
    eventually(agent.is_level)
    if stopped:
        agent.stop()
    new = ["started\n", road.line("six"), road.line("too"), road.line("more")]
    begin_anew(path, new)
    if stopped:
        agent = start()
    eventually(lambda: platform.messages()[3:] == ["started", "six", "too", "more"])
    assert len({row["src"] for row in platform.all()}) == 2
    eventually(agent.is_level)
    agent.stop()
    road.write(road.line("last"), path=path)
    start()
    eventually(lambda: platform.messages()[7:] == ["last"])
    assert platform.duplicates == 0


def test_a_file_begun_anew_with_the_same_lines(road, platform, start, eventually):
    """What it begins with tells nothing; that it was shorter does."""
    path = road.write("started\n" * 3)
    agent = start()
    eventually(lambda: len(platform.all()) == 3)
    eventually(agent.is_level)
    file = next(iter(agent.agent._watch.files()))
    os.truncate(path, 0)
    eventually(lambda: file.seen[1] == 0)
    road.write("started\n" * 4, path=path)
    eventually(lambda: len(platform.all()) == 7)


def test_a_journal_of_an_older_agent_is_read_on(road, tmp_path, platform, start, eventually):
    road.write(road.line("one"))
    agent = start()
    eventually(agent.is_level)
    agent.stop()
    journal = tmp_path / ".pie-agent" / "journal"
    lines = []
    for line in journal.read_bytes().splitlines():
        text = msgspec.json.encode(msgspec.json.decode(line.partition(b" ")[2])[:3])
        lines.append(b"%08x %b\n" % (zlib.crc32(text), text))
    journal.write_bytes(b"".join(lines))
    road.write(road.line("two"))
    start()
    eventually(lambda: platform.messages() == ["one", "two"])
    assert platform.duplicates == 0


def test_an_error_inside_a_batch_sends_nothing_twice_and_skips_nothing(
    road, platform, start, eventually, monkeypatch
):
    path = road.write(road.line("one"))
    agent = start()
    eventually(agent.is_level)
    deliver, failed = Stream._deliver, []

    def fail_once(stream, rows):
        if rows and not failed:
            failed.append(rows)
            raise MemoryError
        return deliver(stream, rows)

    monkeypatch.setattr(Stream, "_deliver", fail_once)
    road.write(road.line("two"), path=path)
    eventually(lambda: platform.messages() == ["one", "two"])
    assert failed
    assert len({row["src"] for row in platform.all()}) == 1
    assert platform.duplicates == 0
