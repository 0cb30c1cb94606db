"""The HTTP server: gunicorn's thread worker, without its arbiter.

Pie owns the process: listening, signals, registration and drain. What gunicorn does best, reading
requests and running a WSGI application on threads, stays its own.
"""

import logging
import math
import os
import socket
import time
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from pie.web.wsgi import WsgiApp

logger = logging.getLogger("gunicorn")


class HttpServer:
    """Serves a WSGI application on one listening socket until it is told to stop.

    Args:
        app: the application.
        listener: bound and listening; closed by ``serve``.
        threads: requests served at a time.
        drain_seconds: how long ``serve`` waits for requests in flight when it is stopped.
    """

    def __init__(
        self, app: WsgiApp, listener: socket.socket, *, threads: int, drain_seconds: float
    ) -> None:
        config = Config()
        config.set("threads", threads)
        config.set("worker_connections", max(1000, threads * 2))
        config.set("keepalive", 75)
        config.set("graceful_timeout", math.ceil(drain_seconds))
        config.set("control_socket_disable", True)
        self._worker = _Worker(
            0,
            os.getppid(),
            [_GunicornListener(listener)],
            SimpleNamespace(wsgi=lambda: app),
            60,
            config,
            _Log(config),
        )

    def serve(self) -> None:
        """Serve; returns when it was stopped and requests in flight are answered."""
        try:
            self._worker.init_process()
        finally:
            self._worker.close()

    def stop(self) -> None:
        """Stop accepting and let ``serve`` return; may be called from a signal handler."""
        self._worker.handle_exit(None, None)


class _GunicornListener:
    """The part of gunicorn's socket wrapper that a worker uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Worker(ThreadWorker):  # type: ignore[misc]
    def accept(self, listener: _GunicornListener) -> None:
        """Out of descriptors is no reason to end: there is no arbiter to start us again."""
        try:
            super().accept(listener)
        except OSError as error:
            logger.warning("cannot accept a connection: %s", error)
            time.sleep(0.05)

    def set_accept_enabled(self, enabled: bool) -> None:
        """A stopping worker takes whoever has connected, then closes its door.

        gunicorn leaves it open until the last request is answered: who came meanwhile would wait
        for that, and be reset. Refused at once, a client turns to another instance.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        for listener in self.sockets:
            if listener.fileno() < 0:
                continue
            before = -1
            while before < self.nr_conns < self.worker_connections:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def init_signals(self) -> None:
        """Signals are the service's."""

    def is_parent_alive(self) -> bool:
        """A service may outlive the shell that started it."""
        return True

    def close(self) -> None:
        """Close what gunicorn leaves to the end of the process."""
        self.tmp.close()
        for descriptor in self.PIPE:
            os.close(descriptor)


class _Log:
    """gunicorn's log on stdlib logging; the access log is Pie's own."""

    def __init__(self, _config: Config) -> None:
        self.debug = logger.debug
        self.info = logger.debug
        self.warning = logger.warning
        self.error = logger.error
        self.exception = logger.exception
        self.critical = logger.critical

    def access(self, *_: object) -> None:
        pass

    def close_on_exec(self) -> None:
        pass

    def reopen_files(self) -> None:
        pass
