"""Which HTTP server a process has that runs alone: Pie's own, in C, or gunicorn's thread worker."""

import socket
from typing import TYPE_CHECKING

from pie._core import gevent_patched, native
from pie.loop.native_loop import SpeakerFactory, nothing_else
from pie.serve.host.host import ServerFactory, Serving
from pie.serve.settings.keys import Settings

if TYPE_CHECKING:
    from pie.web.wsgi import WsgiApp

GUNICORN_THREADS = 16


def needs_gunicorn(settings: Settings) -> bool:
    """Whether gunicorn serves: the settings ask for it, or the C core is not in use."""
    return settings.HTTP_SERVER == "gunicorn" or native is None or gevent_patched()


def http_server(
    app: "WsgiApp", settings: Settings, also: SpeakerFactory = nothing_else
) -> ServerFactory:
    """Makes the server of an application; ``also`` makes what else the core speaks on its port."""
    return _gunicorn(app, settings) if needs_gunicorn(settings) else _core(app, settings, also)


def _core(app: "WsgiApp", settings: Settings, also: SpeakerFactory) -> ServerFactory:
    from pie.serve.settings.http import http_options
    from pie.web.server.server import CoreServer

    options = http_options(settings)

    def make_server(listener: socket.socket) -> Serving:
        assert native is not None
        server = CoreServer(
            native, app, listener, options, drain_seconds=settings.DRAIN_SECONDS, also=also
        )
        return Serving(server, server.name, options.max_threads)

    return make_server


def _gunicorn(app: "WsgiApp", settings: Settings) -> ServerFactory:
    threads = settings.THREADS or GUNICORN_THREADS

    def make_server(listener: socket.socket) -> Serving:
        from pie.serve.host.gunicorn import HttpServer

        server = HttpServer(app, listener, threads=threads, drain_seconds=settings.DRAIN_SECONDS)
        return Serving(server, "gunicorn gthread", threads)

    return make_server
