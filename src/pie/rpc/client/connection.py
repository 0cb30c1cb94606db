"""One connection of a client, without I/O: its requests in flight, what came back, how it ended.

``Connection.exchange`` is the course of a request and its reply, for all kinds of connections.
Those for threads (``exclusive``, ``multiplex``) and for coroutines (``async_connection``) add the
operations that it asks for: ``send``, ``receive``, ``await_refusal``.
"""

import select
import time
from typing import TYPE_CHECKING, Any, ClassVar

from pie._core import native
from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.link import Target
from pie.rpc.client.steps import Steps
from pie.rpc.wire.conversation import answers_other
from pie.rpc.wire.refusal import Stale, deadline_passed, no_reply, not_sent
from pie.thrift import CRRST, Frame, FrameError, FrameSplitter

_MOST_UNANSWERED = 15
LOOK_AFTER_SECONDS = 0.0
"""A connection is polled before it is used if it was idle for so long."""


class Closed(ConnectionError):
    """The peer closed its direction before a reply was complete."""

    def __init__(self) -> None:
        super().__init__("closed before the reply was complete")


class ConnectionState:
    """A connection as far as C uses it. Twin: ``connection_state.c``."""

    __slots__ = ("fd", "idle_since", "reusable", "sent", "unanswered", "used")

    fd: int
    sent: int
    """Bytes sent, 1 for the handshake among them; -1 if that is not known."""
    used: bool
    """An exchange on it has ended well."""
    reusable: bool
    """The next call may use it, once this one has given it back."""
    idle_since: float
    unanswered: list[tuple[int, str]] | None
    """Sequence ids and methods of the oneway calls made since the latest reply; None = none. A peer
    may answer such a call after all, where it cannot serve it."""


State = ConnectionState
if not TYPE_CHECKING and native is not None:
    State = native.ConnectionState


class Pending:
    """A request in flight."""

    __slots__ = ("begins", "call", "frame", "partly_sent", "sent_at")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.frame: Frame | None = None
        """The reply, when it is here."""
        self.begins = -1
        """``ConnectionState.sent`` before the request."""
        self.partly_sent = False
        """Part of the request may have gone out, and the rest may still follow it."""
        self.sent_at = 0.0


