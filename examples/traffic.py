"""Traffic for the demo: mostly good requests, some slow ones, some that fail."""

import http.client
import itertools
import json
import random
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

STREAM, DISCUSS = "toutiao.stream.api", "toutiao.discuss.ttdiscuss"
Entries = Mapping[str, str]
"""Address of each HTTP service, by PSM."""


class Kind(NamedTuple):
    """A request, what comes of it, and how many calls its chain holds (served and asked)."""

    psm: str
    verb: str
    path: str
    status: int
    served: int
    asked: int
    weight: int

    @property
    def name(self) -> str:
        """What the request is called: ``GET /stream``."""
        return f"{self.verb} {self.path}"


class Sent(NamedTuple):
    """One request and its answer."""

    kind: Kind
    status: int
    logid: str


_KINDS = [
    Kind(STREAM, "GET", "/stream", 200, served=3, asked=2, weight=50),
    Kind(STREAM, "GET", "/articles/101", 200, served=3, asked=2, weight=15),
    Kind(STREAM, "GET", "/tags/distributed", 200, served=2, asked=1, weight=8),
    Kind(STREAM, "GET", "/", 200, served=1, asked=0, weight=6),
    Kind(DISCUSS, "GET", "/discuss/articles/102/comments", 200, served=2, asked=1, weight=12),
    # Three calls, of which the one to the old device service is never logged there.
    Kind(DISCUSS, "POST", "/discuss/articles/102/comments", 201, served=3, asked=3, weight=8),
    Kind(STREAM, "GET", "/articles/104", 200, served=3, asked=2, weight=5),  # a cold shard
    Kind(STREAM, "GET", "/articles/107", 410, served=2, asked=1, weight=3),  # a business code
    Kind(STREAM, "GET", "/articles/999", 404, served=2, asked=1, weight=3),  # a declared exception
    Kind(STREAM, "GET", "/articles/105", 500, served=3, asked=2, weight=3),  # a bug in device_info
    Kind(STREAM, "GET", "/articles/106", 504, served=3, asked=2, weight=2),  # past the deadline
    Kind(STREAM, "GET", "/articles/101/related", 503, served=1, asked=1, weight=2),  # not deployed
]
KINDS = {kind.name: kind for kind in _KINDS}
BATCH_OF_EACH = 3
_COMMENTS = [
    "写得真好，收藏了",
    "用户登录失败那一段讲得很清楚",
    "The third reason is the one that bit us last week.",
    "Could you write about clocks next?",
    "超时设得太长了，下游早就放弃了",
]
_counter = itertools.count()


def send(entries: Entries, kind: Kind) -> Sent:
    """Send one request; its answer names its chain."""
    connection = http.client.HTTPConnection(
        urllib.parse.urlsplit(entries[kind.psm]).netloc, timeout=10
    )
    body = None
    if kind.verb == "POST":
        text = _COMMENTS[next(_counter) % len(_COMMENTS)]
        body = json.dumps({"text": text, "device": 1 + next(_counter) % 3}).encode()
    try:
        connection.request(kind.verb, kind.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return Sent(kind, response.status, response.headers["X-Tt-Logid"])
    finally:
        connection.close()


def batch(entries: Entries) -> list[Sent]:
    """Every kind of request, a few times."""
    return [send(entries, kind) for _ in range(BATCH_OF_EACH) for kind in KINDS.values()]


def stream(entries: Entries, rate: float) -> Iterator[int]:
    """Send about ``rate`` requests a second, for ever; yields how many were sent."""
    kinds = list(KINDS.values())
    weights = [kind.weight for kind in kinds]
    count = 0
    while True:
        (kind,) = random.choices(kinds, weights)
        try:
            send(entries, kind)
            count += 1
        except OSError:
            pass  # The service restarts, perhaps; the next request will tell.
        yield count
        time.sleep(random.expovariate(rate))
