"""Rules in a real browser: changed, tried on past calls, published, in force, rolled back."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import traffic
from axe_playwright_python.sync_playwright import Axe
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=20_000)  # The machine may be busy with other tests.

API = "toutiao.stream.api"
ARTICLE = "toutiao.article.article"
DISCUSS = "toutiao.discuss.ttdiscuss"


@pytest.fixture(scope="module")
def batch(fleet: Fleet) -> list[traffic.Sent]:
    """Requests of every kind, counted by the platform."""
    sent = list(traffic.batch(fleet.entries))

    def counted() -> bool:
        services = fleet.client.get("/api/services?window=3600")["services"]
        calls = {each["psm"]: each["calls"] for each in services}
        return calls.get(ARTICLE, 0) > 10 and calls.get(API, 0) > 10

    fleet.wait(counted, "the aggregates did not arrive")
    return sent


def send(fleet: Fleet, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Do something by the API, as an administrator."""
    request = urllib.request.Request(
        fleet.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {fleet.client.token}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read() or b"null")


def open_rules(page: Page, fleet: Fleet, psm: str, kind: str) -> None:
    page.goto(f"{fleet.url}/s/{psm}/governance")
    page.locator(f"[data-testid=kind-row][data-kind={kind}]").click()
    expect(page).to_have_url(re.compile(f"kind={kind}"))
    expect(page.get_by_test_id("rule-form")).to_be_visible()


def field(page: Page, name: str):
    return page.locator(f'[data-field="{name}"]')


def yaml(page: Page):
    return page.get_by_test_id("yaml")


def publish(page: Page, why: str) -> None:
    page.get_by_label("Why?").fill(why)
    now = page.get_by_label("On all instances at once")
    if now.count():
        now.check()
    page.get_by_role("button", name="Publish v").click()
    expect(page.get_by_test_id("published")).to_be_visible()


