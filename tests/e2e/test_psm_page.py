"""PSM management in a real browser: who owns what, claiming and changing it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fleet import Fleet
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTHING = {
    "version": 0,
    "owners": [],
    "description": "",
    "docs": "",
    "repository": "",
    "on_call": "",
    "tier": None,
}


@pytest.fixture
def reader(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    """A page of somebody called wangdi. Refusals are part of these tests, faults are not."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{fleet.login}&user=wangdi")
    expect(page).to_have_url(f"{fleet.url}/")
    yield page
    context.close()
    assert faults == []


def declare(page: Page, fleet: Fleet, name: str, **fields: Any) -> None:
    """Declare a name as the same person, without the page."""
    answer = page.request.put(
        f"{fleet.url}/api/psm/{name}", data=NOTHING | fields, headers={"Origin": fleet.url}
    )
    assert answer.ok, answer.text()


def row(page: Page, name: str) -> Locator:
    return page.locator(f'[data-testid=psm-row][data-name="{name}"]')


def test_the_tree_says_who_owns_what(reader: Page, fleet: Fleet) -> None:
    declare(reader, fleet, "toutiao", owners=["wangdi"], description="The news app")
    reader.get_by_role("link", name="PSM management").click()
    expect(reader).to_have_url(f"{fleet.url}/psm")
    expect(reader.get_by_test_id("verdict")).to_contain_text(re.compile(r"\d PSMs in \d product"))
    expect(row(reader, "toutiao")).to_contain_text("wangdi")
    article = row(reader, "toutiao.article.article")
    expect(article).to_contain_text("articles")
    expect(article).to_contain_text("On-boarded")
    article.click()
    detail = reader.get_by_test_id("psm-detail")
    expect(detail).to_contain_text("pie-thrift")
    detail.get_by_role("link", name="Service page").click()
    expect(reader).to_have_url(f"{fleet.url}/s/toutiao.article.article/overview")


def test_the_style_comes_with_the_page_and_before_it(reader: Page, fleet: Fleet) -> None:
    sheet = 'link[rel=stylesheet][href^="/assets/psm-"]'
    expect(reader.locator(sheet)).to_have_count(0)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    reader.route("**/assets/psm-*.css", hold)
    with reader.expect_request("**/assets/psm-*.css"):
        reader.get_by_role("link", name="PSM management").click()
    # The home page stays until the new one can be shown as it is meant.
    expect(reader.get_by_test_id("psm-row")).to_have_count(0)
    expect(reader.get_by_role("heading", name="My services")).to_be_visible()
    held[0].continue_()
    expect(reader.get_by_test_id("psm-row").first).to_have_css("display", "grid")
    expect(reader.locator(sheet)).to_have_count(1)


def test_filters_narrow_the_tree_and_say_when_nothing_is_left(reader: Page, fleet: Fleet) -> None:
    declare(reader, fleet, "orphans.lost.found", tier=3)
    reader.goto(f"{fleet.url}/psm")
    reader.get_by_role("button", name="No owner").click()
    expect(row(reader, "orphans.lost.found")).to_be_visible()
    expect(row(reader, "toutiao.article.article")).to_have_count(0)
    reader.get_by_role("button", name=re.compile("^All")).click()
    reader.get_by_test_id("psm-search").fill("ARTICLE.art")
    expect(row(reader, "toutiao.article.article")).to_be_visible()
    expect(row(reader, "orphans.lost.found")).to_have_count(0)
    reader.get_by_test_id("psm-search").fill("no-such-name")
    expect(reader.get_by_text("No name and no owner holds “no-such-name”")).to_be_visible()
    reader.get_by_role("button", name="Show all").click()
    expect(row(reader, "orphans.lost.found")).to_be_visible()


def test_an_unowned_psm_is_claimed_once_it_was_asked(reader: Page, fleet: Fleet) -> None:
    declare(reader, fleet, "claims.made.here", tier=2)
    reader.goto(f"{fleet.url}/psm?name=claims.made.here")
    detail = reader.get_by_test_id("psm-detail")
    detail.get_by_role("button", name="Claim …").click()
    expect(detail).to_contain_text("You become the owner of claims.made.here")
    reader.get_by_label("Why it is yours").fill("I made it in spring")
    reader.get_by_test_id("psm-claim").click()
    expect(detail).to_contain_text("yours")
    expect(reader.get_by_test_id("psm-change").first).to_contain_text("I made it in spring")
    expect(reader.get_by_test_id("psm-change").first).to_contain_text("wangdi claimed")
    expect(row(reader, "claims.made.here")).to_contain_text("wangdi")


