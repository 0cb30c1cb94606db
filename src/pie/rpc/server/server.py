"""The Thrift server: one service on one listening socket.

Every request is a Call through the server's gates. The reply takes the form of the request.
"""

import socket
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from pie._core import gevent_patched, native
from pie.call import Course, Driver, Runtime
from pie.govern import Gate
from pie.loop.crowd import Crowd
from pie.loop.leader import LeaderLoop
from pie.loop.native_loop import Speaker, SpeakerFactory, nothing_else
from pie.model import declare_idl_codes
from pie.rpc.server.coroutines import Coroutines
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.native_server import NativeServer, limits_of
from pie.rpc.server.options import ServerOptions
from pie.rpc.server.threaded import ThreadedLoop
from pie.rpc.server.turns import TurnLoop
from pie.thrift import Service, failure_codes_of


class ThriftServer:
    """Serves one Thrift service on one listening socket.

    Args:
        service: the generated service.
        handler: an object with the service's methods; those that are ``async def`` run on an
            asyncio loop of their own.
        runtime: of this process.
        listener: bound and listening, TCP or unix; closed when the server stops.
        gates: of the service's own, in order; every call passes them last before its handler.
        drain_seconds: how long a stopping server waits for requests in flight.
        also: makes what else is spoken on the socket, which needs the loop in C.

    Attributes:
        name: what serves, for people.

    Raises:
        TypeError: the handler lacks a method.
        ValueError: `also` is given, and the loop in C is not in use, or cannot be (TLS).
    """

    def __init__(
        self,
        service: type[Service],
        handler: Any,
        runtime: Runtime,
        listener: socket.socket,
        options: ServerOptions | None = None,
        *,
        gates: Iterable[Gate] = (),
        drain_seconds: float = 10.0,
        also: SpeakerFactory | None = None,
    ) -> None:
        options = options or ServerOptions()
        declare_idl_codes(failure_codes_of(service))
        course = runtime.policies.server(gates)
        self._coroutines = Coroutines.of(service, handler)
        dispatcher = Dispatcher(
            service,
            handler if self._coroutines is None else self._coroutines.handler,
            runtime.identity,
            Driver(course),
            decoded_limit=options.decoded_limit,
        )
        self._loop: LeaderLoop | TurnLoop | ThreadedLoop
        if native is None or gevent_patched() or options.tls is not None:
            if also is not None:
                raise ValueError("a second protocol on the port needs the C core, and no TLS")
            self._loop = ThreadedLoop(listener, dispatcher, options)
        elif self._coroutines is None:
            self._loop = _leader(
                native, listener, dispatcher, course, options, also or nothing_else
            )
        else:
            self._loop = TurnLoop(
                native, listener, handler, self._coroutines, dispatcher, course, options,
                also or nothing_else,
            )  # fmt: skip
        self.name = f"pie thrift {self._loop.name}"
        self._drain_seconds = drain_seconds
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Serve until ``stop``, then accept nothing more, finish what is in flight, close the rest.

        A connection that does not end within ``drain_seconds`` is cut.
        """
        if self._coroutines is not None:
            self._coroutines.start()
        self._loop.start()
        self._stopping.wait()
        self._loop.stop(self._drain_seconds)
        if self._coroutines is not None:
            self._coroutines.stop()

    def stop(self) -> None:
        """Let ``serve`` drain and return."""
        self._stopping.set()

    def load(self) -> dict[str, int]:
        """What the loop in C holds now; empty for a loop in Python."""
        return {} if isinstance(self._loop, ThreadedLoop) else self._loop.load()


def thrift_speakers(
    native: ModuleType,
    service: type[Service],
    handler: Any,
    runtime: Runtime,
    options: ServerOptions,
) -> SpeakerFactory:
    """Makes Thrift for the loop of another server.

    Args:
        native: the extension.
        service: the generated service.
        handler: an object with the service's methods.
        runtime: of this process.
        options: bounds; those of connections and threads are the other server's.

    Raises:
        TypeError: the handler lacks a method, or has coroutine functions, whose loop is their own.
    """
    if Coroutines.of(service, handler) is not None:
        raise TypeError("a handler beside another protocol has no coroutine functions (async def)")
    declare_idl_codes(failure_codes_of(service))
    course = runtime.policies.server(())
    dispatcher = Dispatcher(
        service, handler, runtime.identity, Driver(course), decoded_limit=options.decoded_limit
    )

    def make(crowd: Crowd) -> list[Speaker]:
        return [NativeServer(native, dispatcher.handler, dispatcher, course, options, crowd)]

    return make


def _leader(
    native: ModuleType,
    listener: socket.socket,
    dispatcher: Dispatcher,
    course: Course,
    options: ServerOptions,
    also: SpeakerFactory,
) -> LeaderLoop:
    def make_speakers(crowd: Crowd) -> list[Speaker]:
        own = NativeServer(native, dispatcher.handler, dispatcher, course, options, crowd)
        return [own, *also(crowd)]

    complaints = dispatcher.complaints
    return LeaderLoop(native, listener, make_speakers, limits_of(options), complaints, "pie-rpc")
