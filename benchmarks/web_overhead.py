"""What Pie costs a request of a WSGI application, of Flask and of Django: the application bare,
and as a member of the fleet.

In process, without sockets: many short rounds of both, in turns, CPU time per request (all threads
of the process, the recorder's too). The median of the rounds' ratios and differences counts, since
other work on the machine hardly moves it; the minima show what is left without such work.
Everything is on: trace, record, aggregate, access line.

    python benchmarks/web_overhead.py [rounds]
"""

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from flask import Flask

from pie.call import Runtime
from pie.observe import Identity, Observer
from pie.state import Directory, MemoryStore
from pie.web import django as pie_django
from pie.web.flask import instrument
from pie.web.wsgi import Middleware, PythonMiddleware

App = Callable[[dict[str, Any], Any], Iterable[bytes]]
ROUNDS, REQUESTS = 200, 60
ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/hello/world",
    "QUERY_STRING": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "40000",
    "HTTP_HOST": "localhost:8000",
    "HTTP_USER_AGENT": "curl/8.0",
    "HTTP_ACCEPT": "*/*",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
WITHOUT_DATABASE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
"""Of what ``startproject`` lists."""


def hello_wsgi(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def make_flask() -> Flask:
    app = Flask(__name__)

    @app.get("/hello/<name>")
    def hello(name: str) -> str:
        return f"hello {name}"

    return app


def hello_django(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"hello {name}")


def set_up_django() -> None:
    urls: Any = ModuleType("bench_urls")
    urls.urlpatterns = [path("hello/<str:name>", hello_django)]
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls, MIDDLEWARE=[])
    django.setup()


def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    assert status == "200 OK"


def cpu_per_request(app: App) -> float:
    """CPU microseconds per request of one round."""
    begin = time.process_time_ns()
    for _ in range(REQUESTS):
        body: Any = app({**ENVIRON, "wsgi.input": io.BytesIO()}, start)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()
    return (time.process_time_ns() - begin) / REQUESTS / 1000


def compare(name: str, bare: App, governed: App, rounds: int) -> None:
    for _ in range(20):
        cpu_per_request(bare), cpu_per_request(governed)
    pairs = [(cpu_per_request(bare), cpu_per_request(governed)) for _ in range(rounds)]
    before, after = (statistics.median(each) for each in zip(*pairs, strict=True))
    least, least_after = (min(each) for each in zip(*pairs, strict=True))
    more = statistics.median(two - one for one, two in pairs)
    ratio = statistics.median(two / one for one, two in pairs)
    print(
        f"{name:22} bare {before:5.1f} us, with Pie {after:5.1f} us, +{more:.1f} us, "
        f"ratio {ratio:.3f} (at best {least:.1f} and {least_after:.1f}: "
        f"{least_after / least:.3f})"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    set_up_django()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        observer = Observer(Identity(psm="bench.web.api"), root, root / "service")
        runtime = Runtime(observer, Directory(MemoryStore(), None))
        compare("WSGI", hello_wsgi, Middleware(hello_wsgi, runtime), rounds)
        compare("WSGI, the twin", hello_wsgi, PythonMiddleware(hello_wsgi, runtime), rounds)
        flask, governed = make_flask(), make_flask()
        instrument(governed, runtime)
        compare("Flask", flask, governed, rounds)
        compare("Django", WSGIHandler(), pie_django.application(runtime), rounds)
        settings.MIDDLEWARE = WITHOUT_DATABASE
        compare("Django, 4 middlewares", WSGIHandler(), pie_django.application(runtime), rounds)
        observer.close()


if __name__ == "__main__":
    main()
