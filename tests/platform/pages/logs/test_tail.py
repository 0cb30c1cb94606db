"""The live tail, of a real platform over its own connection."""

import http.client
import itertools
import json
import os
import signal
import time
import urllib.parse

import pytest

NUMBERS = itertools.count(1)


class Follower:
    """Reads server-sent events."""

    def __init__(self, platform, **params):
        self.connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
        self.connection.request(
            "GET",
            f"/api/logs/tail?{urllib.parse.urlencode(params, True)}",
            headers={"Authorization": f"Bearer {platform.token('admin')}"},
        )
        self.answer = self.connection.getresponse()
        if self.answer.status == 200:
            assert self.answer.headers["content-type"].startswith("text/event-stream")
            assert self.next() == ("ping", {})

    def next(self):
        name = None
        while True:
            text = self.answer.readline().decode()
            assert text, "the tail ended"
            if text.startswith("event: "):
                name = text.removeprefix("event: ").strip()
            elif text.startswith("data: "):
                return name, json.loads(text.removeprefix("data: "))

    def lines(self, count, within=60):
        """So many messages, and when the last one came."""
        messages = []
        give_up = time.monotonic() + within
        while len(messages) < count:
            assert time.monotonic() < give_up, messages
            name, data = self.next()
            if name == "lines":
                messages += [line["message"] for line in data]
        return messages

    def close(self):
        self.connection.close()


@pytest.fixture
def follow():
    open_ones = []

    def start(platform, **params):
        open_ones.append(Follower(platform, **params))
        return open_ones[-1]

    yield start
    for follower in open_ones:
        follower.close()


def row(message, **more):
    base = {
        "src": 77, "pos": next(NUMBERS), "ts": time.time(), "psm": "tail.demo.api",
        "level": "INFO", "message": message,
    }  # fmt: skip
    return base | more


def test_lines_come_as_they_are_received_and_match(platform, follow):
    tail = follow(platform, q="登录", psm="tail.demo.api")
    platform.accepted("logs", [row("before 登录"), row("nothing"), row("用户登录失败")])
    sent = time.monotonic()
    assert tail.lines(2) == ["before 登录", "用户登录失败"]
    assert time.monotonic() - sent < 20  # two seconds on a machine of its own
    platform.accepted("logs", [row("again 登录"), row("登录 of another", psm="tail.demo.other")])
    platform.accepted("logs", [row("late 登录", ts=time.time() - 60)])
    platform.accepted("logs", [row("too late 登录", ts=time.time() - 7200)])
    platform.accepted("logs", [row("last 登录")])
    assert sorted(tail.lines(3)) == ["again 登录", "last 登录", "late 登录"]


def test_rows_of_several_days_in_one_post_come_once_each(platform, follow):
    tail = follow(platform, psm="tail.demo.days")
    for number in range(5):
        now = time.time()
        rows = [
            row(f"{number} {day}", ts=now + day * 86_400, psm="tail.demo.days") for day in (0, 1)
        ]
        platform.accepted("logs", rows)
    assert sorted(tail.lines(10)) == sorted(f"{n} {day}" for n in range(5) for day in (0, 1))


def test_what_is_too_much_is_counted(platform, follow):
    tail = follow(platform, psm="tail.demo.much")
    platform.accepted("logs", [row(f"m{n}", psm="tail.demo.much") for n in range(5000)])
    seen, dropped = [], 0
    while len(seen) + dropped < 5000:
        name, data = tail.next()
        if name == "lines":
            seen += [line["message"] for line in data]
        elif name == "dropped":
            dropped += data["count"]
    assert len(seen) + dropped == 5000
    assert dropped > 0
    assert seen[-1] == "m4999"


def test_it_survives_the_facts_process(own_platform, follow):
    tail = follow(own_platform, psm="tail.demo.api")
    own_platform.accepted("logs", [row("before")])
    assert tail.lines(1) == ["before"]
    os.kill(own_platform.child, signal.SIGKILL)
    own_platform.wait_facts()
    own_platform.accepted("logs", [row("after")])
    assert tail.lines(1) == ["after"]


def test_tails_are_bounded_and_end_with_their_client(own_platform, follow):
    tails = [follow(own_platform) for _ in range(20)]
    over = follow(own_platform)
    assert over.answer.status == 429
    assert b"live tails" in over.answer.read()
    tails[0].close()
    give_up = time.monotonic() + 60
    while follow(own_platform).answer.status != 200:
        assert time.monotonic() < give_up, "the seat was not given back"
        time.sleep(0.1)


def test_a_wrong_query_is_reported_before_it_starts(platform, follow):
    assert follow(platform, q='"open').answer.status == 400


def test_tails_do_not_hold_up_the_end_of_the_platform(own_platform, follow):
    tail = follow(own_platform)
    assert own_platform.stop() == 0
    assert b"event: lines" not in tail.answer.read()
