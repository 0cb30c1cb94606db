"""The pages of one service and the home page in a real browser, fed by the real fleet."""

import re

import pytest
import traffic
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=20_000)  # The machine may be busy with other tests.

API = "toutiao.stream.api"
ARTICLE = "toutiao.article.article"
RELATED = "toutiao.article.related"


@pytest.fixture(scope="module")
def batch(fleet: Fleet) -> list[traffic.Sent]:
    """Requests of every kind, counted by the platform."""
    sent = [each for each in traffic.batch(fleet.entries) if each.kind.psm == API]

    def counted() -> bool:
        calls = {
            each["psm"]: each["calls"]
            for each in fleet.client.get("/api/services?window=3600")["services"]
        }
        return calls.get(API, 0) >= len(sent) and RELATED in calls

    fleet.wait(counted, "the aggregates did not arrive")
    return sent


def open_service(page: Page, fleet: Fleet, psm: str, query: str = "window=3600") -> None:
    page.goto(f"{fleet.url}/s/{psm}/overview?{query}")
    expect(page.get_by_test_id("service-name")).to_have_text(psm)
    expect(page.get_by_test_id("state-badge")).to_be_visible()


def method_row(page: Page, method: str):
    return page.locator(f'[data-testid=method-row][data-method="{method}"]')


def test_the_list_leads_to_the_page_of_a_service(page: Page, fleet: Fleet, batch) -> None:
    page.goto(f"{fleet.url}/services")
    page.locator(f'[data-psm="{API}"]').get_by_test_id("service-link").click()
    expect(page).to_have_url(f"{fleet.url}/s/{API}/overview")
    expect(page.locator("h1")).to_have_text(f"Service: {API}")
    expect(page.get_by_test_id("state-badge")).to_have_text("On-boarded")
    info = page.get_by_test_id("service-info")
    for text in ("python", "flask", "http"):
        expect(info).to_contain_text(text)
    page.locator(".crumb").get_by_role("link", name="Services").click()
    expect(page).to_have_url(f"{fleet.url}/services")


