"""A client's connection on an event loop: one call at a time on it, or many."""

import asyncio
import select
from typing import cast

from pie.model import Call
from pie.rpc.client.dial import connect_failure, connect_patience
from pie.rpc.client.exclusive import patience, says_closing
from pie.rpc.client.link import Target, server_name, tls_context
from pie.rpc.wire.refusal import (
    Stale,
    deadline_passed,
    may_be_refused,
    no_reply,
    not_sent,
    proven_refused_from,
    refusal_wait,
)
from pie.thrift import Frame, FrameError, FrameSplitter

_LOOK_SECONDS = 0.001


class AsyncConnection(asyncio.Protocol):
    """A connected socket. What no call waits for any longer is dropped when it comes, if the
    connection is shared; otherwise it closes the connection."""

    def __init__(self, target: Target) -> None:
        self._shared = target.link.multiplex
        self._plain = target.link.tls is None
        self._splitter = FrameSplitter()
        self._waiting: dict[int, asyncio.Future[Frame | None]] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self._sent = 1
        self._ended: Exception | None = None
        self._refused_from: int | None = None
        self._heard = 0.0
        self._surplus = False
        self.retired = False
        """Takes no more calls."""
        self.idle_since = 0.0

    async def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Frame | None:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the request.
            Stale: the same, of a connection that had been used before.
        """
        if self._ended is not None:
            raise Stale
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Frame | None] = loop.create_future()
        self._waiting[seqid] = reply
        if not self._shared:
            self.retired = True  # Until it ends well.
        begun, position = loop.time(), self._sent
        sending = True
        try:
            async with asyncio.timeout(patience(call)):
                await self._write(call, request)
                sending = False
                frame = None if oneway else await reply
        except TimeoutError:
            self.retired = self.retired or self._heard < begun  # Nothing at all came: is it dead?
            doing = "sending the request" if sending else "waiting for the reply"
            never_sent = sending and (not self._shared or position == self._sent)
            raise deadline_passed(call, doing, never_sent=never_sent) from None
        finally:
            del self._waiting[seqid]
            self.idle_since = loop.time()
        if frame is None and not oneway:
            raise await self._lost(call, position)
        if not self._shared:
            # Bytes behind the reply were never asked for: the stream is out of step.
            out_of_step = self._ended is not None or self._splitter.pending > 0 or self._surplus
            self.retired = out_of_step or (frame is not None and says_closing(frame))
        return frame

    def is_usable(self, oldest: float) -> bool:
        """Whether a call may be made: open, wanted by the peer, not idle since before ``oldest``
        (loop time)."""
        if self.retired or self._ended is not None or self._transport.is_closing():
            return False
        if self._waiting:
            return True
        return self.idle_since >= oldest and not self._is_readable()

    def is_idle(self) -> bool:
        """Whether no call is in flight on it."""
        return not self._waiting

    def close(self) -> None:
        """Close it, and drop what was not sent yet."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Told whenever something waits to be sent; 0 would stop TLS, which compares with >=.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._socket = transport.get_extra_info("socket")
        self.idle_since = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        try:
            self._splitter.feed(data)
            while (frame := self._splitter.take()) is not None:
                self._hand_over(frame)
        except FrameError as error:
            self._end(error)

    def eof_received(self) -> bool:
        """True keeps the socket until a refusal of what was sent has been looked for."""
        self._end(ConnectionResetError("closed before the reply was complete"))
        return self._plain and bool(self._waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._plain and isinstance(exc, BrokenPipeError):  # Written to behind FIN and RST.
            self._refused_from = proven_refused_from(self._socket)
        self._end(exc or ConnectionResetError("closed before the reply was complete"))
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def _write(self, call: Call, request: bytes) -> None:
        await self._writable.wait()
        if self._ended is not None or self._transport.is_closing():
            raise self._not_sent(call, self._ended)
        self._transport.write(request)
        if self._transport.is_closing():  # The kernel did not take it.
            raise self._not_sent(call, "it is closed")
        self._sent += len(request)
        await self._writable.wait()

    def _hand_over(self, frame: Frame) -> None:
        self.retired = self.retired or says_closing(frame)
        if self._shared:
            reply = self._waiting.get(frame.header.seqid) if frame.header is not None else None
        else:
            reply = next(iter(self._waiting.values()), None)
        if reply is not None and not reply.done():
            reply.set_result(frame)
        elif not self._shared:
            self._surplus = self.retired = True

    def _end(self, error: Exception) -> None:
        """No more can be read: all that wait are told."""
        self._ended = self._ended or error
        self.retired = True
        for each in self._waiting.values():
            if not each.done():
                each.set_result(None)

    async def _lost(self, call: Call, position: int) -> Exception:
        """What a call is told that got no reply."""
        if self._refused_from is None and self._plain and not self._splitter.pending:
            await self._look_for_refusal(call, position)
        if self._refused_from is not None and self._refused_from <= position:
            return self._not_sent(call, "it closed at once")
        return no_reply(call, self._ended)

    async def _look_for_refusal(self, call: Call, position: int) -> None:
        """Wait for the RST that may follow the FIN."""
        end = asyncio.get_running_loop().time() + refusal_wait(call)
        while not self._transport.is_closing() and may_be_refused(self._socket, position):
            self._refused_from = proven_refused_from(self._socket)
            if self._refused_from is not None or asyncio.get_running_loop().time() >= end:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def _not_sent(self, call: Call, why: object) -> Exception:
        return Stale() if self._heard else not_sent(call, why)

    def _is_readable(self) -> bool:
        """Whether something nobody asked for, or the end, is there and not seen by the loop yet."""
        if self._shared:
            return False  # Late replies, most likely; the loop will see.
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(0))


async def connect_async(call: Call, target: Target) -> AsyncConnection:
    """A new connection.

    Raises:
        Failure: there is none to be had; nothing was sent.
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
