"""Search tasks: taken, run, cancelled, kept over restarts of either process."""

import asyncio
import json
import os
import signal
import threading
import time
import urllib.parse

import pytest

from pie.platform.pages.logs.sql import LogSearch
from pie.platform.pages.logs.tasks import store as task_store
from pie.platform.pages.logs.tasks.queue import Tasks
from pie.platform.pages.logs.tasks.store import Kept, Result, TaskStore
from pie.platform.pages.logs.tasks.views import Task, TaskParams, TaskRequest
from pie.state import MemoryStore

NOW = time.time()
LOGID = time.strftime("%Y%m%d%H%M%S", time.gmtime(NOW - 7200)) + "0100030482160100bb"
STACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in b\nKeyError: 1'


def row(pos, message, *, ago=60.0, **more):
    base = {
        "src": 31, "pos": pos, "ts": NOW - ago, "psm": "tasks.demo.api", "level": "INFO",
        "message": message,
    }  # fmt: skip
    return base | more


ROWS = [
    *(row(n + 1, f"common line {n}", ago=100 - n / 10, level="INFO") for n in range(450)),
    *(row(1000 + n, f"common old {n}", ago=3 * 86_400 + n, level="WARN") for n in range(50)),
    row(2000, "it failed", level="ERROR", stack=STACK, stack_hash=5),
    row(2001, "of the chain", ago=7000, logid=LOGID),
    row(2002, "在客户端失败", folder="client", fields={"device": "d1"}),
]
CALL = {
    "src": 32, "ts": NOW - 7000, "side": "server", "protocol": "http", "psm": "tasks.demo.api",
    "method": "GET", "logid": LOGID, "span_id": "00000000000000cd", "duration_us": 1000,
}  # fmt: skip


def fill(platform):
    assert platform.accepted("logs", ROWS) == (len(ROWS), 0)
    assert platform.accepted("calls", [CALL | {"pos": 1}]) == (1, 0)
    return platform


@pytest.fixture(scope="module")
def filled(platform):
    return fill(platform)


def send(platform, method, path="", body=None, user=None):
    headers = {"Content-Type": "application/json"}
    if user is not None:
        headers["X-Pie-User"] = urllib.parse.quote(user)
    text = None if body is None else json.dumps(body)
    return platform.ask(method, f"/api/logs/tasks{path}", text, headers=headers)


def create(platform, q, user="wangdi", **more):
    body = {"type": "normal", "q": q, "psm": ["tasks.demo.api"]} | more
    reply = send(platform, "POST", "", body, user)
    assert reply.status == 200, reply.body
    return reply.json


def ended(platform, task, within=60):
    give_up = time.monotonic() + within
    while True:
        result = send(platform, "GET", f"/{task['id']}").json
        if result["task"]["state"] != "running":
            return result
        assert time.monotonic() < give_up, result["task"]
        time.sleep(0.05)


def test_a_normal_task_counts_all_and_keeps_the_newest(filled):
    task = create(filled, "common  line OR old", since=NOW - 9 * 86_400, until=NOW)
    assert (task["name"], task["type"], task["operator"]) == (
        "common line OR old", "normal", "wangdi",
    )  # fmt: skip
    assert (task["state"], task["ended"], task["logid"]) == ("running", None, None)
    assert task["params"]["psm"] == ["tasks.demo.api"]
    result = ended(filled, task)
    task = result["task"]
    assert (task["state"], task["progress"], task["found"]) == ("done", 1.0, 500)
    assert task["ended"] >= task["started"]
    assert result["truncated"]
    assert [line["message"] for line in result["lines"][:2]] == [
        "common line 449",
        "common line 448",
    ]
    assert len(result["lines"]) == 200
    assert result["levels"] == {"INFO": 450, "WARN": 50}
    assert result["histogram"]["total"] == 500
    assert sum(bucket["total"] for bucket in result["histogram"]["buckets"]) == 500