def test_a_limit_is_changed_in_the_form_published_and_rolled_back(
    page: Page, fleet: Fleet, batch
) -> None:
    open_rules(page, fleet, ARTICLE, "rate")
    expect(page.get_by_text("Nobody has published a rule of this kind yet.")).to_be_visible()
    page.get_by_role("button", name="Add a rule").click()
    field(page, "Caller").locator("input").fill("toutiao.stream.*")
    field(page, "qps").locator("input").fill("0.01")
    # The text follows the form; the platform says what the draft would have done.
    expect(yaml(page)).to_have_value(re.compile(r"caller: toutiao\.stream\.\*}\n  qps: 0\.01"))
    expect(page.get_by_test_id("rules-valid")).to_contain_text("Valid: 1 rule")
    expect(page.get_by_test_id("rules-preview")).to_contain_text("It would reject at least")
    row = page.locator(f'[data-testid=preview-row][data-caller="{API}"]')
    expect(row.first).to_be_visible()
    expect(page.get_by_test_id("rules-changes")).to_contain_text("qps: 0.01")
    expect(page.get_by_role("button", name="Publish v1")).to_be_disabled()  # It says no reason yet.
    publish(page, "a limit to try")
    # In force on the process itself, which says so.
    expect(page.get_by_test_id("published")).to_contain_text("In force on 1 of 1")
    rate = page.locator("[data-testid=kind-row][data-kind=rate]")
    expect(rate.get_by_test_id("in-force")).to_contain_text("1 of 1 at v1")
    traffic.batch(fleet.entries)
    expect(page.get_by_test_id("effect")).to_contain_text("rejected", timeout=40_000)

    # The form follows the text, and back.
    text = yaml(page).input_value()
    yaml(page).fill(text.replace("qps: 0.01", "qps: 500"))
    expect(field(page, "qps").locator("input")).to_have_value("500")
    expect(field(page, "qps")).to_contain_text("was 0.01")
    publish(page, "far too low")
    expect(rate.get_by_test_id("in-force")).to_contain_text("1 of 1 at v2")
    old = page.locator("[data-testid=version-row][data-version='1']")
    expect(old).to_contain_text("a limit to try")
    page.get_by_role("button", name="Roll back to v1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("the low one was meant")
    dialog.get_by_role("button", name="Roll back to v1").click()
    expect(rate.get_by_test_id("in-force")).to_contain_text("1 of 1 at v3")
    expect(yaml(page)).to_have_value(re.compile(r"version: 3\n(.*\n)*.*qps: 0\.01"))
    send(
        fleet, "PUT", f"/api/rules/{ARTICLE}/server/rate",
        {"rules": [], "seen": 3, "comment": "tried", "now": True},
    )  # fmt: skip


def test_what_is_wrong_stands_at_its_field_and_in_its_line(page: Page, fleet: Fleet, batch) -> None:
    open_rules(page, fleet, API, "rate")
    page.get_by_role("button", name="Add a rule").click()
    field(page, "qps").locator("input").fill("-3")
    problem = field(page, "qps").get_by_test_id("field-problem")
    expect(problem).to_contain_text("-3")
    expect(field(page, "qps").locator("input")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".gov-line-bad")).to_contain_text("qps: -3")
    expect(page.get_by_role("button", name="Publish v")).to_be_disabled()
    field(page, "qps").locator("input").fill("5")
    expect(problem).to_have_count(0)
    field(page, "Caller").locator("input").fill("toutiao.stream.apj")
    expect(field(page, "Caller")).to_contain_text("toutiao.stream.apj")  # A warning, no error.
    expect(page.get_by_test_id("rules-valid")).to_contain_text("1 warning")
    yaml(page).fill("rules:\n- scope: {caller: a.b.c}\n  qsp: 4\n")
    expect(page.locator(".gov-line-bad")).to_contain_text("qsp: 4")
    expect(page.get_by_test_id("rules-valid")).to_contain_text("did you mean qps?")
    yaml(page).fill("rules: [")
    expect(page.get_by_text("The text cannot be read as rules.")).to_be_visible()
    expect(field(page, "qps").locator("input")).to_be_disabled()
    # A draft outlives the page.
    page.reload()
    expect(yaml(page)).to_have_value("rules: [")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_text("No rule: the defaults in the code hold")).to_be_visible()


def test_the_second_of_two_editors_loses_nothing(page: Page, fleet: Fleet, batch) -> None:
    open_rules(page, fleet, DISCUSS, "rate")
    page.get_by_role("button", name="Add a rule").click()
    field(page, "Method").locator("input").fill("mine")
    field(page, "qps").locator("input").fill("7")
    expect(page.get_by_test_id("rules-changes")).to_contain_text("method: mine")
    theirs = [{"scope": {"method": "theirs"}, "body": {"qps": 9}}]
    send(
        fleet, "PUT", f"/api/rules/{DISCUSS}/server/rate",
        {"rules": theirs, "seen": 0, "comment": "they were quicker", "now": True},
    )  # fmt: skip
    clash = page.get_by_test_id("rules-clash")
    expect(clash).to_contain_text("they were quicker")
    expect(clash).to_contain_text("method: theirs")
    expect(clash).to_contain_text("method: mine")
    expect(page.get_by_role("button", name="Publish v")).to_be_disabled()
    page.get_by_role("button", name="Put mine on top").click()
    expect(clash).to_have_count(0)
    expect(yaml(page)).to_have_value(re.compile(r"method: mine(.*\n)*.*method: theirs"))
    changes = page.get_by_test_id("rules-changes")
    expect(changes).to_contain_text("method: mine")
    publish(page, "both")
    rules = fleet.client.get(f"/api/rules/{DISCUSS}/server/rate")["rules"]
    assert {rule["scope"]["method"]: rule["body"]["qps"] for rule in rules} == {
        "mine": 7,
        "theirs": 9,
    }


