"""Traffic for the demo: mostly good requests, some slow ones, some that fail."""

import http.client
import random
import time
import urllib.parse
from collections.abc import Iterator
from typing import NamedTuple


class Sent(NamedTuple):
    """One request and its answer."""

    path: str
    status: int
    logid: str


class Kind(NamedTuple):
    """A request, what comes of it, and how many calls its chain holds (served and asked)."""

    path: str
    status: int
    served: int
    asked: int
    weight: int


KINDS = [
    Kind("/stream", 200, served=3, asked=2, weight=60),
    Kind("/articles/101", 200, served=3, asked=2, weight=20),
    Kind("/", 200, served=1, asked=0, weight=10),
    Kind("/articles/104", 200, served=3, asked=2, weight=6),  # slow: a cold shard
    Kind("/articles/107", 410, served=2, asked=1, weight=3),  # withdrawn: a business code
    Kind("/articles/999", 404, served=2, asked=1, weight=3),  # a declared exception
    Kind("/articles/105", 500, served=3, asked=2, weight=3),  # a bug in user_info
    Kind("/articles/106", 504, served=3, asked=2, weight=2),  # slower than the deadline
    Kind("/articles/101/related", 503, served=1, asked=1, weight=2),  # nobody deployed it
]
BATCH_OF_EACH = 3


def send(entry: str, path: str) -> Sent:
    """Send one request; its answer names its chain."""
    host = urllib.parse.urlsplit(entry).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return Sent(path, response.status, response.headers["X-Tt-Logid"])
    finally:
        connection.close()


def batch(entry: str) -> list[Sent]:
    """Every kind of request, a few times."""
    return [send(entry, kind.path) for _ in range(BATCH_OF_EACH) for kind in KINDS]


def stream(entry: str, rate: float) -> Iterator[int]:
    """Send about ``rate`` requests a second, for ever; yields how many were sent."""
    weights = [kind.weight for kind in KINDS]
    count = 0
    while True:
        (kind,) = random.choices(KINDS, weights)
        try:
            send(entry, kind.path)
            count += 1
        except OSError:
            pass  # The service restarts, perhaps; the next request will tell.
        yield count
        time.sleep(random.expovariate(rate))
