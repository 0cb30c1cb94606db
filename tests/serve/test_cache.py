"""The cache of an HTTP service: a real server when it is there, else memory, and said so."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pie.serve.cache import trouble_with

VIEWS = (
    "from flask import Flask, current_app\napp = Flask(__name__)\n"
    "@app.get('/')\ndef count():\n    cache = current_app.extensions['cache']\n"
    "    return f'{type(cache).__name__} {cache.inc(\"n\")}'\n"
)


@pytest.fixture
def redis(services, program: Callable[[str, str], str]) -> Iterator[str]:
    path = services.root / "redis.sock"
    command = [program("redis-server", "make system-deps"), "--port", "0", "--unixsocket"]
    command += [str(path), "--requirepass", "hush", "--save", "", "--dir", str(services.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        url = f"unix://:hush@{path}?db=0"
        services.until(lambda: path.exists() and not trouble_with(url), "redis to start")
        yield url
        server.terminate()


def test_a_cache_server_is_used_by_all_instances(services, redis: str) -> None:
    services.write(f"CACHE = {redis!r}\n", views=VIEWS)
    first, second = services.start(), services.start()
    answers = {each.get(each.port)[1] for each in (first, second)}
    assert answers == {b"RedisCache 1", b"RedisCache 2"}
    printed, _ = first.stop()
    assert printed.startswith("I will use cache server unix://:******@/")
    assert "hush" not in printed


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
