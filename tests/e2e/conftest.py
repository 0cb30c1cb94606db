"""The demo's fleet, for real: platform, agent, three services."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from fleet import Fleet  # noqa: E402 - found through the path above

SHELL = "chromium-headless-shell"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One fleet for all tests of a module."""
    with Fleet(tmp_path_factory.mktemp("fleet"), free_port()) as made:
        yield made


@pytest.fixture(scope="module")
def browser(program: Callable[[str, str], str]) -> Iterator[Browser]:
    # The shell needs half of the processor time of a whole Chromium.
    chromium = shutil.which(SHELL) or program("chromium", "make system-deps")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    """A page that is logged in; anything the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    made = context.new_page()
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda text: complaints.append(text.text) if text.type == "error" else None)
    made.goto(fleet.login)
    expect(made).to_have_url(f"{fleet.url}/")
    yield made
    context.close()
    assert complaints == []
