"""``Host``: the program that runs the process of a service. One protocol for all."""

import socket
from collections.abc import Callable
from typing import NamedTuple, Protocol

from pie.serve.settings.keys import Settings
from pie.serve.settings.loading import Loaded


class Server(Protocol):
    """Serves the requests of a process that runs alone."""

    def serve(self) -> None:
        """Serve until stopped and drained."""

    def stop(self) -> None:
        """Let ``serve`` return; callable from any thread."""


class Serving(NamedTuple):
    """A server with the name and the number of threads that are registered (0 = one for each
    connection)."""

    server: Server
    name: str
    threads: int


ServerFactory = Callable[[socket.socket], Serving]
"""Makes the server of a service on a listening socket."""


class Life(Protocol):
    """The steps of a service that its host decides the time of."""

    def open(self, server: str, threads: int, *, workers: int) -> None:
        """Start what needs threads, and register. After the last fork, before the first request."""

    def deregister(self) -> bool:
        """Tell the registry that this instance ends. May be called more than once; True when others
        could find it there until now."""

    def close(self) -> None:
        """Flush and close everything; a registration that still stands is left to a successor."""


class Host(Protocol):
    """Runs a service from its listener to its end."""

    @property
    def name(self) -> str:
        """As messages call it."""

    @property
    def owns_command_line(self) -> bool:
        """Whether the command line of the process is the host's, not the service's."""

    @property
    def speaks(self) -> bool:
        """Whether this process prints and registers for the service: one of several does."""

    def open(self, settings: Settings) -> int:
        """Find the port at which the service is called, and listen on it where that is the
        host's part; 0 if there is no port.

        Raises:
            SettingsError: the settings ask for what this host cannot do.
            OSError: the address cannot be had.
        """

    def tell_port(self, loaded: Loaded, port: int) -> None:
        """Log a line about the port where it is not simply the one of the settings."""

    def tell_start(self, settings: Settings, port: int) -> None:
        """Log where the service can be called."""

    def run(self, life: Life, make_server: ServerFactory) -> None:
        """Run the service. Returns at its end, or at once where the host itself serves."""
