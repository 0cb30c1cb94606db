"""One connection that carries all calls to an instance, for threads.

Replies are told apart by the sequence id of their TTHeader. There is no thread for reading: of the
calls that wait for a reply, one leads. It reads for all of them until its own reply is here, and
then lets another one lead (the leader/followers pattern; Schmidt et al., 2000).
"""

import contextlib
import select
import socket
import ssl
import threading
import time

from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.dial import connect
from pie.rpc.client.exclusive import patience, says_closing
from pie.rpc.client.link import Target
from pie.rpc.wire.refusal import (
    Stale,
    deadline_passed,
    no_reply,
    not_sent,
    refused_from,
)
from pie.thrift import Frame, FrameError, FrameSplitter

_CHUNK = 64 << 10
_WANT_READ = (BlockingIOError, ssl.SSLWantReadError)


class _Reply:
    """What one call waits for."""

    __slots__ = ("frame", "position", "waits", "wakened", "woken")

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.position = 0
        """Bytes of the stream before its request, one more for the handshake."""
        self.waits = False
        self.woken = False
        self.wakened = threading.Lock()
        self.wakened.acquire()


class SharedConnection:
    """A connected socket with many calls in flight.

    What a call does not wait for any longer is dropped when it comes. When the stream ends, all
    calls in flight end with it.
    """

    def __init__(self, sock: socket.socket, target: Target) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._plain = target.link.tls is None
        self._io = threading.Lock()
        """Around each read or write, neither of which blocks: OpenSSL allows one at a time."""
        self._writing = threading.Lock()
        self._unsent = bytearray()
        self._sent = 1
        self._splitter = FrameSplitter()
        self._lock = threading.Lock()
        """Around all that follows."""
        self._waiting: dict[int, _Reply] = {}
        self._led = False
        self._ended: Exception | None = None
        self._refused_at: int | None = None
        self._retired = False
        self._heard = 0.0

    def exchange(self, call: Call, request: bytes, seqid: int, *, oneway: bool) -> Frame | None:
        """Send a request and wait for its reply, no longer than the call's deadline.

        Raises:
            Failure: ``never_sent`` when the peer cannot have got the request.
            Stale: the same, of a connection that had been used before.
        """
        mine = _Reply()
        with self._lock:
            if self._ended is not None:
                raise Stale
            self._waiting[seqid] = mine
        try:
            self._send(call, request, mine)
            return None if oneway else self._receive(call, mine)
        finally:
            self._leave(seqid)

    def is_usable(self, oldest: float) -> bool:
        """Whether a call may be made: open, not to be left, not idle since before ``oldest``."""
        with self._lock:
            if self._ended is not None or self._retired:
                return False
            if self._waiting or self._led:
                return True
            if self._heard and self._heard < oldest:
                self._retired = True
                return False
            self._led = True
        try:
            self._read_available()
        finally:
            with self._lock:
                self._led = False
                self._wake_one()
        return self._ended is None and not self._retired

    def retire(self) -> None:
        """Take no more calls; close when the last one has ended."""
        with self._lock:
            self._retired = True
            idle = not self._waiting
        if idle:
            self.close()

    def close(self) -> None:
        """Close this process's end."""
        self._sock.close()

    def _send(self, call: Call, request: bytes, mine: _Reply) -> None:
        left = remaining(call)
        if not self._writing.acquire(timeout=-1 if left is None else left):
            raise deadline_passed(call, "sending the request", never_sent=True)
        mine.position = self._sent
        unsent = False
        try:
            self._flush(call)
            self._unsent += request
            self._sent += len(request)
            unsent = True
            self._flush(call)
        except TimeoutError:
            if unsent and self._plain and len(self._unsent) == len(request):
                self._unsent.clear()
                self._sent = mine.position
                unsent = False
            raise deadline_passed(call, "sending the request", never_sent=not unsent) from None
        except OSError as error:
            self._end(error)
            raise self._not_sent(call, error) from None
        finally:
            self._writing.release()

    def _flush(self, call: Call) -> None:
        """Send what waits to be sent: part of an earlier request too, whose call has given up."""
        while self._unsent:
            try:
                with self._io:
                    count = self._sock.send(self._unsent)
                del self._unsent[:count]
            except ssl.SSLWantReadError:
                self._poll(call, select.POLLIN)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._poll(call, select.POLLOUT)

    def _receive(self, call: Call, mine: _Reply) -> Frame:
        sent = time.monotonic()
        try:
            while (frame := self._wait(call, mine)) is None:
                pass
        except TimeoutError:
            if self._heard < sent:
                self._retired = True  # Nothing came at all: it may be dead.
            raise deadline_passed(call, "waiting for the reply") from None
        return frame

    def _wait(self, call: Call, mine: _Reply) -> Frame | None:
        """The reply, if it came while this call led or slept."""
        with self._lock:
            if mine.frame is not None:
                return mine.frame
            if self._ended is not None:
                raise self._lost(call, mine)
            mine.waits, mine.woken = True, False
            lead = not self._led
            self._led = self._led or lead
        if lead:
            try:
                self._lead(call, mine)
            finally:
                with self._lock:
                    self._led = False
        else:
            left = patience(call)
            mine.wakened.acquire(timeout=-1 if left is None else left)
        return mine.frame

    def _lead(self, call: Call, mine: _Reply) -> None:
        """Read for everybody until the own reply is here or the stream ends."""
        while mine.frame is None and self._ended is None:
            if not self._read_available(call):
                self._poll(call, select.POLLIN)

    def _read_available(self, call: Call | None = None) -> bool:
        """Read once; False if nothing is there."""
        try:
            with self._io:
                data = self._sock.recv(_CHUNK)
        except _WANT_READ:
            return False
        except ssl.SSLWantWriteError:
            return False  # Only while keys are renewed; the next write sees to it.
        except OSError as error:
            self._end(error)
            return True
        if not data:
            self._end(ConnectionResetError("closed before the reply was complete"), call)
            return True
        self._heard = time.monotonic()
        try:
            self._splitter.feed(data)
            while (frame := self._splitter.take()) is not None:
                self._hand_over(frame)
        except FrameError as error:
            self._end(error)
        return True

    def _hand_over(self, frame: Frame) -> None:
        with self._lock:
            self._retired = self._retired or says_closing(frame)
            reply = self._waiting.get(frame.header.seqid) if frame.header is not None else None
            if reply is not None:
                reply.frame = frame
                self._wake(reply)

    def _end(self, error: Exception, eof_of: Call | None = None) -> None:
        """No more can be read or written: all that wait are told."""
        refused_at = None
        if eof_of is not None and self._plain:
            with self._lock:
                latest = max((each.position for each in self._waiting.values()), default=-1)
            refused_at = refused_from(self._sock, eof_of, latest)
        with self._lock:
            if self._ended is None:
                self._ended, self._refused_at = error, refused_at
            for each in self._waiting.values():
                self._wake(each)

    def _lost(self, call: Call, mine: _Reply) -> Exception:
        if self._refused_at is not None and self._refused_at <= mine.position:
            return self._not_sent(call, "it closed at once")
        return no_reply(call, self._ended)

    def _not_sent(self, call: Call, why: object) -> Exception:
        return Stale() if self._heard else not_sent(call, why)

    def _leave(self, seqid: int) -> None:
        with self._lock:
            self._waiting.pop(seqid, None)
            if not self._led:
                self._wake_one()
            close = (self._retired or self._ended is not None) and not self._waiting
        if close:
            self.close()

    def _wake_one(self) -> None:
        """Let another call lead; under the lock."""
        for each in self._waiting.values():
            if each.waits and each.frame is None:
                self._wake(each)
                return

    @staticmethod
    def _wake(reply: _Reply) -> None:
        """Under the lock, so that no reply is wakened twice."""
        if reply.waits and not reply.woken:
            reply.woken = True
            reply.wakened.release()

    def _poll(self, call: Call, events: int) -> None:
        """Wait for the socket.

        Raises:
            TimeoutError: the deadline passed.
        """
        left = patience(call)
        poll = select.poll()
        poll.register(self._sock, events)
        if not poll.poll(None if left is None else left * 1000 + 1):
            raise TimeoutError


