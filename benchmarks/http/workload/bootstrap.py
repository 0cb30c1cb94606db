"""The bootstrap.py of a service on Pie, its settings in the environment; the argument names its
application.

A bare WSGI application, which ``pie.serve`` has no face for, is served the way Flask's is.
"""

import os
import socket
import sys

import pie.serve
from pie.serve import run
from pie.serve.host.host import ServerFactory, Serving
from pie.serve.settings.keys import Settings
from pie.web.wsgi import WsgiApp

app = sys.argv.pop(1)


def on_gunicorn(app: WsgiApp, settings: Settings) -> ServerFactory:
    """The server in Python, whichever ``pie.serve`` would choose."""

    def make(listener: socket.socket) -> Serving:
        from pie.serve.host.gunicorn import HttpServer

        threads, drain = settings.THREADS, settings.DRAIN_SECONDS
        server = HttpServer(app, listener, threads=threads, drain_seconds=drain)
        return Serving(server, "gunicorn gthread", threads)

    return make


def serve_bare(reference: str) -> None:
    from pie.serve.launch import launch_of_caller
    from pie.serve.service import Service
    from pie.state import ServiceMeta
    from pie.web.wsgi import Middleware

    service = Service(launch_of_caller(None), "http", "flask")
    settings = service.settings
    wrapped = Middleware(service.load(reference), service.process.runtime, run._edge(settings))
    meta = ServiceMeta(
        psm=settings.PSM,
        framework="wsgi",
        framework_version="",
        protocol="http",
        owners=(),
        interfaces=(),
    )
    service.run(meta, run._http_server(wrapped, settings))


if os.environ["BENCH_VARIANT"] == "gunicorn":
    run._http_server = on_gunicorn
if app == "django_app":
    pie.serve.django("workload.django_project")
elif app == "flask_app":
    pie.serve.flask("workload.flask_app:application")
else:
    serve_bare(f"workload.{app}:application")
