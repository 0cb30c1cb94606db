"""Old files: compressed and deleted only when nothing can be lost by it."""

import gzip
import time

import pytest

NEVER = 1e12


def past(hours):
    return time.strftime("%Y%m%d%H", time.gmtime(time.time() - 3600 * hours))


def names(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_an_acknowledged_old_file_is_compressed(road, platform, start, eventually):
    text = "".join(road.line(f"m{n}") for n in range(1000))
    path = road.write(text, hour=past(5))
    young = road.write(road.line("young"), hour=past(0))
    agent = start()
    packed = path.with_name(path.name + ".gz")
    eventually(lambda: names(path) == sorted([packed.name, young.name]))
    assert gzip.decompress(packed.read_bytes()).decode() == text
    assert packed.stat().st_mode == young.stat().st_mode
    eventually(lambda: agent.status.files == 1)
    agent.stop()
    agent = start()
    eventually(agent.is_level)
    agent.stop()
    assert len(platform.all()) == 1001
    assert platform.duplicates == 0
    assert agent.status.vanished_bytes == 0


def test_a_file_that_is_not_acknowledged_stays(road, platform, start, eventually):
    platform.behave = lambda table, rows: 503
    path = road.write(road.line("one"), hour=past(5))
    agent = start()
    eventually(lambda: agent.status.tables["logs"].retries > 5)
    assert path.exists()
    platform.behave = lambda table, rows: "ok"
    eventually(lambda: not path.exists())
    assert platform.messages() == ["one"]


def test_a_file_that_is_open_for_writing_stays(road, platform, start, eventually):
    path = road.write(road.line("one"), hour=past(5))
    with path.open("ab", buffering=0) as writer:
        agent = start()
        eventually(agent.is_level)
        road.write(road.line("sign"), hour=past(6), name="a.b.c")
        eventually(lambda: agent.status.compressed_files == 1)
        writer.write(road.line("late").encode())
        eventually(lambda: "late" in platform.messages())
        assert path.exists()
    eventually(lambda: not path.exists())
    assert agent.status.compressed_files == 2


def test_a_late_file_of_the_same_name_does_not_replace_the_first(road, platform, start, eventually):
    path = road.write(road.line("first"), hour=past(5))
    agent = start()
    eventually(lambda: agent.status.compressed_files == 1)
    road.write(road.line("second"), hour=past(5))
    eventually(lambda: agent.status.compressed_files == 2)
    assert names(path) == [path.name + "-2.gz", path.name + ".gz"]
    assert sorted(platform.messages()) == ["first", "second"]


def test_compressed_files_are_deleted_at_their_age(road, platform, start, eventually):
    old = road.write(road.line("old"), hour=past(24 * 11))
    kept = road.write(road.line("kept"), hour=past(24 * 9))
    foreign = road.write("foreign", path=old.with_name("backup.tar.gz"))
    agent = start()
    eventually(lambda: agent.status.deleted_files == 1)
    assert names(old) == [foreign.name, kept.name + ".gz"]
    assert sorted(platform.messages()) == ["kept", "old"]


def test_an_empty_old_file_is_deleted(road, platform, start, eventually):
    path = road.write("", hour=past(5))
    start()
    eventually(lambda: not path.exists())
    assert names(path.with_name("x")) == []


def test_the_quota_takes_acknowledged_files_first(road, platform, start, eventually):
    size = len(road.line("x" * 9_000))
    paths = [road.write(road.line("x" * 9_000), hour=past(5 - n)) for n in range(4)]
    now = road.write(road.line("now"), hour=past(-1))
    agent = start(compress_after_s=NEVER)
    eventually(lambda: agent.is_level(5))
    agent.stop()
    agent = start(quota_bytes=2 * size + 1000, compress_after_s=NEVER)
    eventually(lambda: agent.status.deleted_files == 2)
    assert [path.exists() for path in [*paths, now]] == [False, False, True, True, True]
    assert agent.status.quota_lost_bytes == 0
    assert len(platform.all()) == 5


def test_acknowledged_files_make_room_on_a_full_disk(road, platform, start, eventually):
    platform.behave = lambda table, rows: 503
    old = [road.write(road.line(f"m{hour}"), hour=past(hour)) for hour in (7, 6)]
    young = road.write(road.line("young"), hour=past(0))
    agent = start(free_bytes=1 << 62, compress_after_s=NEVER)
    eventually(lambda: agent.status.tables["logs"].retries > 5)
    assert all(path.exists() for path in old)  # Unsent lines are not deleted for it.
    platform.behave = lambda table, rows: "ok"
    eventually(lambda: names(young) == [young.name])
    eventually(lambda: sorted(platform.messages()) == ["m6", "m7", "young"])
    assert agent.status.quota_lost_files == 0


@pytest.mark.parametrize("lines", [1, 3])
def test_what_the_quota_costs_is_counted_and_reported(
    road, platform, start, eventually, caplog, lines
):
    platform.behave = lambda table, rows: 503
    text = road.line("x" * 5_000) * lines
    paths = [road.write(text, hour=past(5 - n)) for n in range(4)]
    now = road.write(text, hour=past(-1))
    agent = start(quota_bytes=3 * len(text))
    eventually(lambda: agent.status.quota_lost_files == 2)
    status = agent.status
    assert [path.exists() for path in [*paths, now]] == [False, False, True, True, True]
    assert (status.quota_lost_lines, status.quota_lost_bytes) == (2 * lines, 2 * len(text))
    assert status.vanished_bytes == 0
    assert f"deleted with {lines} lines" in caplog.text
