"""docs/add-a-policy.md, followed word by word in a copy of the source: files, edits and tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pie.govern import KINDS, parse

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "add-a-policy.md").read_text()
MOST_FILES_TOUCHED = 3


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def apply(diff: str, root: Path) -> str:
    """Make the edits of a diff without line numbers; the file's name."""
    head, _, body = diff.partition("\n")
    name = head.removeprefix("--- ")
    text = (root / name).read_text()
    for hunk in body.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] == " ")
        after = "".join(line[1:] for line in lines)
        assert text.count(before) == 1, f"{name} has these lines {text.count(before)}x:\n{before}"
        text = text.replace(before, after)
    (root / name).write_text(text)
    return name


def test_the_page_adds_a_policy(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "src" / "pie", tmp_path / "src" / "pie", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "tests" / "govern").mkdir(parents=True)
    for file in (ROOT / "tests").glob("*.py"):  # Fixtures, and what they need.
        if not file.name.startswith("test_"):
            shutil.copy(file, tmp_path / "tests")
    for block in blocks("python"):
        name = block.partition("\n")[0].removeprefix("# ")
        made = tmp_path / name
        assert not made.exists(), f"{name} is no new file"
        made.write_text(block.partition("\n")[2])
    touched = {apply(diff, tmp_path) for diff in blocks("diff")}
    assert len(touched) <= MOST_FILES_TOUCHED
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/govern"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_rule_set_of_the_page_can_be_read() -> None:
    (text,) = blocks("json")
    assert parse(text, KINDS).rules[0].name == "rate v7 method=Get* caller=a.b.c|a.b.d"
