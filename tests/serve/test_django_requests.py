"""Requests and code that behave badly, at a Django project."""

import json
import socket
from typing import Any

from tests.serve.conftest import over_all_servers
from tests.serve.test_django import calls, project

URLS = """
from django.urls import path
from shop import views
urlpatterns = [
    path("echo", views.echo), path("form", views.form), path("upload", views.upload),
    path("exit", views.leave), path("later", views.leave_later), path("file", views.file),
    path("own-failure", views.own_failure),
]
"""
VIEWS = """
import asyncio, sys
from pathlib import Path
from django.http import FileResponse, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from pie.model import Failure, Kind

@csrf_exempt
def echo(request):
    return HttpResponse(request.body)

@csrf_exempt
def form(request):
    return HttpResponse(request.POST["name"])

@csrf_exempt
def upload(request):
    return HttpResponse(request.FILES["file"].read())

def leave(request):
    sys.exit(3)

async def leave_later(request):
    raise asyncio.CancelledError

def file(request):
    return FileResponse(Path(__file__).open("rb"))

class Strange(Failure):
    @property
    def kind(self):
        raise RuntimeError
    @kind.setter
    def kind(self, value):
        pass
    def __str__(self):
        raise RuntimeError

def own_failure(request):
    raise Strange(Kind.CONFLICT, "strange")
"""
MIDDLEWARE = """
from django.http import HttpResponse
from django.utils.decorators import sync_and_async_middleware
from asgiref.sync import iscoroutinefunction
from pie.model import Failure, Kind

def outer(get_response):
    def answer(request):
        response = get_response(request)
        response["X-Outer"] = "seen"
        return response
    return answer

@sync_and_async_middleware
def failing(get_response):
    if iscoroutinefunction(get_response):
        async def answer(request):
            return await get_response(request)
        return answer
    def answer(request):
        if "sold-out" in request.path:
            raise Failure(Kind.BUSINESS, "sold out", code=1234)
        if "down" in request.path:
            raise Failure(Kind.UNAVAILABLE, "d.e.f is down")
        if "early" in request.path:
            return HttpResponse("early")
        return get_response(request)
    return answer
"""
DJANGO = "MIDDLEWARE = ['shop.middleware.outer', *MIDDLEWARE, 'shop.middleware.failing']\n"
CHUNKED = "Transfer-Encoding: chunked"
FORM = "Content-Type: application/x-www-form-urlencoded"
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    b"in the file\r\n--b--\r\n"
)


def chunks(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


def ask(port: int, first: str, *headers: str, body: bytes = b"") -> tuple[int, str, bytes]:
    """Status, head and body of the answer to a request, whose last byte is sent."""
    lines = [f"{first} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(answer.split()[1]), head.decode(), content


@over_all_servers
def test_requests_that_behave_badly(services: Any) -> None:
    files = {"shop/urls": URLS, "shop/views": VIEWS, "shop/middleware": MIDDLEWARE}
    project(services, django=DJANGO, **files)
    running = services.start()
    port = running.port

    # A chunked body arrives, whatever reads it; a broken one is the caller's doing.
    assert ask(port, "POST /echo", CHUNKED, body=chunks(b"hello"))[::2] == (200, b"hello")
    assert ask(port, "POST /form", CHUNKED, FORM, body=chunks(b"name=n"))[::2] == (200, b"n")
    multipart = "Content-Type: multipart/form-data; boundary=b"
    assert ask(port, "POST /upload", CHUNKED, multipart, body=chunks(UPLOAD))[2] == b"in the file"
    # Pie's own server has the whole body before the application runs: such a request is no call.
    has_body_first = not services.environ
    for form in () if has_body_first else ("/echo", "/form"):
        assert ask(port, f"POST {form}", CHUNKED, FORM, body=b"5\r\nhel")[0] == 400
        assert ask(port, f"POST {form}", CHUNKED, FORM, body=b"zz\r\nhel")[0] == 400
        assert ask(port, f"POST {form}", "Content-Length: 9", FORM, body=b"name")[0] == 400

    # A failure of a middleware has the error form, and passes the outer ones.
    status, head, body = ask(port, "GET /down")
    assert (status, json.loads(body)["message"]) == (503, "d.e.f is down")
    assert "X-Outer: seen" in head
    status, head, body = ask(port, "GET /sold-out")
    assert (status, json.loads(body)["code"]) == (200, 1234)
    status, _, body = ask(port, "GET /own-failure")
    assert (status, json.loads(body)["message"]) == (500, "strange")

    for path in ("/exit", "/later"):
        status, _, body = ask(port, f"GET {path}")
        assert (status, json.loads(body)["message"]) == (500, "internal error")
    assert ask(port, "GET /file")[2].decode() == (services.root / "shop" / "views.py").read_text()
    assert ask(port, "GET /early/x?token=hunter2")[2] == b"early"
    running.stop()

    found = {row["path"]: row for row in calls(running)}
    rows = [row for row in calls(running) if row["status"] == 400]
    assert len(rows) == (0 if has_body_first else 6)
    assert {(row["outcome"], row["raised_by"], row["code"]) for row in rows} <= {
        ("invalid", "peer", 400)
    }
    assert (found["/down"]["outcome"], found["/down"]["status"]) == ("unavailable", 503)
    assert (found["/sold-out"]["outcome"], found["/sold-out"]["code"]) == ("business", 1234)
    assert found["/own-failure"]["outcome"] == "internal"
    assert found["/exit"]["message"] == "SystemExit: 3"
    assert found["/later"]["message"].startswith("CancelledError")
    assert {found[path]["outcome"] for path in ("/exit", "/later")} == {"internal"}
    assert found["/file"]["response_bytes"] == len(VIEWS)
    early = found["/early/x?token=*"]
    assert (early["method"], early["route"], early["outcome"]) == ("(unmatched)", "", "ok")
    log = running.log("python") + running.log("app")
    assert "data=GET /exit failed: SystemExit: 3\\nTraceback (most recent call last):" in log
    assert "hunter2" not in log
