"""The bootstrap.py of a service on Pie, its settings in the environment; the argument names its
application.
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


if os.environ["BENCH_VARIANT"] == "gunicorn":
    assert hasattr(run, "_http_server")
    run._http_server = on_gunicorn
if app == "django_app":
    pie.serve.django("workload.django_project")
elif app == "bare_app":
    pie.serve.flask("workload.flask_bare_app:application")
else:
    pie.serve.flask(f"workload.{app}:application")