def test_stack_client_and_chain_tasks(filled):
    stack = ended(filled, create(filled, "KeyError", type="stack"))
    assert [line["message"] for line in stack["lines"]] == ["it failed"]
    assert not stack["truncated"]
    client = ended(filled, create(filled, "失败", type="client"))
    assert [line["message"] for line in client["lines"]] == ["在客户端失败"]
    chain = ended(filled, create(filled, LOGID.upper(), type="chain", since=NOW - 60))
    assert (chain["task"]["logid"], chain["task"]["state"]) == (LOGID, "done")
    assert chain["task"]["message"] == "1 node, 0 calls"
    assert [line["message"] for line in chain["lines"]] == ["of the chain"]
    unknown = ended(filled, create(filled, "a" * 32, type="chain"))
    assert unknown["task"]["message"] == "no call of this chain is stored"
    assert ended(filled, create(filled, LOGID))["task"]["logid"] == LOGID


def test_the_list_is_of_all_or_of_one(filled):
    mine = [create(filled, f"mine {n}", user="牛 xiaoqing")["id"] for n in range(3)]
    other = create(filled, "other", user="wangdi")["id"]
    listed = send(filled, "GET", "?mine=1", user="牛 xiaoqing").json["tasks"]
    assert [task["id"] for task in listed] == mine[::-1]
    listed = send(filled, "GET", "?limit=4").json["tasks"]
    assert [task["id"] for task in listed] == [other, *mine[::-1]]
    assert sorted(mine) == mine


def test_what_is_no_task_is_refused(filled):
    wrong = send(filled, "POST", "", {"type": "normal", "q": 'a "b'})
    assert wrong.status == 400
    assert wrong.json["error"]["at"] == {"offset": 2, "length": 2}
    for body in (
        {"type": "chain", "q": "no logid"}, {"type": "other", "q": "a"}, {"q": 5}, [],
        {"type": "normal", "q": "a", "since": 2, "until": 1}, {"q": "a", "psm": ["x"] * 101},
        {"q": "a", "folder": ["x"] * 101}, {"q": "a", "host": ["x" * 1001]},
    ):  # fmt: skip
        reply = send(filled, "POST", "", body)
        assert reply.status == 400, body
        assert reply.json["error"]["kind"] == "invalid"
    for half in (b'{"q": "\\ud800"}', b'{"q": "a", "psm": ["\\ud800"]}'):
        reply = filled.ask("POST", "/api/logs/tasks", half)
        assert (reply.status, reply.json["error"]["kind"]) == (400, "invalid"), reply.body
    for path in ("/999999999", "/0", "/x"):
        assert send(filled, "GET", path).status in (400, 404)
    assert send(filled, "POST", "/999999999/cancel").status == 404


