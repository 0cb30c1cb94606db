"""Damaged requests, in pieces, of clients that leave: the server serves on, and keeps nothing.

``tests/core/sanitized/http_requests.py`` is the long form, with applications that break the rules.
"""

import threading
from random import Random

import pytest
from tests.http.hostile import attack, damage, requests


@pytest.mark.parametrize("options", [{}, {"trusted": ("127.0.0.0/8",), "proxy_protocol": True}])
def test_damaged_requests(serve, client, options) -> None:
    def app(environ, start_response):
        environ["wsgi.input"].read(100_000)
        start_response("200 OK", [])
        return [b"fine"]

    port = serve(app, memory_limit=1000, body_limit=1 << 21, max_threads=3, **options)

    def torment(seed):
        random = Random(seed)
        for data in requests(random, ["a"] * 60):
            attack(port, data, random)
            attack(port, damage(random, data), random)
            attack(port, data + damage(random, data * 3), random)

    tormentors = [threading.Thread(target=torment, args=[seed]) for seed in range(4)]
    for each in tormentors:
        each.start()
    for each in tormentors:
        each.join()
    client(port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").until(b"\r\n\r\nfine")
