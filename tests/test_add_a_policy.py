"""docs/add-a-policy.md, followed word by word in a copy of the source: files, edits and tests.

Once, and a second time beside the policy that it made the first time.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pie.govern import KINDS, Rule, describe

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "add-a-policy.md").read_text()
MOST_FILES_TOUCHED = 2
TESTS_OF_THE_PAGE = 5


def blocks(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


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


def follow(page: str, root: Path) -> None:
    """Make the files and the edits of a page."""
    for block in blocks("python", page):
        name = block.partition("\n")[0].removeprefix("# ")
        made = root / name
        assert not made.exists(), f"{name} is no new file"
        made.write_text(block.partition("\n")[2])
    touched = {apply(diff, root) for diff in blocks("diff", page)}
    assert len(touched) <= MOST_FILES_TOUCHED


def check(root: Path, added: str) -> None:
    """The tests of all policies pass, the five of the one that was added among them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "tests/govern"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(rf"/test_{added}\.py::.* PASSED", done.stdout)) == TESTS_OF_THE_PAGE


@pytest.mark.slow
def test_the_page_adds_a_policy_and_then_another(tmp_path: Path) -> None:
    no_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("src/pie", "tests/govern"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=no_caches)
    for file in (ROOT / "tests").glob("*.py"):  # Fixtures, and what they need.
        if not file.name.startswith("test_"):
            shutil.copy(file, tmp_path / "tests")
    follow(PAGE, tmp_path)
    check(tmp_path, "bulkhead")
    follow(PAGE.replace("ulkhead", "arrier"), tmp_path)
    check(tmp_path, "barrier")


def row_of(kind: type[Rule]) -> str:
    """The row of a kind in the page's table."""
    fields = ", ".join(f"`{field.name}`" for field in describe(kind))
    holding = "all that match" if kind.every else "the most specific"
    return f"| `{kind.kind}` | {', '.join(kind.sides)} | {holding} | {fields} |"


def test_the_page_lists_the_kinds_of_rules() -> None:
    table = PAGE.partition("### Kinds of rules\n\n")[2].partition("\n\n")[0]
    assert table.splitlines()[2:] == [row_of(kind) for kind in KINDS.values()]
