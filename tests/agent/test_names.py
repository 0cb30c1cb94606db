"""What the name of a log file says."""

from zoneinfo import ZoneInfo

import pytest

from pie.agent.names import compressed_hour, parse_hour, parse_name

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