class Connection(State):
    """The state of a connection, without the means to read and write it.

    A connection that is not shared carries one call at a time; its calls find it in a pool. A
    shared one carries many, whose replies are recognised by the sequence id of their headers.
    """

    pending_type: ClassVar[type[Pending]] = Pending
    """A subclass adds what ``receive`` and ``wake`` need."""

    def __init__(self, target: Target) -> None:
        self.fd = -1
        self.sent = 1 if target.link.tls is None else -1
        self.used = False
        self.reusable = True
        self.idle_since = time.monotonic()
        self.unanswered = None
        self.shared = target.link.multiplex
        self._keeps_quiet = target.keeps_quiet
        self.closing = False
        """It takes no further calls."""
        self.ended: Exception | None = None
        """Why no more can be read."""
        self.refused_from: int | None = None
        """Nothing of the stream from this byte on reached the peer; None = that is not proven."""
        self.waiting: dict[int, Pending] = {}
        self._heard = 0.0
        self._splitter = FrameSplitter()
        self._unix = bool(target.path)

    # --- Operations that a subclass adds; an asynchronous one returns what can be awaited. ---

    def send(self, pending: Pending, request: bytes) -> Any:
        """Send a request and ``count`` it.

        Raises:
            TimeoutError: not all of it could be sent before the call's deadline.
            OSError: the connection takes no more.
        """
        raise NotImplementedError

    def receive(self, pending: Pending) -> Any:
        """Wait until ``received`` or ``end`` was called, for whichever request.

        Raises:
            TimeoutError: the call's deadline passed.
        """
        raise NotImplementedError

    def await_refusal(self, pending: Pending) -> Any:
        """Wait for the RST that may follow the FIN, and set ``refused_from``."""
        raise NotImplementedError

    def close(self) -> None:
        """Close this process's end."""
        raise NotImplementedError

    def wake(self, pending: Pending) -> None:
        """Something has come for a request that ``receive`` may be waiting for."""

    # --- The exchange. ---

    def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Steps[Frame | None]:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the whole request.
            Stale: the same, of a connection that had been used before.
        """
        pending = self._join(call, seqid)
        try:
            try:
                yield self.send, pending, request
            except TimeoutError:
                never = not pending.partly_sent
                raise deadline_passed(call, "sending the request", never_sent=never) from None
            except OSError as error:
                raise self.unsent(call, error) from None
            pending.sent_at = time.monotonic()
            frame = None if oneway else (yield from self.reply(pending))
            self.used = True
            # Bytes behind the reply belong to no request: the stream is out of step.
            self.reusable = self.shared or not (self.closing or self._splitter.pending)
            if oneway:
                self._note_unanswered(seqid, call.method)
            return frame
        finally:
            self._leave(seqid)

    def reply(self, pending: Pending) -> Steps[Frame]:
        """Wait for the reply to a request that was sent. Raises as ``exchange``."""
        call = pending.call
        try:
            while pending.frame is None:
                if self.ended is not None:
                    raise (yield from self._lost(pending))
                yield self.receive, pending
        except TimeoutError:
            if self._heard < pending.sent_at:
                self.closing = True  # Nothing came at all: the peer may be dead.
            raise deadline_passed(call, "waiting for the reply") from None
        return pending.frame

    def count(self, pending: Pending, size: int) -> None:
        """The bytes of a request go out."""
        pending.begins = self.sent
        if self.sent > 0:
            self.sent += size

    def received(self, data: bytes) -> None:
        """Take what came, and give each whole frame to the request that it answers."""
        self._heard = time.monotonic()
        try:
            self._splitter.feed(data)
            while (frame := self._splitter.take()) is not None:
                self._deliver(frame)
        except FrameError as error:
            self.end(error)

    def end(self, error: Exception) -> None:
        """No more can be read: wake every request that waits."""
        self.ended = self.ended or error
        self.closing = True
        for each in self.waiting.values():
            self.wake(each)

    def unsent(self, call: Call, why: object) -> Exception:
        """The error of a request that certainly did not reach the peer."""
        return Stale() if self.used else not_sent(call, why)

    def retire(self) -> None:
        """Take no more calls; close when the last one has ended."""
        self.closing = True
        if not self.waiting:
            self.close()

    # --- Whether the next call may use it. ---

    def is_fresh(self, oldest: float) -> bool:
        """Whether an idle connection that is not shared may be used: idle since ``oldest`` or
        later (monotonic seconds), not closed, and nothing to read that no call asked for."""
        if self.closing or self.idle_since < oldest:
            return False
        if time.monotonic() - self.idle_since < LOOK_AFTER_SECONDS:
            return True
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not poll.poll(0)

    def is_usable(self, oldest: float) -> bool:
        """Whether a shared connection may be used: open, and busy or idle since ``oldest`` or
        later."""
        return not self.closing and (bool(self.waiting) or self.idle_since >= oldest)

    # --- Parts of the above. ---

    def _note_unanswered(self, seqid: int, method: str) -> None:
        """A oneway call was made. A peer that answers it nevertheless, with an error, may also
        close the connection then: no other call may use it, unless the peer is known not to."""
        self.reusable = self.reusable and (self.shared or self._keeps_quiet)
        self.unanswered = [*(self.unanswered or [])[-_MOST_UNANSWERED:], (seqid, method)]

    def _join(self, call: Call, seqid: int) -> Pending:
        if self.ended is not None:
            raise self.unsent(call, self.ended)
        pending = self.waiting[seqid] = self.pending_type(call)
        self.reusable = self.shared  # Until the exchange has ended well.
        return pending

    def _leave(self, seqid: int) -> None:
        del self.waiting[seqid]
        self.idle_since = time.monotonic()
        if self.shared and self.closing and not self.waiting:
            self.close()

    def _deliver(self, frame: Frame) -> None:
        if frame.header is not None and CRRST in frame.header.strings:
            self.closing = True
        if not self.shared:
            seqid, pending = next(iter(self.waiting.items()), (0, None))
            if pending is None or pending.frame is not None:
                self.closing = True  # No request asked for it: the stream is out of step.
                return
            if answers_other(frame, seqid, self.unanswered or ()):
                self.closing = True
                return
            self.unanswered = None  # Replies come in the order of requests.
        else:
            pending = self.waiting.get(frame.header.seqid) if frame.header is not None else None
        if pending is not None:  # Else its call has given up.
            pending.frame = frame
            self.wake(pending)

    def _lost(self, pending: Pending) -> Steps[Exception]:
        """The error of a request whose connection ended before its reply was here."""
        call, error = pending.call, self.ended
        provable = pending.begins > 0 and not self._splitter.pending
        if provable and isinstance(error, Closed) and self.refused_from is None:
            yield self.await_refusal, pending
        if self.refused_from is not None and self.refused_from <= pending.begins:
            return self.unsent(call, "it closed at once")
        # A unix socket is reset where bytes in it were never read.
        if provable and self._unix and not self.shared and isinstance(error, ConnectionResetError):
            return self.unsent(call, error)
        return no_reply(call, error)


def patience(call: Call) -> float | None:
    """Seconds that an operation of a call may wait; None = as long as it takes.

    Raises:
        TimeoutError: none.
    """
    left = remaining(call)
    if left is not None and left <= 0:
        raise TimeoutError
    return left
