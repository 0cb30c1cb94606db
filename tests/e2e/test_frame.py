"""What surrounds every page: navigation, palette, the choices of the visit."""

import re
from collections.abc import Iterator

import pytest
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

expect.set_options(timeout=20_000)  # The machine may be busy with other tests.

ARTICLE = "toutiao.article.article"


def navigation(page: Page):
    return page.get_by_role("navigation", name="Main navigation")


def pick_range(page: Page, name: str) -> None:
    page.get_by_test_id("range").click()
    page.get_by_role("dialog", name="Time range").get_by_role("button", name=name).click()


def test_the_navigation_folds_and_stays_folded(page: Page, fleet: Fleet) -> None:
    services = navigation(page).get_by_role("link", name="Services")
    expect(services).to_contain_text("Services")
    wide = services.bounding_box()
    page.keyboard.press("[")
    expect(services.locator(".side-label")).to_be_hidden()
    page.reload()
    expect(services).to_be_visible()
    expect(services.locator(".side-label")).to_be_hidden()
    narrow = services.bounding_box()
    assert wide is not None and narrow is not None and narrow["width"] < wide["width"] / 3
    page.get_by_role("button", name="Unfold").click()
    expect(services).to_contain_text("Services")


def test_the_visit_keeps_range_and_cluster(page: Page, fleet: Fleet) -> None:
    page.goto(f"{fleet.url}/services")
    pick_range(page, "Last 15 min")
    page.get_by_label("Cluster", exact=True).select_option("default")
    page.locator(f'[data-psm="{ARTICLE}"]').get_by_test_id("service-link").click()
    expect(page).to_have_url(f"{fleet.url}/s/{ARTICLE}/overview?window=900&cluster=default")
    expect(page.get_by_test_id("range")).to_contain_text("15 min")
    navigation(page).get_by_role("link", name="Logs").click()
    expect(page.get_by_test_id("range")).to_contain_text("15 min")
    navigation(page).get_by_role("link", name="PSM management").click()
    expect(page.get_by_test_id("range")).to_have_count(0)  # It is no question of time.
    navigation(page).get_by_role("link", name="Services").click()
    expect(page).to_have_url(f"{fleet.url}/services?window=900&cluster=default")


def test_a_range_of_the_past_holds_for_the_visit(page: Page, fleet: Fleet) -> None:
    page.goto(f"{fleet.url}/services")
    page.get_by_test_id("range").click()
    dialog = page.get_by_role("dialog", name="Time range")
    dialog.get_by_label("From").fill("2026-01-05T10:00:00")
    dialog.get_by_label("To").fill("2026-01-05T09:00:00")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("alert")).to_contain_text("later than the start")
    dialog.get_by_label("To").fill("2026-01-05T11:00:00")
    dialog.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/services\?since=\d+&until=\d+$"))
    expect(page.get_by_label("Refresh")).to_have_count(0)  # The past stays as it is.
    page.locator(f'[data-psm="{ARTICLE}"]').get_by_test_id("service-link").click()
    expect(page).to_have_url(re.compile(r"/overview\?since=\d+&until=\d+$"))
    expect(page.get_by_test_id("verdict")).to_contain_text("Nobody called it from 01-05 10:00:00")
    serving = page.get_by_test_id("serving")
    serving.get_by_role("button", name="View as table").click()
    # Nobody ran then: it is not known what happened, which is no zero.
    expect(serving.get_by_role("cell", name="no data").first).to_be_visible()
    expect(serving.get_by_role("cell", name="0", exact=True)).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(page).to_have_url(f"{fleet.url}/services")


def test_the_palette_goes_to_services_and_pages(page: Page, fleet: Fleet) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("article.art")
    expect(page.get_by_role("option").first).to_contain_text(ARTICLE)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{fleet.url}/s/{ARTICLE}/overview")
    page.keyboard.press("/")
    page.keyboard.type("Requests")
    page.get_by_role("option", name="Requests").click()
    expect(page).to_have_url(f"{fleet.url}/s/{ARTICLE}/requests")
    page.keyboard.press("/")
    page.keyboard.type("PSM man")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{fleet.url}/psm")


def test_the_palette_finds_a_method(page: Page, fleet: Fleet) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("getarticle")
    page.get_by_role("option", name=f"GetArticle · {ARTICLE}", exact=False).first.click()
    expect(page).to_have_url(f"{fleet.url}/s/{ARTICLE}/overview?method=GetArticle")
    expect(page.get_by_test_id("method-detail")).to_be_visible()


def test_keys_lead_to_pages_and_are_listed(page: Page, fleet: Fleet) -> None:
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("next and previous row")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(f"{fleet.url}/services")
    rows = page.get_by_test_id("service-row")
    expect(rows.first).to_be_visible()
    page.keyboard.press("j")
    expect(rows.nth(0).get_by_role("button")).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1).get_by_role("button")).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0).get_by_role("button")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("gs?")  # Text, where one writes.
    expect(page).to_have_url(f"{fleet.url}/services")


def test_a_starred_service_stands_in_the_navigation(page: Page, fleet: Fleet) -> None:
    page.goto(f"{fleet.url}/s/{ARTICLE}/overview")
    page.get_by_role("button", name=f"Add {ARTICLE} to my services").click()
    page.goto(f"{fleet.url}/psm")
    navigation(page).get_by_role("link", name=ARTICLE).click()
    expect(page.get_by_test_id("service-name")).to_have_text(ARTICLE)


@pytest.fixture
def phone(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 280, "height": 600}, locale="en-US")
    page = context.new_page()
    page.goto(f"{fleet.login}&user=wangdi")
    yield page
    context.close()


def test_on_a_phone_the_navigation_is_a_drawer(phone: Page, fleet: Fleet) -> None:
    phone.goto(f"{fleet.url}/psm")
    expect(navigation(phone)).to_be_hidden()
    menu = phone.get_by_role("button", name="Open the navigation")
    menu.click()
    expect(navigation(phone).get_by_role("link", name="PSM management")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(navigation(phone)).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    navigation(phone).get_by_role("link", name="Home").click()
    expect(phone).to_have_url(f"{fleet.url}/")
    expect(navigation(phone)).to_be_hidden()
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