@pytest.mark.parametrize(("role", "status"), [("admin", 413), (None, 401)])
def test_a_body_without_end_is_not_taken(filled, role, status):
    """A stranger is refused before the body is read."""
    reply = filled.ask(
        "POST", "/api/logs/tasks", b'{"q": "' + b"a" * 1_000_000, role=role,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert reply.status == status


def test_tasks_of_chosen_folders(filled):
    task = create(filled, "失败", folder=["nowhere"])
    assert task["params"]["folder"] == ["nowhere"]
    assert ended(filled, task)["task"]["found"] == 0
    task = create(filled, "失败", folder=["nowhere", "client"])
    assert ended(filled, task)["task"]["found"] == 1


def test_whenever_it_is_cancelled_and_deleted_nothing_stays():
    async def never(_sql, _params):
        await asyncio.Event().wait()

    async def scenario():
        kept = TaskStore(MemoryStore())
        tasks = Tasks(kept, LogSearch(never))
        running = asyncio.create_task(tasks.run())
        for turns in range(40):
            task = await tasks.create(TaskRequest("x"), "wangdi")
            for _ in range(turns):
                await asyncio.sleep(0.0 if turns < 30 else 0.002)
            async with asyncio.timeout(20):
                await asyncio.gather(
                    tasks.cancel(task.id, "w", admin=True),
                    tasks.delete(task.id, "w", admin=True),
                    return_exceptions=True,
                )
            assert await tasks.list(None, 10) == []
            assert kept.result(task.id) is None
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(scenario())


def test_a_task_that_is_done_stays_done_while_its_result_is_written():
    writing, go_on = threading.Event(), threading.Event()

    class SlowStore(TaskStore):
        def put_result(self, number, result):
            writing.set()
            assert go_on.wait(60)
            return super().put_result(number, result)

    async def nothing(_sql, _params):
        return b""

    async def scenario():
        kept = SlowStore(MemoryStore())
        tasks = Tasks(kept, LogSearch(nothing))
        running = asyncio.create_task(tasks.run())
        task = await tasks.create(TaskRequest("x"), "wangdi")
        assert await asyncio.to_thread(writing.wait, 60)
        cancelling = asyncio.create_task(tasks.cancel(task.id, "w", admin=True))
        for _ in range(10):
            await asyncio.sleep(0)
        go_on.set()
        assert (await cancelling).state == "done"
        assert kept.get(task.id).task.state == "done"
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(scenario())


def test_delete_and_cancel(filled):
    task = create(filled, "common")
    ended(filled, task)
    cancelled = send(filled, "POST", f"/{task['id']}/cancel").json
    assert cancelled["state"] == "done"
    assert send(filled, "DELETE", f"/{task['id']}").status == 204
    assert send(filled, "GET", f"/{task['id']}").status == 404
    os.kill(filled.child, signal.SIGSTOP)  # no task can end before it is cancelled
    try:
        waiting = [create(filled, "common", since=NOW - 9 * 86_400) for _ in range(8)]
        for task in waiting[::-1]:
            assert send(filled, "POST", f"/{task['id']}/cancel").json["state"] == "cancelled"
    finally:
        os.kill(filled.child, signal.SIGCONT)
    for task in waiting:
        assert ended(filled, task)["task"]["ended"] is not None


def test_tasks_outlive_both_processes(own_platform):
    fill(own_platform)
    done = ended(own_platform, create(own_platform, "common", since=NOW - 9 * 86_400))
    os.kill(own_platform.child, signal.SIGKILL)
    caught = create(own_platform, "common old", since=NOW - 9 * 86_400)
    assert ended(own_platform, caught, within=120)["task"]["found"] == 50
    os.kill(own_platform.child, signal.SIGKILL)
    running = create(own_platform, "common old", since=NOW - 9 * 86_400)
    own_platform.end(signal.SIGKILL)
    own_platform.start()
    assert send(own_platform, "GET", f"/{done['task']['id']}").json == done
    again = ended(own_platform, running, within=120)["task"]
    assert (again["state"], again["found"]) == ("done", 50)
    assert create(own_platform, "x")["id"] > running["id"]


def a_task(number, state="done"):
    params = TaskParams("q", [], [], [], [], 0.0, 1.0)
    return Task(number, "q", "normal", "x", 1.0, 2.0, state, 1.0, 0, "", None, params)


def test_old_tasks_are_dropped_and_running_ones_are_not(monkeypatch):
    monkeypatch.setattr(task_store, "KEPT_TASKS", 5)
    kept = TaskStore(MemoryStore())
    for _ in range(9):
        number = kept.new_id()
        kept.put(Kept(a_task(number, "running" if number == 2 else "done")))
        kept.put_result(number, Result(levels={"INFO": number}))
    kept.prune()
    assert [each.task.id for each in kept.all()] == [2, 6, 7, 8, 9]
    assert kept.result(3) is None
    assert kept.result(6).levels == {"INFO": 6}
    monkeypatch.setattr(task_store, "KEPT_BYTES", 100)
    for number in (6, 7):
        kept.put(Kept(a_task(number), size=80))
    kept.prune()
    assert [each.task.id for each in kept.all()] == [2, 7, 8, 9]


def test_what_others_wrote_there_does_no_harm():
    store = MemoryStore()
    store.put("/pie/search/tasks/000000000001", "no json")
    store.put("/pie/search/results/000000000001", "no base64")
    kept = TaskStore(store)
    assert kept.all() == []
    assert kept.get(1) is None
    assert kept.result(1) is None
