"""A service that runs alone: this process listens, serves, and stops at a signal."""

import logging
import socket
from typing import Literal

from pie.model import is_unix
from pie.serve.host.host import Life, ServerFactory
from pie.serve.host.signals import StopSignals
from pie.serve.host.stop import Stop
from pie.serve.listeners import listen
from pie.serve.settings.keys import Settings
from pie.serve.settings.loading import Loaded

logger = logging.getLogger(__name__)


class Alone:
    """The host of a process that nobody else runs.

    Args:
        protocol: that the service speaks.
    """

    name = "this process"
    owns_command_line = False
    speaks = True

    def __init__(self, protocol: Literal["http", "thrift"]) -> None:
        self._protocol = protocol
        self._listener: socket.socket | None = None
        self._settings: Settings | None = None

    def open(self, settings: Settings) -> int:
        """Listen on HOST and PORT of the settings, or on the next free port; 0 on a unix socket."""
        self._settings = settings
        self._listener = listen(settings.HOST, settings.PORT)
        return 0 if is_unix(settings.HOST) else int(self._listener.getsockname()[1])

    def tell_port(self, loaded: Loaded, port: int) -> None:
        """Name a port that is in use; name the one of a Thrift service."""
        if is_unix(loaded.settings.HOST):
            return
        wanted, source = loaded.settings.PORT, loaded.sources["PORT"]
        if wanted not in (0, port):
            logger.warning("Port %d from %s is in use; using port: %d", wanted, source, port)
        elif self._protocol == "thrift":
            logger.info("Using port: %d from %s", port, source if wanted else "the system")

    def tell_start(self, settings: Settings, port: int) -> None:
        """Log the address."""
        if self._protocol == "http":
            logger.info(" * Running on %s (Press CTRL+C to quit)", http_address(settings, port))
        elif is_unix(settings.HOST):
            logger.info("Starting ... with socket: %s", settings.HOST)
        else:
            logger.info("Starting ... with port: %d", port)

    def run(self, life: Life, make_server: ServerFactory) -> None:
        """Register, serve until SIGTERM or SIGINT, deregister, drain, flush."""
        assert self._listener is not None
        assert self._settings is not None
        server, name, threads = make_server(self._listener)
        stop = Stop(life, server, self._listener, self._settings)
        StopSignals(stop.signalled).follow()
        try:
            life.open(name, threads, workers=1)
            stop.opened()
            server.serve()
        finally:
            stop.served()
            life.deregister()
            logger.info("stopped")
            life.close()


def http_address(settings: Settings, port: int) -> str:
    """The URL of an HTTP service on ``port``, or its unix socket."""
    host = settings.HOST
    if is_unix(host):
        return host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
