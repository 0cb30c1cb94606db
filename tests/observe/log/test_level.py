"""The number of a level decides, whatever somebody called it."""

import logging
from pathlib import Path

import pytest

from pie.observe import Identity, Observer
from pie.observe.log.level import level_name


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "DEBUG"), (5, "DEBUG"), (10, "DEBUG"), (15, "DEBUG"), (20, "INFO"), (25, "INFO"),
        (30, "WARNING"), (31, "WARNING"), (40, "ERROR"), (50, "CRITICAL"), (999, "CRITICAL"),
    ],
)  # fmt: skip
def test_the_nearest_standard_name(number: int, name: str) -> None:
    assert level_name(number) == name


def test_a_renamed_level_stands_in_the_line_as_itself(tmp_path: Path) -> None:
    observer = Observer(Identity(psm="a.b.c"), tmp_path, tmp_path / "service")
    observer.install()
    before = logging.getLevelName(30)
    logging.addLevelName(30, "\x1b[1;33mWARNING\x1b[0m")
    logging.addLevelName(35, "ALERT")
    try:
        logging.warning("one")
        logging.log(36, "two")
    finally:
        logging.addLevelName(30, before)
        observer.close()
    lines = (tmp_path / "a/log/python/a.b.c.log").read_text().splitlines()
    assert [each.partition(" ")[0] for each in lines] == ["WARNING", "ERROR"]
