"""docs/policies/: tables of parameters are those of the rules' types, rule sets can be read, and
messages are those that people get."""

import re
import sys
from pathlib import Path

import pytest

from pie.govern import KINDS, RuleError, parse

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import parameters  # noqa: E402 - found through the path above

PAGES = sorted(parameters.FOLDER.glob("*.md"))
POLICIES = [page for page in PAGES if page.stem != "README"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_those_of_the_rules(page: Path) -> None:
    text = page.read_text()
    assert parameters.written(text) == text, "run: python tools/parameters.py"


@pytest.mark.parametrize("page", POLICIES, ids=lambda page: page.stem)
def test_a_page_says_when_how_and_what_it_looks_like(page: Path) -> None:
    text = page.read_text()
    kinds = [found[2] for found in parameters.TABLE.finditer(text)]
    assert kinds, "a page has the parameters of its kind"
    for heading in ("When", "Parameters", "When it acts"):
        assert f"\n## {heading}\n" in text
    sets = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert sets, "a page has an example"
    assert {parse(each, KINDS).kind.kind for each in sets} <= set(kinds)


@pytest.mark.parametrize("page", POLICIES, ids=lambda page: page.stem)
def test_the_first_page_lists_it(page: Path) -> None:
    assert f"]({page.name})" in (parameters.FOLDER / "README.md").read_text()


def test_each_kind_has_its_page() -> None:
    pages = [found[2] for page in PAGES for found in parameters.TABLE.finditer(page.read_text())]
    assert sorted(pages) == sorted(KINDS)


def test_the_first_page_shows_what_wrong_rules_get() -> None:
    text = (parameters.FOLDER / "README.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    parse(example, KINDS)
    (shown,) = re.findall(r"^```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    wrong = [example.replace("2000", '"many"'), example.replace('"qps": 100', '"qqs": 100')]
    for line, each in zip(shown.splitlines(), wrong, strict=True):
        with pytest.raises(RuleError) as caught:
            parse(each, KINDS)
        assert str(caught.value) == line