def test_a_badge_says_what_it_means(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    expect(page.get_by_role("tooltip")).to_be_hidden()
    page.get_by_test_id("state-badge").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("at least one instance is registered")


def test_interfaces_are_listed_with_their_figures(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    row = method_row(page, "views.article")
    expect(row).to_contain_text("/articles/<int:article_id>")
    expect(row).to_contain_text("GET")
    expect(row.locator("svg.spark")).to_be_visible()
    open_service(page, fleet, ARTICLE)
    row = method_row(page, "GetArticle")
    expect(row).to_contain_text("(req: GetArticleRequest) → GetArticleResponse")


def test_rejections_do_not_count_as_failures(page: Page, fleet: Fleet, batch) -> None:
    """Requests for a withdrawn article are the caller's doing: 4xx."""
    service = fleet.client.get(f"/api/services/{API}?window=3600")["total"]
    client_errors = sum(400 <= each.status < 500 for each in batch)
    server_errors = sum(each.status >= 500 for each in batch)
    assert (service["rejected"], service["failures"]) == (client_errors, server_errors)
    open_service(page, fleet, API)
    totals = page.get_by_test_id("service-totals")
    expect(totals).to_contain_text(re.compile(rf"Failures[\d.]+%{server_errors}"))
    expect(totals).to_contain_text(re.compile(rf"Rejected[\d.]+%{client_errors}"))


def test_a_method_opens_to_its_comment_and_its_charts(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, ARTICLE)
    page.get_by_role("button", name="Monitor GetArticle", exact=True).last.click()
    detail = page.get_by_test_id("method-detail")
    expect(detail).to_contain_text("A withdrawn one is answered with the business code 1410")
    expect(detail.locator(".uplot canvas")).to_have_count(3)
    page.get_by_test_id("range").click()
    page.get_by_role("button", name="Last 15 min").click()
    expect(page).to_have_url(re.compile(r"window=900.*method=GetArticle"))
    page.reload()
    expect(page.get_by_test_id("method-detail").locator(".uplot canvas")).to_have_count(3)
    expect(page.get_by_test_id("range")).to_contain_text("15 min")


def test_a_drag_over_a_chart_sets_the_range(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_contain_text("of its calls in the last 1 h")
    expect(verdict).to_have_attribute("data-health", "bad")
    over = page.get_by_test_id("serving").locator(".u-over").first
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"since=\d+&until=\d+"))
    since, until = (int(re.search(rf"{key}=(\d+)", page.url)[1]) for key in ("since", "until"))
    assert 600 <= until - since <= 1200
    expect(page.get_by_test_id("range")).to_contain_text("→")
    page.go_back()
    page.get_by_label("against").select_option("last week")
    expect(page).to_have_url(re.compile("against=week"))
    legend = page.get_by_test_id("serving").locator(".u-legend").first
    expect(legend).to_contain_text("last week")


def test_the_idl_can_be_read(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, ARTICLE)
    page.get_by_role("button", name="Show IDL").click()
    idl = page.get_by_test_id("idl")
    expect(idl).to_contain_text("struct GetArticleRequest")
    idl.get_by_role("button", name="base.thrift").click()
    expect(idl).to_contain_text("struct BaseResp")
    expect(idl.get_by_role("button", name="Copy")).to_be_visible()


def test_callers_and_callees_lead_to_their_pages(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    expect(page.get_by_test_id("caller-row")).to_contain_text("(unknown)")
    callee = page.locator(f'[data-testid=callee-row][data-psm="{RELATED}"]')
    expect(callee).to_contain_text("−1")
    expect(callee).to_contain_text("Not on-boarded")
    page.locator(f'[data-testid=callee-row][data-psm="{ARTICLE}"] a').first.click()
    expect(page.get_by_test_id("service-name")).to_have_text(ARTICLE)
    page.goto(f"{page.url}?window=3600")
    caller = page.locator(f'[data-testid=caller-row][data-psm="{API}"]')
    expect(caller).to_contain_text(re.compile(r"\d\d\.\d%"))
    caller.get_by_role("link").click()
    expect(page.get_by_test_id("service-name")).to_have_text(API)


def test_a_service_that_never_ran_is_shown_by_its_callers(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, RELATED)
    expect(page.get_by_test_id("state-badge")).to_have_text("Not on-boarded")
    counted = page.get_by_test_id("serving").get_by_text("Counted by its callers")
    expect(counted).to_be_visible()
    expect(page.get_by_test_id("served-call").first).to_contain_text("unavailable")


def test_served_calls_of_a_service_that_is_no_entry(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, ARTICLE)
    page.get_by_role("link", name="See all").click()
    expect(page).to_have_url(re.compile(f"/s/{ARTICLE}/requests"))
    calls = page.get_by_test_id("served-call")
    expect(calls.first).to_contain_text(API)
    page.get_by_role("button", name="Business codes").click()
    expect(page).to_have_url(re.compile("outcome=business"))
    expect(calls.first).to_contain_text("business code")
    for text in calls.all_inner_texts():
        assert "business code" in text
    calls.first.get_by_role("link").first.click()
    expect(page.get_by_test_id("chain-summary")).to_be_visible()


def test_the_cluster_is_in_the_url_and_narrows(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    page.get_by_label("Cluster", exact=True).select_option("default")
    expect(page).to_have_url(re.compile("cluster=default"))
    expect(page.get_by_test_id("instance-row")).to_have_count(1)
    page.get_by_role("link", name="Requests").click()
    expect(page).to_have_url(re.compile("/requests.*cluster=default"))
    open_service(page, fleet, API, "window=3600&cluster=nowhere")
    expect(page.get_by_label("Cluster", exact=True)).to_have_value("nowhere")
    expect(page.get_by_text("No instance of this cluster")).to_be_visible()


def test_the_logs_are_one_click_away(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, API)
    tabs = page.get_by_role("navigation", name="Pages of this service")
    expect(tabs.get_by_role("link", name="Logs")).to_have_attribute(
        "href", f"/logs?window=3600&psm={API}"
    )


def test_the_search_box_knows_services(page: Page, fleet: Fleet, batch) -> None:
    for keys, typed, url in (
        ("/", ARTICLE, f"/s/{ARTICLE}/overview"),
        ("Control+k", "article", "/services?q=article"),
    ):
        page.keyboard.press(keys)
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(page).to_have_url(fleet.url + url)


def test_home_shows_my_services_and_what_fails(page: Page, fleet: Fleet, batch) -> None:
    open_service(page, fleet, ARTICLE)
    page.get_by_role("button", name=f"Add {ARTICLE} to my services").click()
    page.get_by_role("link", name="Pie").click()
    expect(page).to_have_url(f"{fleet.url}/?window=3600")
    mine = page.get_by_test_id("my-service").first
    expect(mine).to_contain_text(ARTICLE)
    expect(mine).to_contain_text("On-boarded")
    expect(page.locator(f'[data-testid=failing-row][data-psm="{RELATED}"]')).to_contain_text("100")
    failed = page.get_by_test_id("chain-link")
    expect(failed.first).to_be_visible()
    codes = {each.logid: each.status for each in batch}
    shown = [codes[link.inner_text()] for link in failed.all() if link.inner_text() in codes]
    assert shown and min(shown) >= 500
    page.reload()
    expect(page.get_by_test_id("my-service").first).to_contain_text(ARTICLE)


def test_a_name_nobody_knows_says_so(browser: Browser, fleet: Fleet) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(fleet.login)
    page.goto(f"{fleet.url}/s/no.such.service/overview")
    expect(page.get_by_text("Nothing is known of this service")).to_be_visible()
    page.goto(f"{fleet.url}/s/{API}/no-such-tab")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    context.close()


TOO_WIDE = """() => [...document.querySelectorAll('.scroll')]
    .filter((card) => card.scrollWidth > card.clientWidth + 1)
    .map((card) => card.closest('section').getAttribute('aria-labelledby'))"""


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_no_table_is_wider_than_its_card(
    browser: Browser, fleet: Fleet, batch, locale: str
) -> None:
    """15 px less than the usual widths: a scroll bar takes them."""
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(fleet.login)
    chain = fleet.client.get("/api/chains?limit=1&outcome=failed")["chains"][0]["logid"]
    for path, row in (
        (f"/s/{API}/overview?window=3600", "served-call"),
        (f"/s/{API}/requests", "served-call"),
        (f"/s/{ARTICLE}/overview?window=3600", "served-call"),
        ("/services?window=3600", "service-row"),
        ("/?", "chain-link"),
        (f"/chain/{chain}", "node-row"),
    ):
        page.goto(fleet.url + path)
        expect(page.get_by_test_id(row).first).to_be_visible()
        for width in (1425, 1265):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(TOO_WIDE) == [], (path, width)
    context.close()


def test_an_unknown_service_is_asked_for_again(browser: Browser, fleet: Fleet) -> None:
    """The page promises that a service shows as soon as it starts."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(fleet.login)
    page.goto(f"{fleet.url}/s/no.such.service/overview")
    expect(page.get_by_text("Nothing is known of this service")).to_be_visible()
    with page.expect_response(re.compile("/api/services/no.such.service"), timeout=15_000) as again:
        pass
    assert again.value.status == 404
    context.close()


def test_a_phone_and_the_dark_see_the_same(browser: Browser, fleet: Fleet, batch) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    page = context.new_page()
    page.goto(fleet.login)
    for path in (f"/s/{API}/overview?window=3600", f"/s/{API}/requests", "/", "/services"):
        page.goto(fleet.url + path)
        expect(page.locator("h1, h2").first).to_be_attached()
        if path.startswith("/s/"):
            expect(page.locator("h1")).to_have_text(f"当前服务: {API}")
            expect(page.get_by_test_id("state-badge")).to_have_text("已服务化")
            expect(page.get_by_test_id("served-call").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()
