"""The HTTP server: gunicorn's thread worker, without its arbiter.

Pie owns the process: listening, signals, registration and drain. What gunicorn does best, reading
requests and running a WSGI application on threads, stays its own.
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from pie.loop.daemons import Daemons
from pie.model import after_fork, end_forked_child, fork
from pie.observe import Seldom
from pie.serve.listeners import OwnSocket
from pie.serve.settings.descriptors import connections_within
from pie.web.start import Environ, StartResponse
from pie.web.wsgi import RECEIVED_KEY, WsgiApp

logger = logging.getLogger("gunicorn")
_QUIET_SECONDS = 0.1
"""Nothing arrives for this long: the clients that had connected have sent their requests."""


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
        self._listener = listener
        after_fork(self._leave_to_parent)
        config = Config()
        config.set("threads", threads)
        config.set("worker_connections", connections_within(max(1000, threads * 2)))
        config.set("keepalive", 75)
        config.settings["graceful_timeout"].value = drain_seconds  # ``set`` wants whole seconds.
        if "control_socket_disable" in config.settings:  # Since 25.1.
            config.set("control_socket_disable", True)
        self._worker = _worker_class()(
            0,
            os.getppid(),
            [_GunicornListener(listener)],
            SimpleNamespace(wsgi=lambda: _telling_receipt(app)),
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

    def _leave_to_parent(self) -> None:
        """In a forked child: who connects reaches the parent only."""
        self._listener.close()


def _telling_receipt(app: WsgiApp) -> WsgiApp:
    """The application, whose environ says when the request came."""

    def timed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[RECEIVED_KEY] = _request.received
        return app(environ, start_response)

    return timed


class _Request(threading.local):
    """What a thread knows of the request that it serves."""

    received = 0.0
    """When it began to come (monotonic), 0 if not known."""


_request = _Request()


class _GunicornListener:
    """The part of gunicorn's socket wrapper that a worker uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def accept(self) -> tuple[socket.socket, Any]:
        """A connection that ends when the worker closes it, whatever children it has."""
        sock, address = self._sock.accept()
        return OwnSocket(fileno=sock.detach()), address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Worker(ThreadWorker):  # type: ignore[misc]
    """A worker of any supported release of gunicorn, without an arbiter."""

    def accept(self, *arguments: Any) -> bool:
        """Out of descriptors is no reason to end: there is no arbiter to start us again.

        The last argument is the listener. Before gunicorn 24 its address is the first one.
        Returns False when the system refused.
        """
        try:
            super().accept(*arguments)
        except OSError as error:
            self.log.warning("cannot accept a connection: %s", error)
            time.sleep(0.05)
            return False
        return True

    def accept_waiting(self, *arguments: Any) -> None:
        """Accept every connection that the system has completed already."""
        waiting = select.poll()
        waiting.register(arguments[-1], select.POLLIN)
        while self.nr_conns < self.worker_connections and waiting.poll(0):
            if not self.accept(*arguments):
                return

    def get_thread_pool(self) -> Daemons:
        """Threads that a view which never returns does not make the process wait for, and that a
        child forked on one of them does not try to join."""
        return Daemons(self.cfg.threads, "pie-http")

    def enqueue_req(self, conn: Any) -> None:
        """Have a connection served by a thread: a new one, or one on which a request comes."""
        conn.pie_is_new = not hasattr(conn, "pie_since")
        conn.pie_since = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Serve a request, on a thread of the pool."""
        _request.received = 0.0 if conn.pie_is_new and not _readable(conn.sock) else conn.pie_since
        process = fork.process
        try:
            return super().handle(conn)
        finally:
            if fork.process != process:
                end_forked_child(process)

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


class _CurrentWorker(_Worker):
    """From gunicorn 24 on, which waits for requests in flight but leaves the listener open."""

    def set_accept_enabled(self, enabled: bool) -> None:
        """Before it stops, accept the clients that have connected, then close the listeners.

        A client that connects to an open listener would wait for the last request in flight, and
        be reset. Refused at once, it turns to another instance.
        """
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        for listener in self.sockets:
            if listener.fileno() >= 0:
                self.accept_waiting(listener)
                listener.close()


class _EarlyWorker(_Worker):
    """gunicorn 21 to 23, which closes connections that wait for their first request."""

    _stopping = False

    def handle_exit(self, *_: Any) -> None:
        """The loop goes round at least once a second, and sees it then."""
        self._stopping = True

    def is_parent_alive(self) -> bool:
        """The loop asks this at the end of every round."""
        if self._stopping:
            self._leave()
        return bool(self.alive)

    def _leave(self) -> None:
        """Accept the clients that have connected, close the listeners, and read their requests."""
        self.alive = False  # From here on every answer closes its connection.
        for listener in self.sockets:
            self.poller.unregister(listener)
            self.accept_waiting(listener.getsockname(), listener)
            listener.close()
        while events := self.poller.select(_QUIET_SECONDS):
            for key, _ in events:
                key.data(key.fileobj)


def _readable(sock: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(0))


def _worker_class() -> type[_Worker]:
    current = hasattr(ThreadWorker, "set_accept_enabled")
    return _CurrentWorker if current else _EarlyWorker


class _Log:
    """gunicorn's log on stdlib logging; the access log is Pie's own."""

    def __init__(self, _config: Config) -> None:
        self.debug = logger.debug
        self.info = logger.debug
        self.warning = Seldom(logger).warning  # What peers cause.
        self.error = logger.error
        self.exception = logger.exception
        self.critical = logger.critical

    def access(self, *_: object) -> None:
        pass

    def close_on_exec(self) -> None:
        pass

    def reopen_files(self) -> None:
        pass
