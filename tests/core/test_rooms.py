"""Rooms of the C extension: includes point one way, and every file opens with its idea."""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src" / "pie" / "_core"  # A wheel has no sources.
BELOW = {
    "base": set(),
    "codec": {"base"},
    "frame": {"base", "codec"},
    "call": {"base"},
    "record": {"base", "call"},
    "loop": {"base"},
    "http": {"base", "loop"},
    "server": {"base", "codec", "frame", "call", "record", "loop"},
    "client": {"base", "codec", "frame", "call", "record"},
    "web": {"base", "call"},
}
"""Rooms, and those whose headers they may include. ``module.c`` may include all."""

FILES = sorted(CORE.rglob("*.[ch]"))
MOST_LINES = 500


def unit(file: Path) -> str:
    """``loop/loop`` for both its .c and its .h."""
    return str(file.relative_to(CORE).with_suffix(""))


def includes(file: Path) -> list[str]:
    """The units whose headers a file includes, but for its own."""
    found = re.findall(r'^#include "([^"]+)\.h"$', file.read_text(), re.MULTILINE)
    return [each for each in found if each != unit(file)]


def test_every_room_is_known() -> None:
    assert {each.name for each in CORE.iterdir() if any(each.glob("*.c"))} == set(BELOW)


@pytest.mark.parametrize("room", sorted(BELOW))
def test_includes_point_down(room: str) -> None:
    for file in (CORE / room).glob("*.[ch]"):
        for each in includes(file):
            other = each.partition("/")[0]
            assert other == room or other in BELOW[room], f"{file} includes {each}.h"


def test_no_circle_of_files() -> None:
    uses: dict[str, set[str]] = {}
    for file in FILES:
        uses.setdefault(unit(file), set()).update(includes(file))
    while True:
        free = {each for each, used in uses.items() if not used & uses.keys()}
        if not free:
            break
        uses = {each: used for each, used in uses.items() if each not in free}
    assert not uses, "these include each other, or what does"


@pytest.mark.parametrize("file", FILES, ids=unit)
def test_a_file_opens_with_its_idea(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0].startswith("/* "), "no comment at its head"
    assert len(lines) <= MOST_LINES, "split it by idea"


@pytest.mark.parametrize("file", [each for each in FILES if each.suffix == ".c"], ids=unit)
def test_what_a_file_exports_is_in_its_header(file: Path) -> None:
    """A header of another file does not declare it, nor an ``extern`` in the file that uses it."""
    header = file.with_suffix(".h")
    declared = header.read_text() if header.exists() else ""
    defined = re.findall(
        r"^(?!static\b|ALWAYS_INLINE\b)[A-Za-z][\w *]*?\b(\w+)\([^;]*\) \{$", file.read_text(), re.M
    )
    for name in defined:
        if not name.startswith("PyInit_"):
            assert re.search(rf"\b{name}\(", declared), f"{name} is not in {header.name}"
