"""A log file or folder that somebody takes away is made anew, and what went with it is counted."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pie.observe.log import files
from pie.observe.log.files import HourlyFile


def delete(path: Path) -> None:
    path.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def rename(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


def rename_and_create(path: Path) -> None:
    """As logrotate does."""
    rename(path)
    path.touch()


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("take_away", [delete, delete_folder, rename, rename_and_create, link])
def test_a_file_is_made_anew(
    tmp_path: Path, monkeypatch, take_away: Callable[[Path], None]
) -> None:
    told: list[tuple[str, int]] = []
    now = 0.0
    monkeypatch.setattr(files, "monotonic", lambda: now)
    file = HourlyFile(
        tmp_path / "app",
        "a.b.c",
        "log",
        lost=lambda what, lines, ts, why: told.append((what, lines)),
    )
    assert file.append(b"before\n", 0) == 7
    path = tmp_path / "app" / "a.b.c.1970010100.log"
    now += 5
    assert file.append(b"seen\n", 0) == 5
    take_away(path)
    assert file.append(b"lost\n", 0) == 5
    now += 5
    assert file.append(b"after\n", 0) == 6
    assert path.read_text() == "after\n"
    assert told == [("app/a.b.c.log", 2)]
    now += 5
    assert file.append(b"more\n", 0) == 5
    assert path.read_text() == "after\nmore\n"
    file.close()


def test_a_file_that_was_cut_is_written_on(tmp_path: Path, monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(files, "monotonic", lambda: now)
    file = HourlyFile(tmp_path, "a.b.c", "log")
    file.append(b"before\n", 0)
    path = tmp_path / "a.b.c.1970010100.log"
    path.write_bytes(b"")
    now += 5
    file.append(b"after\n", 0)
    assert path.read_text() == "after\n"
    file.close()


def test_what_is_no_file_is_an_obstacle_until_it_goes(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a.b.c.1970010100.log"
    file = HourlyFile(tmp_path, "a.b.c", "log")
    path.mkdir()
    assert file.append(b"lost\n", 0) == 0
    assert isinstance(file.trouble, IsADirectoryError)
    path.rmdir()
    os.mkfifo(path)
    assert file.append(b"lost\n", 0) == 0
    path.unlink()
    assert file.append(b"after\n", 0) == 6
    file.close()
