"""What the pages say when something is not known, and to who may not do something."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import traffic
from fleet import Fleet
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

expect.set_options(timeout=20_000)  # The machine may be busy with other tests.

ARTICLE = "toutiao.article.article"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def plain(browser: Browser, fleet: Fleet) -> Iterator[Page]:
    """A page that is logged in; refused questions are no fault of it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.goto(fleet.login)
    yield made
    context.close()
    assert faults == []


@pytest.fixture
def away(fleet: Fleet) -> Iterator[None]:
    """The process of the facts stands still, after there were calls."""
    traffic.batch(fleet.entries)
    pid = fleet.pid("platform")
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    os.kill(child, signal.SIGSTOP)
    yield
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGCONT)


def test_without_the_facts_figures_are_unknown_and_not_zero(
    plain: Page, fleet: Fleet, away: None
) -> None:
    plain.goto(f"{fleet.url}/")
    verdict = plain.get_by_test_id("verdict")
    expect(verdict).to_contain_text("not known: the store of facts is away")
    expect(verdict).to_have_attribute("data-health", "unknown")
    expect(verdict).not_to_contain_text("0%")
    expect(plain.get_by_text("No service failed a call")).to_have_count(0)
    plain.goto(f"{fleet.url}/services?open={ARTICLE}")
    row = plain.locator(f'[data-testid=service-row][data-psm="{ARTICLE}"]')
    expect(row).to_contain_text("–")
    expect(row).not_to_contain_text("0%")
    expect(plain.locator("tr.detail")).to_contain_text(re.compile(r"Calls in the window\s*–"))
    plain.goto(f"{fleet.url}/s/{ARTICLE}/overview")
    expect(plain.get_by_test_id("verdict")).to_contain_text("is not known")
    expect(plain.get_by_test_id("service-totals")).not_to_contain_text("0%")
    expect(plain.get_by_test_id("instance-row")).to_have_count(1)  # The registry speaks.
    plain.goto(f"{fleet.url}/s/{ARTICLE}/governance")
    kind = plain.locator("[data-testid=kind-row][data-kind=rate]")
    expect(kind).to_contain_text("not known now")
    expect(kind).not_to_contain_text("of 1")
    plain.goto(f"{fleet.url}/degrade")
    expect(plain.get_by_test_id("degrade-verdict")).to_contain_text("is not known now")
    plain.goto(f"{fleet.url}/changes")
    # It has nothing to show without the facts, and waits for them as long as the platform does.
    refused = plain.get_by_text("The platform could not answer (").first
    expect(refused).to_be_visible(timeout=60_000)
    expect(plain.get_by_test_id("changes-empty")).to_have_count(0)


def test_who_is_no_owner_is_told_who_may_publish(
    browser: Browser, plain: Page, fleet: Fleet
) -> None:
    def send(method: str, path: str, body: dict[str, object]):
        answer = plain.request.fetch(
            fleet.url + path,
            method=method,
            data=json.dumps(body),
            headers=JSON | {"Origin": fleet.url},
        )
        assert answer.ok, answer.text()
        return answer.json()

    send("POST", "/api/people", {"name": "passerby"})
    token = send("POST", "/api/people/passerby/tokens", {"note": "a test"})["text"]
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{fleet.url}/s/{ARTICLE}/governance?kind=rate")
    page.locator("#token").fill(token)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_test_id("rule-form")).to_be_visible()
    expect(page.get_by_role("button", name="冻结")).to_have_count(0)  # An admin's doing.
    page.get_by_role("button", name="添加规则").click()
    page.locator('[data-field="qps"] input').fill("-3")
    problem = page.locator('[data-field="qps"]').get_by_test_id("field-problem")
    expect(problem).to_contain_text("-3 不是合法的值")  # In the reader's language.
    page.locator('[data-field="qps"] input').fill("5")
    publish = page.get_by_test_id("rules-publish")
    expect(publish).to_contain_text("发布需要")
    expect(publish.get_by_role("button", name="发布 v")).to_be_disabled()
    refused = page.request.put(
        f"{fleet.url}/api/rules/{ARTICLE}/server/rate",
        data={"rules": [], "seen": 0, "comment": "x"},
        headers={"Origin": fleet.url},
    )
    assert refused.status == 403
    error = refused.json()["error"]
    assert (error["reason"], error["parts"]["who"]) == ("not_owner", "passerby")
    context.close()
