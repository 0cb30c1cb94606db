"""The HTTP server: one WSGI application on one listening socket."""

import socket
import threading
from collections.abc import Callable, Iterable
from types import ModuleType

from pie.loop.complaints import Complaints
from pie.loop.crowd import Crowd
from pie.loop.leader import LeaderLoop
from pie.loop.native_loop import LoopLimits, Speaker, SpeakerFactory, nothing_else
from pie.web.server.native_http import NativeHttp
from pie.web.server.options import HttpOptions


class CoreServer:
    """Serves a WSGI application on one listening socket, by the loop in C.

    Args:
        native: the extension.
        app: the application.
        listener: bound and listening, TCP or unix; closed when the server stops.
        options: bounds.
        drain_seconds: how long a stopping server waits for requests in flight.
        also: makes what else is spoken on the socket.

    Attributes:
        name: what serves, for people.
    """

    def __init__(
        self,
        native: ModuleType,
        app: Callable[..., Iterable[bytes]],
        listener: socket.socket,
        options: HttpOptions | None = None,
        *,
        drain_seconds: float = 10.0,
        also: SpeakerFactory = nothing_else,
    ) -> None:
        options = options or HttpOptions()
        complaints = Complaints()

        def make_speakers(crowd: Crowd) -> list[Speaker]:
            return [NativeHttp(native, app, listener, options, complaints), *also(crowd)]

        limits = LoopLimits(
            write_limit=options.write_limit,
            buffer_limit=options.buffer_limit,
            max_connections=options.max_connections,
            max_threads=options.max_threads,
            overload_timeout=options.overload_timeout,
        )
        self._loop = LeaderLoop(native, listener, make_speakers, limits, complaints, "pie-http")
        self.name = f"pie http {self._loop.name}"
        self._drain_seconds = drain_seconds
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Serve until ``stop``, then accept nothing more, finish what is in flight, close the rest.

        A connection that does not end within ``drain_seconds`` is cut.
        """
        self._loop.start()
        self._stopping.wait()
        self._loop.stop(self._drain_seconds)

    def stop(self) -> None:
        """Let ``serve`` drain and return; may be called from a signal handler."""
        self._stopping.set()
