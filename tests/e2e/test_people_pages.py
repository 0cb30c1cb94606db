"""People, tokens and changes in a real browser."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def second(browser: Browser) -> Iterator[Page]:
    """The browser of somebody else, small and dark, in Chinese."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    yield made
    context.close()
    assert faults == []


def no_wider_than_the_screen(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_person_gets_a_token_uses_it_and_loses_it(page: Page, second: Page, fleet: Fleet) -> None:
    page.get_by_role("link", name="People and audit").click()
    expect(page.get_by_test_id("people-empty")).to_contain_text("Nobody has a token of their own")
    page.get_by_test_id("add-person").click()
    page.get_by_label("Name").fill("lihua")
    page.get_by_label("Why").fill("joins articles")
    page.get_by_role("button", name="Add", exact=True).click()
    panel = page.get_by_test_id("person-panel")
    expect(panel).to_contain_text("They have no token")
    panel.get_by_test_id("make-token").click()
    panel.get_by_label("What for").fill("laptop")
    panel.get_by_role("button", name="Make it").click()
    token = panel.get_by_test_id("fresh-token").locator("code").inner_text()
    assert re.fullmatch(r"pie_\w{10}_[\w-]{43}", token)
    panel.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_text(token)).to_have_count(0)
    expect(panel.get_by_test_id("token")).to_contain_text("laptop")

    second.goto(f"{fleet.url}/admin?person=lihua")
    second.locator("#token").fill(token)
    second.get_by_role("button", name="登录").click()
    expect(second.get_by_test_id("verdict")).to_contain_text("您是 lihua，不是管理员")
    expect(second).to_have_url(f"{fleet.url}/admin?person=lihua")  # The token is in no address.
    expect(second.get_by_test_id("token")).to_contain_text("当前登录")
    expect(second.get_by_test_id("add-person")).to_have_count(0)
    no_wider_than_the_screen(second)
    second.goto(f"{fleet.url}/psm?name=toutiao.article.article")
    expect(second.get_by_text("负责人可以修改")).to_be_visible()
    expect(second.get_by_role("button", name="编辑")).to_have_count(0)

    panel.get_by_role("button", name="Revoke…").click()
    panel.get_by_label("Why").fill("lost")
    panel.get_by_role("button", name="Revoke it").click()
    expect(panel).to_contain_text("They have no token")
    second.goto(f"{fleet.url}/changes")
    expect(second.locator("#token")).to_be_visible()

    page.get_by_role("button", name="Audit").click()
    rows = page.get_by_test_id("change-row")
    expect(rows.first).to_contain_text("person/lihua", timeout=20_000)
    expect(rows.first).to_contain_text("lost", timeout=20_000)


def test_changes_are_filtered_opened_and_exported(page: Page, second: Page, fleet: Fleet) -> None:
    body = {
        "version": 0, "owners": ["wangdi"], "description": "", "docs": "", "repository": "",
        "on_call": "", "tier": None, "reason": "she asked",
    }  # fmt: skip
    answer = page.request.put(
        f"{fleet.url}/api/psm/diary.page.a", data=body, headers={"Origin": fleet.url}
    )
    assert answer.ok, answer.text()
    page.get_by_role("link", name="Changes", exact=True).click()
    row = page.get_by_test_id("change-row").filter(has_text="diary.page.a")
    expect(row).to_contain_text("owners: wangdi", timeout=20_000)
    expect(row).to_contain_text("she asked")
    row.get_by_role("button").click()
    expect(page.get_by_test_id("change-detail").locator(".diff-new").first).to_be_visible()
    link = page.get_by_role("link", name="Open it as it stands now")
    expect(link).to_have_attribute("href", re.compile(r"^/psm\?name=diary\.page\.a"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert "diary.page.a" in download.value.path().read_text()
    page.get_by_test_id("changes-text").fill("no such words")
    expect(page.get_by_test_id("changes-empty")).to_contain_text("No such change")
    second.goto(fleet.login)
    second.goto(f"{fleet.url}/changes?of=diary")
    expect(second.get_by_test_id("change-row")).to_have_count(1)
    no_wider_than_the_screen(second)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, fleet: Fleet, scheme: str) -> None:
    """WCAG 2.1 AA, as far as a program can tell."""
    context = browser.new_context(color_scheme=scheme, locale="en-US")
    page = context.new_page()
    page.goto(fleet.login)
    name = f"axe.{scheme}"
    add = page.request.post(
        f"{fleet.url}/api/people", data={"name": name}, headers={"Origin": fleet.url}
    )
    assert add.ok, add.text()
    page.goto(f"{fleet.url}/admin?person={name}")
    panel = page.get_by_test_id("person-panel")
    panel.get_by_test_id("make-token").click()
    assert faults(page) == []
    panel.get_by_role("button", name="Make it").click()
    expect(page.get_by_test_id("fresh-token")).to_be_visible()
    panel.get_by_role("button", name="Disable…").click()
    assert faults(page) == []
    page.goto(f"{fleet.url}/changes?q={name}")
    page.get_by_test_id("change-row").first.get_by_role("button").click(timeout=20_000)
    expect(page.get_by_test_id("change-detail").locator(".diff")).to_be_visible()
    assert faults(page) == []
    page.goto(f"{fleet.url}/changes?q=nothing+of+it")
    expect(page.get_by_test_id("changes-empty")).to_be_visible()
    assert faults(page) == []
    context.close()


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