def test_frozen_rules_say_who_froze_them(page: Page, fleet: Fleet, batch) -> None:
    open_rules(page, fleet, API, "rate")
    page.get_by_role("button", name="Freeze all rules").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Freeze")).to_be_disabled()
    dialog.get_by_label("Why?").fill("an incident")
    dialog.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("an incident")).to_be_visible()
    page.get_by_role("button", name="Add a rule").click()
    expect(page.get_by_test_id("rules-publish")).to_contain_text("froze all rules: an incident")
    expect(page.get_by_role("button", name="Publish v")).to_be_disabled()
    page.get_by_role("button", name="Discard draft").click()
    page.get_by_role("button", name="Thaw").click()
    page.get_by_role("dialog").get_by_role("button", name="Thaw").click()
    expect(page.get_by_role("button", name="Freeze all rules")).to_be_visible()


def test_a_caller_is_shut_out_by_a_click(page: Page, fleet: Fleet, batch) -> None:
    page.goto(f"{fleet.url}/s/{ARTICLE}/access")
    expect(page.get_by_test_id("access-verdict")).to_contain_text("Everybody may call")
    expect(page.get_by_text("A caller’s PSM is what the caller says of itself.")).to_be_visible()
    caller = page.locator(f'[data-testid=access-caller][data-caller="{API}"]')
    method = caller.locator('[data-testid=access-method][data-method="GetArticle"]')
    mark = method.get_by_test_id("access-verdict-mark")
    expect(mark).to_have_text("allowed")
    method.get_by_role("combobox").select_option("dry")
    expect(mark).to_contain_text("the dry run would deny")
    method.get_by_role("combobox").select_option("deny")
    expect(mark).to_contain_text("allowed, will be denied")
    expect(page.get_by_test_id("rules-preview")).to_contain_text("of 1 caller")
    publish(page, "it reads too much")
    expect(page.get_by_test_id("published")).to_contain_text("In force on 1 of 1")
    expect(page.get_by_test_id("access-verdict")).to_contain_text("is denied a method")
    kind = traffic.KINDS["GET /articles/101"]
    deadline = time.monotonic() + 10
    while traffic.send(fleet.entries, kind).status == kind.status:
        assert time.monotonic() < deadline, "the call is still admitted"
    send(
        fleet, "PUT", f"/api/rules/{ARTICLE}/server/access",
        {"rules": [], "seen": 1, "comment": "tried", "now": True},
    )  # fmt: skip


@pytest.fixture
def phone(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    page = context.new_page()
    page.goto(fleet.login)
    yield page
    context.close()


def test_a_phone_and_the_dark_see_the_same(phone: Page, fleet: Fleet, batch) -> None:
    phone.goto(f"{fleet.url}/s/{API}/governance")
    phone.locator("[data-testid=kind-row][data-kind=rate]").click()
    expect(phone.get_by_test_id("rule-form")).to_be_in_viewport()
    phone.get_by_role("button", name="添加规则").click()
    expect(phone.get_by_test_id("rules-valid")).to_contain_text("有效：1 条规则")
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    phone.get_by_role("button", name="放弃草稿").click()
    phone.goto(f"{fleet.url}/s/{ARTICLE}/access")
    expect(phone.get_by_test_id("access-caller").first).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, fleet: Fleet, batch, scheme: str) -> None:
    """WCAG 2.1 AA, as far as a program can tell."""
    context = browser.new_context(color_scheme=scheme, locale="en-US")
    page = context.new_page()
    page.goto(fleet.login)
    open_rules(page, fleet, API, "rate")
    page.get_by_role("button", name="Add a rule").click()
    field(page, "qps").locator("input").fill("-3")
    expect(page.get_by_test_id("field-problem")).to_be_visible()
    assert faults(page) == []
    field(page, "qps").locator("input").fill("0.01")
    expect(page.get_by_test_id("rules-preview")).to_contain_text("It would")
    assert faults(page) == []
    page.get_by_role("button", name="Discard draft").click()
    page.goto(f"{fleet.url}/s/{ARTICLE}/access")
    expect(page.get_by_test_id("access-caller").first).to_be_visible()
    assert faults(page) == []
    context.close()


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
