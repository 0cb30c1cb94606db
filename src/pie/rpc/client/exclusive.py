"""A client's connection that carries one call at a time, for threads."""

import os
import select
import socket
import struct
import time
from typing import TYPE_CHECKING

from pie._core import native
from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.link import Target
from pie.rpc.wire.refusal import Stale, deadline_passed, no_reply, not_sent, refused_from
from pie.thrift import CRRST, Frame, FrameError, FrameSplitter

LOOK_AFTER_SECONDS = 0.0
"""An idle connection is looked at before it is used, if it was idle for so long."""

RECEIVE_TIMEOUT = struct.pack("ll", 0, 20_000)
"""Of the socket, in seconds and microseconds."""

_CHUNK = 64 << 10
NOT_SENT, LATE_TO_SEND, LATE, CLOSED, FAILED, ODD = range(1, 7)
"""How an exchange in C ended: ``exchange.h``."""


class ConnectionState:
    """A connection as far as C uses it. Twin: ``connection_state.c``."""

    __slots__ = ("fd", "idle_since", "reusable", "sent", "used")

    fd: int
    sent: int
    """Bytes sent, 1 for the handshake among them; -1 if that is not known."""
    used: bool
    reusable: bool
    idle_since: float


State = ConnectionState
if not TYPE_CHECKING and native is not None:
    State = native.ConnectionState


class ClientConnection(State):
    """A connected socket. After any failure it is closed and of no use."""

    __slots__ = ("_sock", "_splitter")

    def __init__(self, sock: socket.socket, target: Target) -> None:
        if native is not None and target.link.tls is None:
            # For the fast path in C: recv itself waits for the usual reply.
            sock.setblocking(True)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, RECEIVE_TIMEOUT)
        self._sock = sock
        self._splitter = FrameSplitter()
        self.fd = sock.fileno()
        self.sent = 1 if target.link.tls is None else -1
        self.used = False
        self.reusable = True
        self.idle_since = 0.0

    def exchange(self, call: Call, request: bytes, *, oneway: bool) -> Frame | None:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the whole request.
            Stale: the same, of a connection that had been used before.
        """
        reused, self.used, self.reusable = self.used, True, False
        self._send(call, request, reused)
        frame = None if oneway else self._receive(call, reused)
        if self.sent > 0:
            self.sent += len(request)
        # Bytes behind the reply were never asked for: the stream is out of step.
        self.reusable = not self._splitter.pending and (frame is None or not says_closing(frame))
        return frame

    def conclude(self, call: Call, end: int, error: int, came: bytes, reused: bool) -> Frame:
        """Go on where an exchange in C ended otherwise than with a whole frame of a usual form.

        Args:
            call: that is made.
            end: one of the numbers above.
            error: the errno, where the system failed.
            came: what had been received.
            reused: the connection had been used before.

        Raises:
            Failure, Stale: as ``exchange``.
        """
        self._splitter.feed(came)
        if end == NOT_SENT:
            raise self._unsent(call, OSError(error, os.strerror(error)), reused)
        if end == LATE_TO_SEND:
            raise deadline_passed(call, "sending the request", never_sent=True)
        if end == LATE:
            raise deadline_passed(call, "waiting for the reply")
        if end == CLOSED:
            raise self._closed(call, reused)
        if end == FAILED:
            raise self._failed(call, OSError(error, os.strerror(error)), reused)
        return self._receive(call, reused)

    def is_fresh(self, oldest: float) -> bool:
        """Whether an idle connection may be used: not idle since before ``oldest``, not closed,
        nothing unasked to read."""
        if self.idle_since < oldest:
            return False
        if time.monotonic() - self.idle_since < LOOK_AFTER_SECONDS:
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._sock.close()

    def _send(self, call: Call, request: bytes, reused: bool) -> None:
        try:
            self._sock.settimeout(patience(call))
            self._sock.sendall(request)
        except TimeoutError:
            raise deadline_passed(call, "sending the request", never_sent=True) from None
        except OSError as error:
            raise self._unsent(call, error, reused) from None

    def _receive(self, call: Call, reused: bool) -> Frame:
        try:
            while (frame := self._splitter.take()) is None:
                self._sock.settimeout(patience(call))
                try:
                    data = self._sock.recv(_CHUNK)
                except BlockingIOError:
                    continue  # A call without a deadline, after RECEIVE_TIMEOUT.
                if not data:
                    raise self._closed(call, reused)
                self._splitter.feed(data)
        except TimeoutError:
            raise deadline_passed(call, "waiting for the reply") from None
        except FrameError as error:
            raise no_reply(call, error) from None
        except OSError as error:
            raise self._failed(call, error, reused) from None
        return frame

    def _unsent(self, call: Call, error: object, reused: bool) -> Exception:
        return Stale() if reused else not_sent(call, error)

    def _closed(self, call: Call, reused: bool) -> Exception:
        """The peer has closed before the whole reply was here."""
        if not self._splitter.pending:
            place = refused_from(self._sock, call, self.sent)
            if place is not None and place <= self.sent:
                return self._unsent(call, "it closed at once", reused)
        return no_reply(call, "closed before the reply was complete")

    def _failed(self, call: Call, error: OSError, reused: bool) -> Exception:
        """Receiving has failed. A unix socket is reset where bytes in it were never read."""
        unread = self._sock.family == socket.AF_UNIX and isinstance(error, ConnectionResetError)
        if unread and self.sent > 0 and not self._splitter.pending:
            return self._unsent(call, error, reused)
        return no_reply(call, error)


def patience(call: Call) -> float | None:
    """Seconds a socket may wait.

    Raises:
        TimeoutError: none.
    """
    left = remaining(call)
    if left is not None and left <= 0:
        raise TimeoutError
    return left


def says_closing(frame: Frame) -> bool:
    """The peer asks for another connection from now on."""
    return frame.header is not None and CRRST in frame.header.strings
