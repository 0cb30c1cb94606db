"""uvicorn as the platform runs it: its connections pass the door, its complaints are few."""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from pie.observe import Seldom
from pie.platform.server.door import Bounds, Door, mark
from pie.platform.server.keep_on import keep_on

_KEEP_ALIVE_S = 75
_MAX_HEAD = 64 << 10
_OPEN_FILES = 65_536
_ACCEPTED_AT_ONCE = 16
"""asyncio accepts as many connections in a row as its backlog says: few, so that in a flood those
accepted before have sent their head, and are known, before later ones take their places. The
kernel's queue is made longer afterwards."""
_KERNEL_QUEUE = 1024
_LACKING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_lacks = Seldom(logging.getLogger(__name__))


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what no task takes. asyncio repeats a lack of descriptors for each place in its
    backlog, with a stack each time: that is one sort of line, without a stack."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _LACKING:
        _lacks.warning("cannot accept a connection: %s", error.strerror)
    else:
        loop.default_exception_handler(context)


def raise_open_files() -> int:
    """Take as many descriptors as the system lets this process have; how many these are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class PlatformServer(uvicorn.Server):
    """uvicorn without signal handlers (the platform has its own), behind a door.

    Args:
        app: the application.
        grace: seconds that requests may take to end at a stop.
        door: decides about connections; by default one within this process's descriptors.
    """

    def __init__(self, app: ASGIApp, grace: int, door: Door | None = None) -> None:
        self.door = door or Door(Bounds.within(raise_open_files()))
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol_behind(self.door),
                log_level="warning",
                access_log=False,  # a login link would stand in it
                server_header=False,
                lifespan="off",
                ws="none",
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=grace,
                h11_max_incomplete_event_size=_MAX_HEAD,
                backlog=_ACCEPTED_AT_ONCE,
            )
        )
        for name in ("uvicorn.error", "asyncio"):
            logger = logging.getLogger(name)
            if not any(isinstance(each, Seldom) for each in logger.filters):
                logger.addFilter(Seldom(logger))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(_complain)
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_KERNEL_QUEUE)

    async def main_loop(self) -> None:
        await keep_on("the HTTP server", super().main_loop)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _protocol_behind(door: Door) -> type[H11Protocol]:
    """The class of connections that pass this door."""

    class Connection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._inner, self.app = self.app, self._through
            address = self.client[0] if self.client else ""
            self._guest = door.enter(address, transport.abort, self._reading)

        def connection_lost(self, exc: Exception | None) -> None:
            door.leave(self._guest)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            door.heard(self._guest)
            super().data_received(data)

        def pause_writing(self) -> None:
            door.stall(self._guest)
            super().pause_writing()

        def resume_writing(self) -> None:
            door.flow(self._guest)
            super().resume_writing()

        def _reading(self) -> bool:
            return self.cycle is not None and self.cycle.more_body

        async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
            mark(scope, door, self._guest)
            door.begin(self._guest)
            try:
                await self._inner(scope, receive, send)
            finally:
                door.finish(self._guest)

    return Connection