def test_a_mistake_is_reported_at_its_field(reader: Page, fleet: Fleet) -> None:
    declare(reader, fleet, "edits.are.checked", owners=["lihua"])
    reader.goto(f"{fleet.url}/psm?name=edits.are.checked")
    reader.get_by_role("button", name="Edit").click()
    docs = reader.get_by_label("Documentation")
    docs.fill("ftp://old.example.org")
    reader.get_by_label("Owners").fill("lihua, wangdi")
    reader.get_by_test_id("psm-save").click()
    expect(docs).to_have_attribute("aria-invalid", "true")
    expect(docs).to_be_focused()
    expect(reader.locator("#psm-docs-hint")).to_contain_text("begins with http:// or https://")
    docs.fill("https://wiki.example.org/edits")
    docs.press("Enter")
    detail = reader.get_by_test_id("psm-detail")
    expect(detail.get_by_role("link", name="wiki.example.org/edits")).to_be_visible()
    expect(reader.get_by_test_id("psm-change").first).to_contain_text("lihua → lihua, wangdi")
    expect(row(reader, "edits.are.checked")).to_contain_text("lihua, wangdi")


def test_what_somebody_else_changed_meanwhile_is_shown(reader: Page, fleet: Fleet) -> None:
    name = "two.people.edit"
    declare(reader, fleet, name, owners=["lihua"], tier=1)
    reader.goto(f"{fleet.url}/psm?name={name}")
    reader.get_by_role("button", name="Edit").click()
    reader.get_by_label("Description").fill("What I write of it")
    declare(reader, fleet, name, version=1, owners=["zhaomin"], tier=1)
    reader.get_by_test_id("psm-save").click()
    conflict = reader.get_by_test_id("psm-conflict")
    expect(conflict).to_contain_text("wangdi")
    expect(conflict.locator("tbody tr")).to_have_count(2)
    expect(conflict).to_contain_text("zhaomin")
    reader.get_by_label("Owners").fill("zhaomin")
    expect(conflict.locator("tbody tr")).to_have_count(1)
    reader.get_by_role("button", name="Save mine over it").click()
    changes = reader.get_by_test_id("psm-change")
    expect(changes).to_have_count(3)
    expect(changes.first).to_contain_text("What I write of it")
    expect(changes.nth(1)).to_contain_text("lihua → zhaomin")


def test_the_keys_walk_the_tree(reader: Page, fleet: Fleet) -> None:
    reader.goto(f"{fleet.url}/psm?name=toutiao")
    tree = reader.get_by_role("treegrid")
    expect(row(reader, "toutiao")).to_have_attribute("aria-selected", "true")
    expect(row(reader, "toutiao")).to_have_attribute("aria-expanded", "true")
    tree.focus()
    tree.press("ArrowLeft")
    expect(row(reader, "toutiao")).to_have_attribute("aria-expanded", "false")
    expect(row(reader, "toutiao.article")).to_have_count(0)
    tree.press("ArrowRight")
    tree.press("ArrowDown")
    tree.press("ArrowDown")
    expect(row(reader, "toutiao.article.article")).to_have_attribute("aria-selected", "true")
    expect(reader.get_by_test_id("psm-detail")).to_contain_text("toutiao.article.article")


def test_a_name_that_does_not_run_yet_can_be_declared(reader: Page, fleet: Fleet) -> None:
    reader.goto(f"{fleet.url}/psm")
    reader.get_by_role("button", name="Declare a name").click()
    reader.get_by_label("Declare a name", exact=True).last.fill("plans.for.spring")
    reader.get_by_role("button", name="Continue").click()
    detail = reader.get_by_test_id("psm-detail")
    expect(detail).to_contain_text("Nothing is known of plans.for.spring")
    reader.get_by_label("Owners").fill("wangdi")
    reader.get_by_test_id("psm-save").click()
    expect(row(reader, "plans.for.spring")).to_contain_text("Only declared")
    expect(reader).to_have_url(f"{fleet.url}/psm?name=plans.for.spring")


def test_a_name_about_to_be_declared_is_checked_for_typing_errors(
    reader: Page, fleet: Fleet
) -> None:
    reader.goto(f"{fleet.url}/psm")
    reader.get_by_role("button", name="Declare a name").click()
    reader.get_by_label("Declare a name", exact=True).last.fill("toutiao.artcle.article")
    reader.get_by_role("button", name="Continue").click()
    detail = reader.get_by_test_id("psm-detail")
    expect(reader.get_by_label("Owners")).to_be_focused()
    expect(detail).to_contain_text("looks like a typing error of toutiao.article.article")
    reader.get_by_role("button", name="Cancel").click()
    expect(detail.get_by_role("button", name="Declare …")).to_be_visible()
    detail.get_by_role("button", name="toutiao.article.article").click()
    expect(detail).to_contain_text("pie-thrift")


def test_a_draft_is_kept_until_it_is_saved_or_discarded(reader: Page, fleet: Fleet) -> None:
    name = "drafts.are.kept"
    declare(reader, fleet, name, owners=["lihua"])
    reader.goto(f"{fleet.url}/psm?name={name}")
    reader.get_by_role("button", name="Edit").click()
    description = reader.get_by_label("Description")
    description.fill("Half a sentence")
    row(reader, "toutiao").click()
    expect(reader.get_by_test_id("psm-form")).to_have_count(0)
    row(reader, name).click()
    expect(reader.get_by_test_id("psm-kept")).to_contain_text("Your text is kept")
    reader.get_by_role("button", name="Continue editing").click()
    expect(description).to_have_value("Half a sentence")
    description.press("Escape")
    reader.reload()
    # Somebody else saves: the draft is one of the version before, and says so.
    declare(reader, fleet, name, version=1, owners=["zhaomin"])
    reader.reload()
    reader.get_by_role("button", name="Continue editing").click()
    expect(description).to_have_value("Half a sentence")
    reader.get_by_test_id("psm-save").click()
    expect(reader.get_by_test_id("psm-conflict")).to_contain_text("zhaomin")
    reader.get_by_role("button", name="Discard").click()
    expect(reader.get_by_test_id("psm-kept")).to_have_count(0)
    reader.get_by_role("button", name="Edit").click()
    expect(description).to_have_value("")
    expect(reader.get_by_label("Owners")).to_have_value("zhaomin")
    reader.get_by_role("button", name="Cancel").click()


