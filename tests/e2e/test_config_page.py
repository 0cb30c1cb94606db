"""Dynamic config and business degradation in a real browser: what is decided there acts here."""

import json
import re
import urllib.request
from collections.abc import Callable

import pytest
from fleet import Fleet
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

API = "toutiao.stream.api"
ARTICLE = "toutiao.article.article"
SOON = 30_000


def front_page(fleet: Fleet) -> int:
    """Articles on the front page of the demo."""
    with urllib.request.urlopen(f"{fleet.entries[API]}/stream", timeout=10) as answer:
        return len(json.load(answer))


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen within 10 s")


def test_a_value_is_published_takes_effect_and_is_rolled_back(page: Page, fleet: Fleet) -> None:
    until(page, lambda: front_page(fleet) == 4)  # The code has read its value.
    page.goto(f"{fleet.url}/s/{API}/config")
    key = page.get_by_test_id("config-key").filter(has_text="stream.page_size")
    expect(key).to_contain_text("default in the code", timeout=SOON)
    key.get_by_role("button", name="Edit").click()
    editor = page.get_by_test_id("config-editor")
    editor.get_by_label("Value of stream.page_size").fill("2")
    editor.get_by_role("button", name="Take over").click()
    page.get_by_test_id("config-review").click()
    expect(page.get_by_test_id("config-changes")).to_contain_text("stream.page_size")
    page.get_by_test_id("config-comment").fill("small screens")
    page.get_by_test_id("config-publish-button").click()
    expect(page.get_by_test_id("config-verdict")).to_contain_text("small screens")
    until(page, lambda: front_page(fleet) == 2)
    expect(page.get_by_test_id("config-verdict")).to_contain_text("runs v1", timeout=SOON)
    # A value that the code would not take is refused before it is published.
    key.get_by_role("button", name="Edit").click()
    editor.get_by_label("Value of stream.page_size").fill("2.5")
    editor.get_by_role("button", name="Take over").click()
    page.get_by_test_id("config-review").click()
    expect(page.get_by_role("alert").filter(has_text="not a whole number")).to_be_visible()
    expect(page.get_by_test_id("config-publish-button")).to_be_disabled()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="History").click()
    expect(page.get_by_test_id("config-version")).to_have_count(1)


def test_the_second_editor_keeps_what_they_wrote(page: Page, fleet: Fleet) -> None:
    page.goto(f"{fleet.url}/s/{ARTICLE}/config")
    page.get_by_test_id("config-add").click()
    editor = page.get_by_test_id("config-editor")
    editor.get_by_label("Key, such as").fill("mine")
    editor.get_by_label("Value of mine").fill("1")
    editor.get_by_role("button", name="Take over").click()
    answer = page.request.put(
        f"{fleet.url}/api/config/{ARTICLE}",
        data={"seen": 0, "values": {"theirs": 2}, "comment": "quicker"},
        headers={"Origin": fleet.url},
    )
    assert answer.ok, answer.text()
    page.get_by_test_id("config-review").click()
    conflict = page.get_by_role("alert").filter(has_text="published v1")
    expect(conflict).to_contain_text("quicker")
    page.get_by_test_id("config-merge").click()
    expect(page.get_by_test_id("config-changes")).to_have_text(re.compile("mine"))
    page.get_by_test_id("config-publish-button").click()
    expect(page.get_by_test_id("config-keys")).to_contain_text("theirs")
    expect(page.get_by_test_id("config-keys")).to_contain_text("mine")


def test_a_switch_is_flipped_with_a_reason_and_comes_on_again(page: Page, fleet: Fleet) -> None:
    def readers() -> dict[str, int]:
        with urllib.request.urlopen(f"{fleet.entries[API]}/articles/101", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)["readers"]
            return found

    assert readers()
    page.get_by_role("link", name="Business degradation").click()
    row = page.get_by_test_id("degrade-switch").filter(has_text="readers")
    expect(row).to_contain_text("users see", timeout=SOON)
    row.get_by_test_id("degrade-off").click()
    page.get_by_test_id("degrade-reason").fill("the index is rebuilt")
    page.get_by_test_id("degrade-until").select_option("3600")
    page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("the index is rebuilt")
    expect(page.get_by_test_id("degrade-verdict")).to_contain_text("1 switch is not on")
    until(page, lambda: readers() == {})
    row.get_by_test_id("degrade-on").click()
    page.get_by_test_id("degrade-reason").fill("done")
    page.get_by_role("dialog").get_by_role("button", name="Switch on").click()
    expect(page.get_by_test_id("degrade-verdict")).to_contain_text("Nothing is switched off")
    until(page, lambda: bool(readers()))
