"""A WSGI application without any framework."""

from workload import work
from workload.data import HELLO

VIEWS = {
    "/hello": lambda: HELLO,
    "/compute": work.compute,
    "/wait": work.wait,
    "/sleep": work.sleep,
}


def application(environ, start_response):
    body = VIEWS[environ["PATH_INFO"]]()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
