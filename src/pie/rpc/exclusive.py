"""A client's connection that carries one call at a time, for threads."""

import select
import socket

from pie.govern import remaining
from pie.model import Call
from pie.rpc.link import Target
from pie.rpc.refusal import (
    Stale,
    deadline_passed,
    no_reply,
    not_sent,
    refused_from,
)
from pie.thrift import CRRST, Frame, FrameError, FrameSplitter

_CHUNK = 64 << 10


class ClientConnection:
    """A connected socket. After any failure it is closed and of no use."""

    __slots__ = ("_sent", "_sock", "_splitter", "_used", "idle_since", "reusable")

    def __init__(self, sock: socket.socket, target: Target) -> None:
        self._sock = sock
        self._splitter = FrameSplitter()
        self._sent = 1 if target.link.tls is None else -1
        self._used = False
        self.idle_since = 0.0
        self.reusable = True

    def exchange(self, call: Call, request: bytes, *, oneway: bool) -> Frame | None:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the whole request.
            Stale: the same, of a connection that had been used before.
        """
        reused, self._used, self.reusable = self._used, True, False
        self._send(call, request, reused)
        frame = None if oneway else self._receive(call, reused)
        if self._sent > 0:
            self._sent += len(request)
        # Bytes behind the reply were never asked for: the stream is out of step.
        self.reusable = not self._splitter.pending and (frame is None or not says_closing(frame))
        return frame

    def is_fresh(self, oldest: float) -> bool:
        """Whether an idle connection may be used: not idle since before ``oldest``, not closed,
        nothing unasked to read."""
        if self.idle_since < oldest:
            return False
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
            if reused:
                raise Stale from None
            raise not_sent(call, error) from None

    def _receive(self, call: Call, reused: bool) -> Frame:
        try:
            while (frame := self._splitter.take()) is None:
                self._sock.settimeout(patience(call))
                data = self._sock.recv(_CHUNK)
                if not data:
                    if not self._splitter.pending and self._was_refused(call):
                        if reused:
                            raise Stale
                        raise not_sent(call, "it closed at once")
                    raise ConnectionResetError("closed before the reply was complete")
                self._splitter.feed(data)
        except TimeoutError:
            raise deadline_passed(call, "waiting for the reply") from None
        except (OSError, FrameError) as error:
            unread = self._sock.family == socket.AF_UNIX and isinstance(error, ConnectionResetError)
            if unread and self._sent > 0 and not self._splitter.pending:
                raise Stale if reused else not_sent(call, error) from None
            raise no_reply(call, error) from None
        return frame

    def _was_refused(self, call: Call) -> bool:
        """Asked when the peer has closed and nothing came from it."""
        place = refused_from(self._sock, call, self._sent)
        return place is not None and place <= self._sent


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