class SharedInstance:
    """The one connection to an instance, made anew when it has ended."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._dialing = threading.Lock()
        self._connection: SharedConnection | None = None
        self.wanted = time.monotonic()

    def exchange(self, call: Call, request: bytes, seqid: int, *, oneway: bool) -> Frame | None:
        """Send a request and return its reply; None if it is oneway.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        while True:
            try:
                return self._take(call).exchange(call, request, seqid, oneway=oneway)
            except Stale:
                call.notes.append(Stale.note)

    def sweep(self, now: float) -> bool:
        """Close the connection if it is of no more use; True if the instance is of none, too."""
        connection = self._connection
        if connection is not None and not connection.is_usable(self._oldest(now)):
            self._connection = None
            connection.retire()
        return self._connection is None and self.wanted < self._oldest(now)

    def close(self) -> None:
        """Take no more calls on the connection; it ends with the last one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.retire()

    def abandon(self) -> None:
        """In a forked child: close this process's copy; the parent's connection lives on."""
        if self._connection is not None:
            self._connection.close()

    def _oldest(self, now: float) -> float:
        return now - self._target.link.limits.idle_seconds

    def _take(self, call: Call) -> SharedConnection:
        oldest = self._oldest(time.monotonic())
        connection = self._connection
        if connection is not None and connection.is_usable(oldest):
            return connection
        left = remaining(call)
        if not self._dialing.acquire(timeout=-1 if left is None else left):
            raise deadline_passed(call, f"connecting to {call.peer}", never_sent=True)
        try:
            if self._connection is not None and self._connection is not connection:
                return self._connection
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.retire()
            self._connection = SharedConnection(connect(call, self._target), self._target)
            return self._connection
        finally:
            self._dialing.release()
