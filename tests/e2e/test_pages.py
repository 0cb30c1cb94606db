"""The pages in a real browser, fed by the real fleet."""

import time

import pytest
import traffic
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sent(fleet: Fleet) -> dict[str, traffic.Sent]:
    """One request of every kind, all of them seen by the platform."""
    entries = fleet.entries
    made = {name: traffic.send(entries, kind) for name, kind in traffic.KINDS.items()}

    def arrived() -> bool:
        chains = [(fleet.client.chain(each.logid), each.kind) for each in made.values()]
        return all(
            chain is not None
            and len(chain["nodes"]) == kind.served
            and len(chain["calls"]) == kind.asked
            for chain, kind in chains
        )

    fleet.wait(arrived, "the chains did not arrive")
    return made


def test_services_shows_what_runs(page: Page, fleet: Fleet, sent) -> None:
    page.goto(f"{fleet.url}/services")
    for psm in ("toutiao.stream.api", "toutiao.article.article", "toutiao.device.device_info"):
        expect(page.locator(f'[data-testid=service-row][data-psm="{psm}"]')).to_be_visible()
    row = page.locator('[data-testid=service-row][data-psm="toutiao.stream.api"]')
    expect(row).to_contain_text("flask")
    # Aggregates are there 12 s after the calls, and the page asks every 5 s.
    related = page.locator('[data-testid=service-row][data-psm="toutiao.article.related"]')
    expect(related).to_be_visible(timeout=25_000)


def test_a_request_leads_to_its_chain(page: Page, fleet: Fleet, sent) -> None:
    page.goto(f"{fleet.url}/services")
    link = page.locator("[data-testid=chain-link]", has_text=sent["GET /stream"].logid[-6:])
    expect(link.first).to_be_visible(timeout=15_000)
    link.first.click()
    expect(page).to_have_url(f"{fleet.url}/chain/{sent['GET /stream'].logid}")
    expect(page.get_by_test_id("chain-summary")).to_contain_text(sent["GET /stream"].logid)


def open_chain(page: Page, fleet: Fleet, logid: str) -> None:
    page.goto(f"{fleet.url}/chain/{logid}")
    expect(page.get_by_test_id("chain-summary")).to_contain_text(logid)


def test_the_tree_shows_who_called_whom(page: Page, fleet: Fleet, sent) -> None:
    open_chain(page, fleet, sent["GET /articles/101"].logid)
    rows = page.get_by_test_id("node-row")
    expect(rows).to_have_count(3)
    assert [row.get_attribute("data-psm") for row in rows.all()] == [
        "toutiao.stream.api",
        "toutiao.article.article",
        "toutiao.device.device_info",
    ]
    assert [row.get_attribute("data-no") for row in rows.all()] == ["0", "1", "2"]
    expect(rows.nth(0)).to_contain_text("GET")
    expect(rows.nth(2)).to_contain_text("MGetInstallations")
    assert [
        row.get_attribute("data-callee-no") for row in page.get_by_test_id("call-row").all()
    ] == [
        "1",
        "2",
    ]
    expect(page.get_by_test_id("waterfall")).to_be_visible()


def test_a_callee_that_never_logged_is_node_minus_one_with_the_reason(
    page: Page, fleet: Fleet, sent
) -> None:
    open_chain(page, fleet, sent["GET /articles/101/related"].logid)
    call = page.locator("[data-testid=call-row][data-callee-no='-1']")
    expect(call).to_have_count(1)
    expect(call).to_contain_text("toutiao.article.related")
    expect(page.get_by_text("no instances of toutiao.article.related").first).to_be_visible()


def test_the_logs_of_a_node_open_in_place(page: Page, fleet: Fleet, sent) -> None:
    open_chain(page, fleet, sent["GET /articles/105"].logid)
    node = page.locator("[data-testid=node-row][data-psm='toutiao.device.device_info']")
    deadline = time.monotonic() + 15
    while True:
        node.get_by_test_id("view-log").click()
        lines = page.get_by_test_id("log-line")
        try:
            expect(lines.filter(has_text="KeyError").first).to_be_visible(timeout=3000)
            break
        except AssertionError:
            assert time.monotonic() < deadline
            page.reload()


def test_a_deadline_is_explained(page: Page, fleet: Fleet, sent) -> None:
    open_chain(page, fleet, sent["GET /articles/106"].logid)
    expect(page.get_by_text("did not end in time").first).to_be_visible()


def test_a_call_given_up_is_warned_of_once(page: Page, fleet: Fleet, sent) -> None:
    """The callee takes 3 s of the second its caller waits: one fact, though three flags say it."""
    logid = sent["GET /articles/106"].logid

    def ended() -> bool:
        chain = fleet.client.chain(logid)
        return chain is not None and "callee_took_longer" in chain["flags"]

    fleet.wait(ended, "the callee's record did not arrive")
    open_chain(page, fleet, logid)
    findings = page.locator(".findings li")
    expect(findings).to_have_count(1)
    expect(findings).to_contain_text("the caller had given up")


def test_the_view_is_in_the_url(page: Page, fleet: Fleet, sent) -> None:
    open_chain(page, fleet, sent["GET /stream"].logid)
    page.get_by_test_id("node-row").nth(1).click()
    expect(page).to_have_url(f"{fleet.url}/chain/{sent['GET /stream'].logid}?node=1")
    page.reload()
    expect(page.get_by_test_id("node-row").nth(1)).to_have_attribute("aria-selected", "true")


def test_without_a_login_a_page_says_how(browser: Browser, fleet: Fleet) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{fleet.url}/services")
    expect(page.get_by_text("pie platform").first).to_be_visible()
    expect(page.get_by_test_id("service-row")).to_have_count(0)
    context.close()


def test_a_phone_and_the_dark_see_the_same(browser: Browser, fleet: Fleet, sent) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    page = context.new_page()
    page.goto(fleet.login)
    page.goto(f"{fleet.url}/chain/{sent['GET /stream'].logid}")
    expect(page.get_by_test_id("node-row")).to_have_count(3)
    expect(page.get_by_text("业务访问链信息").first).to_be_visible()
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    context.close()
