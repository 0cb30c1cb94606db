"""The cache of an HTTP service: a real server when it is there, else memory, and said so."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pie.serve.cache import trouble_with

VIEWS = (
    "from flask import Flask, current_app\napp = Flask(__name__)\n"
    "@app.get('/')\ndef count():\n    cache = current_app.extensions['cache']\n"
    "    return f'{type(cache).__name__} {cache.inc(\"n\")}'\n"
)


class Redis:
    """A server on a unix socket, which can be stopped and started."""

    def __init__(self, services: Any, command: str) -> None:
        self.path = services.root / "redis.sock"
        self.url = f"unix://:hush@{self.path}?db=0"
        self._until = services.until
        self._command = [command, "--port", "0", "--unixsocket", str(self.path)]
        self._command += ["--requirepass", "hush", "--save", "", "--dir", str(services.root)]
        self.start()

    def start(self) -> None:
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        self._until(lambda: self.path.exists() and not trouble_with(self.url), "redis to start")

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait()


@pytest.fixture
def redis_server(services, program: Callable[[str, str], str]) -> Iterator[Redis]:
    made = Redis(services, program("redis-server", "make system-deps"))
    yield made
    made.stop()


@pytest.fixture
def redis(redis_server: Redis) -> str:
    return redis_server.url


def test_a_cache_server_is_used_by_all_instances(services, redis: str) -> None:
    services.write(f"CACHE = {redis!r}\n", views=VIEWS)
    first, second = services.start(), services.start()
    answers = {each.get(each.port)[1] for each in (first, second)}
    assert answers == {b"RedisCache 1", b"RedisCache 2"}
    printed, _ = first.stop()
    assert printed.startswith("I will use cache server unix://:******@/")
    assert "hush" not in printed


def test_a_cache_server_that_goes_away_is_an_empty_cache(services, redis_server: Redis) -> None:
    services.write(f"CACHE = {redis_server.url!r}\nDEBUG = True\n", views=VIEWS)
    running = services.start()
    port = running.port
    assert running.get(port) == (200, b"RedisCache 1")
    redis_server.stop()
    for _ in range(3):
        assert running.get(port) == (200, b"RedisCache None")
    redis_server.start()
    running.until(lambda: running.get(port)[1] == b"RedisCache 1", "the server to be found again")
    printed, _ = running.stop()
    assert printed.count("data=the cache server is away, and the cache empty: ") == 1
    assert printed.count("data=the cache server is back") == 1
    assert "hush" not in printed


AWAY = """
import sys
from pie.serve.cache import Cache
from pie.web.django import configure
configure("project", Cache(sys.argv[1], "a.b.c").of_django())
from django.core.cache import cache
cache.set("k", 1)
print(cache.get("k"), cache.incr("k"), flush=True)
input()
print(cache.get("k", "none"), cache.get_many(["k"]), cache.add("k", 1), cache.get_or_set("k", 7))
cache.set("k", 1), cache.set_many({"k": 1}), cache.delete("k"), cache.delete_many(["k"])
print("k" in cache, cache.touch("k"), cache.clear(), cache.delete("k"))
try:
    cache.incr("k")
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
def test_of_django_too(services, redis_server: Redis) -> None:
    (services.root / "project.py").write_text("SECRET_KEY = 'x'\n")
    (services.root / "ask.py").write_text(AWAY)
    command = [sys.executable, str(services.root / "ask.py"), redis_server.url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=services.root
    ) as asking:
        assert asking.stdout.readline() == "1 2\n"
        redis_server.stop()
        printed, _ = asking.communicate("\n", timeout=60)
    assert printed.splitlines() == [
        "none {} False 7",
        "False False False False",
        "Key 'k' not found.",
    ]
    redis_server.start()


def test_without_a_server_memory_is_used_and_the_reason_reported(services) -> None:
    port = services.free_port()
    services.write(f"CACHE = 'redis://:hush@127.0.0.1:{port}/0'\n", views=VIEWS)
    running = services.start()
    number = running.port
    assert running.get(number)[1] == b"SimpleCache 1"
    printed, _ = running.stop()
    assert "I will use in-memory cache\n" in printed
    assert f"the cache server redis://:******@127.0.0.1:{port}/0 cannot be used: " in printed
    assert "Connection refused" in printed
    assert "hush" not in printed


def test_without_the_package_memory_is_used_and_the_reason_reported(services) -> None:
    services.write("CACHE = 'redis://127.0.0.1:1'\n", views=VIEWS, redis="raise ImportError\n")
    running = services.start()
    assert running.get(running.port)[1] == b"SimpleCache 1"
    printed, _ = running.stop()
    assert "the package redis is not installed (pip install redis)" in printed


def test_a_cache_of_the_application_stays(services) -> None:
    views = VIEWS.replace("@app", "from cachelib import FileSystemCache\n@app", 1)
    views = views.replace("@app", "app.extensions['cache'] = FileSystemCache('cached')\n@app", 1)
    services.write(views=views)
    running = services.start()
    assert running.get(running.port)[1] == b"FileSystemCache 1"
    assert running.printed.startswith("I will use the application's own cache\n")


def test_django_uses_it_too(services, redis: str) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom pie.serve.cache import Cache\n"
        "from pie.web.django import configure\n"
        "own = configure('project', Cache(sys.argv[1], 'a.b.c').of_django())\n"
        "from django.core.cache import cache\n"
        "cache.set('k', '值')\n"
        "print(own, type(cache._connections['default']).__name__, cache.get('k'))\n"
    )
    (services.root / "project.py").write_text("SECRET_KEY = 'x'\n")
    (services.root / "ask.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(services.root / "ask.py"), redis],
        capture_output=True, text=True, check=False, cwd=Path(services.root), env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout == "False RedisCache 值\n", done.stderr
