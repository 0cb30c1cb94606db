"""A client's connection on an event loop: one call at a time on it, or many."""

import asyncio
import time
from typing import cast

from pie.model import Call
from pie.rpc.client.connection import Closed, Connection, Pending, patience
from pie.rpc.client.dial import connect_failure, connect_patience
from pie.rpc.client.link import Target, server_name, tls_context
from pie.rpc.wire.refusal import may_be_refused, proven_refused_from, refusal_wait

_LOOK_SECONDS = 0.001


class _Waiting(Pending):
    """A request in flight whose coroutine awaits a future."""

    __slots__ = ("woken",)

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class AsyncConnection(Connection, asyncio.Protocol):
    """A connected socket of an event loop."""

    pending_type = _Waiting

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._writable = asyncio.Event()
        self._writable.set()

    async def send(self, pending: Pending, request: bytes) -> None:
        patience(pending.call)
        await self._until_writable(pending.call)
        if self.ended is not None or self._transport.is_closing():
            raise ConnectionError(str(self.ended))
        self._transport.write(request)
        if self._transport.is_closing():  # The kernel did not take it.
            raise ConnectionError("it is closed")
        self.count(pending, len(request))
        pending.partly_sent = self.shared
        await self._until_writable(pending.call)

    async def receive(self, pending: Pending) -> None:
        assert isinstance(pending, _Waiting)
        async with asyncio.timeout(patience(pending.call)):
            await pending.woken

    async def await_refusal(self, pending: Pending) -> None:
        end = time.monotonic() + refusal_wait(pending.call)
        while not self._transport.is_closing() and may_be_refused(self._socket, pending.begins):
            self.refused_from = proven_refused_from(self._socket)
            if self.refused_from is not None or time.monotonic() >= end:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def wake(self, pending: Pending) -> None:
        assert isinstance(pending, _Waiting)
        if not pending.woken.done():
            pending.woken.set_result(None)

    def close(self) -> None:
        """Close it, and drop what was not sent yet."""
        self._transport.abort()

    def is_fresh(self, oldest: float) -> bool:
        return not self._transport.is_closing() and super().is_fresh(oldest)

    def is_usable(self, oldest: float) -> bool:
        return not self._transport.is_closing() and super().is_usable(oldest)

    # --- Called by the event loop. ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Calls pause_writing whenever something waits to be sent; 0 would stop TLS, which compares
        # with >=.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._socket = transport.get_extra_info("socket")
        self.fd = self._socket.fileno()

    def data_received(self, data: bytes) -> None:
        self.received(data)

    def eof_received(self) -> bool:
        """True keeps the socket, so that ``await_refusal`` can look at it."""
        self.end(Closed())
        return self.sent > 0 and bool(self.waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.sent > 0 and isinstance(exc, BrokenPipeError):  # Written to behind FIN and RST.
            self.refused_from = proven_refused_from(self._socket)
        self.end(exc or Closed())
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def _until_writable(self, call: Call) -> None:
        if self._writable.is_set():
            return
        try:
            async with asyncio.timeout(patience(call)):
                await self._writable.wait()
        except TimeoutError:
            if not self._writable.is_set():  # Else both happened at once.
                raise


async def connect_async(call: Call, target: Target) -> AsyncConnection:
    """A new connection.

    Raises:
        Failure: it could not be made; nothing was sent.
    """
    try:
        async with asyncio.timeout(connect_patience(call, target)):
            return await _connect(target)
    except OSError as error:
        raise connect_failure(call, error) from None


async def _connect(target: Target) -> AsyncConnection:
    loop = asyncio.get_running_loop()
    tls = target.link.tls
    context = None if tls is None else tls_context(tls)
    name = None if tls is None else server_name(target, tls)

    def make() -> AsyncConnection:
        return AsyncConnection(target)

    if target.path:
        _, made = await loop.create_unix_connection(
            make, target.path, ssl=context, server_hostname=name
        )
    else:
        _, made = await loop.create_connection(
            make, target.host, target.port, ssl=context, server_hostname=name
        )
    return made
