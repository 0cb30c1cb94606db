"""The log search in a real browser: rows of the real fleet, and some put there to be found."""

import json
import re
import time
import urllib.request
from typing import Any

import pytest
import traffic
from fleet import Fleet
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PSM = "search.demo.api"
LOAD_MS = 15_000
"""Long enough for a loaded machine."""

STACK = """Traceback (most recent call last):
  File "/srv/app/my/api/views.py", line 7, in get
    return articles[name]
  File "/srv/venv/lib/python3.11/site-packages/cachetools/keys.py", line 12, in hashkey
    return hash(key)
KeyError: 'zebra'
"""


def put(fleet: Fleet, rows: list[dict[str, Any]]) -> None:
    """Commit rows to the store, as an agent does."""
    body = "\n".join(json.dumps(row) for row in rows).encode()
    request = urllib.request.Request(
        f"{fleet.url}/api/ingest/logs",
        data=body,
        headers={
            "Authorization": f"Bearer {fleet.client.token}",
            "Content-Type": "application/x-ndjson",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["accepted"] == len(rows)


def row(src: int, pos: int, message: str, *, ago: float = 60.0, **more: Any) -> dict[str, Any]:
    return {
        "src": src, "pos": pos, "ts": round(time.time() - ago, 6), "folder": "app", "psm": PSM,
        "host": "10.3.48.216", "cluster": "default", "level": "INFO", "message": message,
        "file": "/srv/app/my/api/views.py", "line": 87, "process": 42, "thread": 7,
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def stored(fleet: Fleet) -> None:
    """Lines to be found: a file of 100, some of them of their own kind."""
    rows = [row(7001, pos, f"step {pos} of the walk", ago=300 - pos) for pos in range(1, 101)]
    rows[49] |= {"message": "the zebra crossed 用户登录失败 here", "level": "WARNING"}
    rows[59] |= {"message": "lookup failed", "level": "ERROR", "stack": STACK, "stack_hash": 77}
    rows[69] |= {"message": "with pairs", "fields": {"called": "toutiao.my.server"}}
    put(fleet, rows)


@pytest.fixture(scope="module")
def logid(fleet: Fleet) -> str:
    """A chain that the platform has seen."""
    sent = traffic.send(fleet.entries, traffic.KINDS["GET /stream"])
    fleet.wait(lambda: fleet.client.chain(sent.logid) is not None, "the chain did not arrive")
    return sent.logid


def rows_of(page: Page) -> Locator:
    return page.get_by_test_id("log-row")


def search(page: Page, fleet: Fleet, query: str, path: str = f"/logs?psm={PSM}") -> None:
    page.goto(f"{fleet.url}{path}")
    field = page.get_by_test_id("query")
    field.fill(query)
    field.press("Enter")


def test_a_word_is_found_and_marked(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "zebra crossed")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    expect(rows_of(page)).to_contain_text("the zebra crossed")
    expect(rows_of(page).locator("mark")).to_have_text(["zebra", "crossed"])
    expect(page.get_by_test_id("total")).to_have_text("1 line")
    expect(page).to_have_url(re.compile(r"q=zebra\+crossed"))


def test_a_chinese_word_is_found_inside_a_sentence(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "登录")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    expect(rows_of(page).locator("mark")).to_have_text("登录")


def test_an_error_points_at_its_character(browser: Browser, fleet: Fleet, stored) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(fleet.login)
    expect(page).to_have_url(f"{fleet.url}/")
    search(page, fleet, "登录 (zebra OR crossed")
    expect(page.get_by_test_id("query-error")).to_contain_text("At character 4:", timeout=LOAD_MS)
    expect(page.locator(".q-wrong")).to_have_text("(")
    page.get_by_test_id("query").fill("zebra")
    expect(page.get_by_test_id("query-error")).to_have_text("")
    page.get_by_test_id("query").press("Enter")
    expect(rows_of(page).first).to_be_visible(timeout=LOAD_MS)
    context.close()


def test_values_are_completed_while_typing(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs")
    field = page.get_by_test_id("query")
    field.click()
    field.press_sequentially("ps")
    field.press("Tab")
    expect(field).to_have_value("psm:")
    field.press_sequentially("search.d")
    expect(page.get_by_test_id("choices")).to_contain_text(PSM, timeout=LOAD_MS)
    field.press("Tab")
    expect(field).to_have_value(f"psm:{PSM} ")


def test_what_is_typed_right_after_a_completion_stands_behind_it(page: Page, fleet: Fleet) -> None:
    page.goto(f"{fleet.url}/logs")
    field = page.get_by_test_id("query")
    field.click()
    field.press_sequentially("ps")
    expect(page.get_by_test_id("choices")).to_contain_text("psm:")
    at_once = field.evaluate(
        """field => {
            const how = { key: 'Tab', bubbles: true, cancelable: true };
            field.dispatchEvent(new KeyboardEvent('keydown', how));
            return [field.value, field.selectionStart];
        }"""
    )
    assert at_once == ["psm:", 4]
    field.press_sequentially("search")
    expect(field).to_have_value("psm:search")


def test_a_drag_over_the_histogram_zooms_and_back(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs?psm={PSM}&window=900")
    expect(rows_of(page).first).to_be_visible(timeout=LOAD_MS)
    plot = page.locator(".histogram-plot")
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, y, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"since=\d+.*until=\d+.*zoom=15m"))
    page.get_by_test_id("zoom-back").click()
    expect(page).to_have_url(f"{fleet.url}/logs?psm={PSM}&window=900")


def test_values_are_chosen_and_shut_out(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs?psm={PSM}")
    level = page.locator("[data-field=level]").get_by_test_id("facet")
    level.filter(has_text="WARNING").click()
    expect(page).to_have_url(re.compile("level=WARNING"))
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    page.get_by_test_id("chips").get_by_text("WARNING").click()
    expect(rows_of(page)).to_have_count(100, timeout=LOAD_MS)
    page.get_by_role("button", name="Without INFO").click()
    expect(page.get_by_test_id("query")).to_have_value("-level:INFO")
    expect(rows_of(page)).to_have_count(2, timeout=LOAD_MS)


def test_a_line_opens_with_its_fields_and_its_context(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "zebra crossed")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    rows_of(page).click()
    detail = page.get_by_test_id("line-detail")
    expect(detail).to_contain_text("/srv/app/my/api/views.py")
    detail.get_by_test_id("context-toggle").click()
    context = page.get_by_test_id("context")
    expect(context.locator(".target")).to_contain_text("the zebra crossed", timeout=LOAD_MS)
    expect(context).to_contain_text("step 49 of the walk")
    expect(context).to_contain_text("step 51 of the walk")
    expect(context.get_by_text("step 25 of the walk")).to_have_count(0)
    context.get_by_role("button", name="20 lines more before").click()
    expect(context).to_contain_text("step 25 of the walk", timeout=LOAD_MS)
    page.reload()  # the open line is in the address
    expect(page.get_by_test_id("line-detail")).to_be_visible(timeout=LOAD_MS)


def test_a_pair_of_a_line_narrows_the_search(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "pairs")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    rows_of(page).click()
    page.get_by_role("button", name="Only lines with this called").click()
    expect(page.get_by_test_id("query")).to_have_value("pairs called:toutiao.my.server")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)


def test_keys_move_between_lines_and_open_them(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs?psm={PSM}&q=walk")
    expect(rows_of(page).first).to_be_visible(timeout=LOAD_MS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(rows_of(page).nth(1)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("line-detail")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_test_id("query")).to_be_focused()


def test_a_link_to_a_line_shows_it(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "zebra crossed")
    expect(rows_of(page)).to_have_count(1, timeout=LOAD_MS)
    number = rows_of(page).get_attribute("data-id")
    page.goto(f"{fleet.url}/logs?psm={PSM}&open={number}")
    expect(page.get_by_test_id("line-detail")).to_be_in_viewport(timeout=LOAD_MS)
    page.goto(f"{fleet.url}/logs?psm={PSM}&q=elephant&open={number}")
    expect(page.get_by_test_id("nothing")).to_be_visible(timeout=LOAD_MS)
    linked = page.get_by_test_id("linked-line")
    expect(linked).to_contain_text("zebra crossed", timeout=LOAD_MS)


def test_equal_stacks_are_one_group(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs?tab=stack&psm={PSM}")
    group = page.get_by_test_id("stack-group")
    expect(group).to_have_count(1, timeout=LOAD_MS)
    group.get_by_role("button").first.click()
    expect(group.locator(".frame-own").first).to_contain_text("views.py:7")
    expect(group.get_by_text("1 frame of cachetools")).to_be_visible()
    expect(rows_of(page)).to_contain_text("lookup failed", timeout=LOAD_MS)


def test_a_new_line_appears_live_and_waits_while_paused(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs?psm={PSM}&q=giraffe&live=1")
    tail = page.get_by_test_id("tail")
    expect(tail.get_by_role("heading")).to_have_text("Live", timeout=LOAD_MS)
    put(fleet, [row(7002, 1, "a giraffe came by", ago=0), row(7002, 2, "nobody", ago=0)])
    expect(rows_of(page)).to_have_text([re.compile("a giraffe came by")], timeout=LOAD_MS)
    page.get_by_test_id("tail-pause").click()
    put(fleet, [row(7002, 3, "another giraffe", ago=0)])
    expect(page.get_by_test_id("held")).to_contain_text("1 new line", timeout=LOAD_MS)
    expect(rows_of(page)).to_have_count(1)
    page.get_by_test_id("tail-pause").click()
    expect(rows_of(page)).to_have_count(2)


def test_a_search_runs_as_a_task(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "walk")
    page.get_by_test_id("run-as-task").click()
    expect(page).to_have_url(f"{fleet.url}/logs/tasks")
    task = page.get_by_test_id("task-row").first
    expect(task).to_contain_text("walk")
    expect(task.get_by_test_id("task-state")).to_have_attribute(
        "data-state", "done", timeout=30_000
    )
    expect(task.get_by_test_id("task-state")).to_contain_text("97 lines")
    expect(task.get_by_test_id("task-chain")).to_have_count(0)
    task.get_by_test_id("task-view").click()
    expect(rows_of(page).first).to_be_visible(timeout=LOAD_MS)
    page.get_by_test_id("open-as-search").click()
    expect(page.get_by_test_id("query")).to_have_value("walk")
    expect(page.get_by_test_id("total")).to_have_text("97 lines", timeout=LOAD_MS)


def test_a_chain_task_leads_to_its_chain(page: Page, fleet: Fleet, logid) -> None:
    page.goto(f"{fleet.url}/logs?tab=chain")
    page.get_by_test_id("logid").fill(logid[:-1] + "x")
    expect(page.get_by_test_id("logid-decoded")).to_contain_text("at character 32")
    page.get_by_test_id("logid").fill(logid)
    page.get_by_role("button", name="Search its logs as a task").click()
    task = page.get_by_test_id("task-row").filter(has_text=logid)
    expect(task.get_by_test_id("task-state")).to_have_attribute(
        "data-state", "done", timeout=30_000
    )
    task.get_by_test_id("task-chain").click()
    expect(page).to_have_url(f"{fleet.url}/chain/{logid}")
    expect(page.get_by_test_id("chain-summary")).to_contain_text(logid)


def test_a_task_is_deleted_when_asked_twice(page: Page, fleet: Fleet, stored) -> None:
    search(page, fleet, "walk")
    page.get_by_test_id("run-as-task").click()
    number = page.get_by_test_id("task-row").first.get_attribute("data-id")
    task = page.locator(f"[data-testid=task-row][data-id='{number}']")
    expect(task.get_by_test_id("task-state")).to_have_attribute(
        "data-state", "done", timeout=30_000
    )
    task.get_by_test_id("task-act").click()
    task.get_by_test_id("task-confirm").click()
    expect(task).to_have_count(0)


def test_examples_of_the_manual_run(page: Page, fleet: Fleet, stored) -> None:
    page.goto(f"{fleet.url}/logs/manual")
    examples = page.get_by_test_id("example")
    expect(examples.first).to_be_visible()
    paths = [example.get_attribute("href") for example in examples.all()]
    assert len(paths) > 10
    for path in paths:
        page.goto(f"{fleet.url}{path}")
        expect(page.get_by_test_id("total")).to_contain_text(re.compile(r"\d"), timeout=LOAD_MS)
        expect(page.get_by_test_id("query-error")).to_have_text("")


def test_a_name_given_at_the_sign_in_is_that_of_the_tasks(
    browser: Browser, fleet: Fleet, stored
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{fleet.url}/logs?psm={PSM}&q=walk")
    page.get_by_label("Your token").fill(fleet.client.token)
    page.get_by_label("Your name").fill("王娣")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("operator")).to_have_text("王娣", timeout=LOAD_MS)
    expect(page.get_by_test_id("total")).to_have_text("97 lines", timeout=LOAD_MS)
    page.get_by_test_id("run-as-task").click()
    expect(page.get_by_test_id("task-row").filter(has_text="王娣")).to_have_count(1)
    context.close()


def test_a_phone_in_chinese_has_the_whole_of_it(browser: Browser, fleet: Fleet, stored) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", locale="zh-CN"
    )
    page = context.new_page()
    page.goto(fleet.login)
    for path in ("/logs", "/logs?tab=stack", "/logs?tab=client", "/logs/tasks", "/logs/manual"):
        page.goto(f"{fleet.url}{path}")
        expect(page.get_by_text("搜客户端日志").first).to_be_attached()
        expect(page.locator("h1")).to_have_count(1)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, path
    context.close()