def test_a_name_that_is_none_is_explained_and_not_asked_again(reader: Page, fleet: Fleet) -> None:
    reader.goto(f"{fleet.url}/psm?name=Foo Bar")
    expect(reader.get_by_role("alert")).to_contain_text("is no name of a product")
    expect(reader.get_by_role("button", name="Try again")).to_have_count(0)


def test_back_closes_what_was_selected(reader: Page, fleet: Fleet) -> None:
    reader.goto(f"{fleet.url}/psm")
    row(reader, "toutiao").click()
    row(reader, "toutiao.article.article").click()
    row(reader, "toutiao.article.article").click()
    reader.go_back()
    expect(row(reader, "toutiao")).to_have_attribute("aria-selected", "true")
    tree = reader.get_by_role("treegrid")
    tree.focus()
    tree.press("ArrowDown")
    tree.press("ArrowDown")
    reader.go_back()
    expect(reader).to_have_url(f"{fleet.url}/psm")
    expect(reader.get_by_test_id("psm-detail")).to_have_count(0)


def test_the_list_in_view_is_downloaded(reader: Page, fleet: Fleet) -> None:
    declare(reader, fleet, "sheets.with.formula", owners=["=1+1"])
    reader.goto(f"{fleet.url}/psm?q=sheets.with")
    expect(row(reader, "sheets.with.formula")).to_be_visible()
    with reader.expect_download() as waiting:
        reader.get_by_role("button", name="CSV").click()
    lines = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("psm,product,subsystem,state,owners")
    assert len(lines) == 2
    assert lines[1].startswith("sheets.with.formula,sheets,with,declared,'=1+1,declared,")


def test_ten_thousand_psms_are_as_quick_as_ten(reader: Page, fleet: Fleet) -> None:
    counts = {"psms": 100, "mine": 0, "unowned": 0, "typo": 0}
    none = {"owners": ["a"], "owners_from": "declared", "description": "", "version": 1}
    psm = none | {"tier": 1, "on_call": "", "state": "never", "last_seen": 0, "calls": 0}
    psm |= {"claimable": False, "mine": False, "like": []}

    def product(number: int) -> dict[str, Any]:
        name = f"p{number:03}"
        psms = [psm | {"psm": f"{name}.s.m{each:02}"} for each in range(100)]
        subsystem = none | {"name": f"{name}.s", "counts": counts, "psms": psms}
        return none | {"name": name, "counts": counts, "subsystems": [subsystem]}

    tree = {"now": 1, "user": "wangdi", "seen_days": 7, "seen_known": True, "more": False}
    tree |= {"counts": counts | {"psms": 10_000}, "shown": 10_000, "others": []}
    tree |= {"products": [product(number) for number in range(100)]}
    body = json.dumps(tree)

    def answer(route: Route, _request: Request) -> None:
        route.fulfill(body=body, content_type="application/json")

    reader.route("**/api/psm?*", answer)
    reader.goto(f"{fleet.url}/psm")
    expect(reader.get_by_test_id("verdict")).to_contain_text("10,000 PSMs in 100 products")
    rows = reader.get_by_test_id("psm-row")
    expect(row(reader, "p000")).to_be_visible()
    assert 10 < rows.count() < 100
    reader.get_by_role("button", name="Unfold all").click()
    expect(row(reader, "p000.s.m00")).to_be_visible()
    assert rows.count() < 100
    reader.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(row(reader, "p099.s.m99")).to_be_visible()
    assert rows.count() < 100


def test_a_phone_shows_the_details_in_the_place_of_the_list(browser: Browser, fleet: Fleet) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    page = context.new_page()
    page.goto(f"{fleet.login}&user=wangdi")
    page.goto(f"{fleet.url}/psm")
    page.get_by_role("button", name="打开导航").click()
    expect(page.get_by_role("link", name="PSM 管理")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("verdict")).to_contain_text("个产品")
    row(page, "toutiao.article.article").click()
    expect(page.get_by_test_id("psm-detail")).to_contain_text("变更历史")
    expect(page.get_by_test_id("psm-tree")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.go_back()
    expect(page.get_by_test_id("psm-tree")).to_be_visible()
    expect(page).to_have_url(f"{fleet.url}/psm")
    row(page, "toutiao.article.article").click()
    page.get_by_role("button", name="关闭").click()
    expect(page.get_by_test_id("psm-tree")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()
