"""One connection that carries all calls to an instance, for threads.

There is no thread for reading: of the calls that wait for a reply, one leads. It reads for all of
them until its own reply is here, and then lets another one lead (the leader/followers pattern;
Schmidt et al., 2000).
"""

import contextlib
import select
import socket
import ssl
import threading

from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.connection import Closed, Connection, Pending, patience
from pie.rpc.client.link import Target
from pie.rpc.wire.refusal import refused_from

_CHUNK = 64 << 10
_WANT_READ = (BlockingIOError, ssl.SSLWantReadError)


class _Waiting(Pending):
    """A request in flight whose thread sleeps until another one wakes it."""

    __slots__ = ("waits", "wakened", "woken")

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.waits = False
        self.woken = False
        self.wakened = threading.Lock()
        self.wakened.acquire()


class SharedConnection(Connection):
    """A connected socket with many calls in flight.

    A reply that its call does not wait for any longer is dropped. When the stream ends, all calls
    in flight end with it.
    """

    pending_type = _Waiting
    waiting: dict[int, _Waiting]  # type: ignore[assignment]

    def __init__(self, sock: socket.socket, target: Target) -> None:
        super().__init__(target)
        sock.setblocking(False)
        self._sock = sock
        self.fd = sock.fileno()
        self._io = threading.Lock()
        """Around each read or write, neither of which blocks: OpenSSL allows one at a time."""
        self._writing = threading.Lock()
        self._unsent = bytearray()
        self._lock = threading.RLock()
        """Around the state of ``Connection``, and around ``_led``."""
        self._led = False

    def send(self, pending: Pending, request: bytes) -> None:
        call = pending.call
        left = remaining(call)
        if not self._writing.acquire(timeout=-1 if left is None else left):
            raise TimeoutError
        try:
            self._flush(call)
            pending.partly_sent = True
            self.count(pending, len(request))
            self._unsent += request
            self._flush(call)
        except TimeoutError:
            if pending.partly_sent and self.sent > 0 and len(self._unsent) == len(request):
                self._unsent.clear()
                self.sent = pending.begins
                pending.partly_sent = False
            raise
        except OSError as error:
            self.end(error)
            raise
        finally:
            self._writing.release()

    def receive(self, pending: Pending) -> None:
        """Lead, or sleep until the reply is here or it is this call's turn to lead."""
        assert isinstance(pending, _Waiting)
        with self._lock:
            if pending.frame is not None or self.ended is not None:
                return
            pending.waits, pending.woken = True, False
            lead = not self._led
            self._led = self._led or lead
        if not lead:
            left = patience(pending.call)
            pending.wakened.acquire(timeout=-1 if left is None else left)
            return
        try:
            while pending.frame is None and self.ended is None:
                if not self._read_available():
                    self._poll(pending.call, select.POLLIN)
        finally:
            with self._lock:
                self._led = False

    def await_refusal(self, pending: Pending) -> None:
        found = refused_from(self._sock, pending.call, pending.begins)
        if found is not None:
            self.refused_from = found

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.close()

    def received(self, data: bytes) -> None:
        with self._lock:
            super().received(data)

    def end(self, error: Exception) -> None:
        with self._lock:
            super().end(error)

    def wake(self, pending: Pending) -> None:
        """Under the lock, so that no request is wakened twice."""
        assert isinstance(pending, _Waiting)
        if pending.waits and not pending.woken:
            pending.woken = True
            pending.wakened.release()

    def retire(self) -> None:
        with self._lock:
            super().retire()

    def is_usable(self, oldest: float) -> bool:
        with self._lock:
            if self.closing or self.waiting or self._led:
                return not self.closing
            if self.idle_since < oldest:
                return False
            self._led = True
        try:
            self._read_available()
        finally:
            with self._lock:
                self._led = False
                self._wake_one()
        return not self.closing

    def _join(self, call: Call, seqid: int) -> Pending:
        with self._lock:
            return super()._join(call, seqid)

    def _leave(self, seqid: int) -> None:
        with self._lock:
            super()._leave(seqid)
            if not self._led:
                self._wake_one()

    def _wake_one(self) -> None:
        """Let another call lead; under the lock."""
        for each in self.waiting.values():
            if each.waits and each.frame is None:
                self.wake(each)
                return

    def _flush(self, call: Call) -> None:
        """Send the bytes that wait: of an earlier request too, whose call has given up."""
        while self._unsent:
            try:
                with self._io:
                    count = self._sock.send(self._unsent)
                del self._unsent[:count]
            except ssl.SSLWantReadError:
                self._poll(call, select.POLLIN)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._poll(call, select.POLLOUT)

    def _read_available(self) -> bool:
        """Read once; False if nothing is there."""
        try:
            with self._io:
                data = self._sock.recv(_CHUNK)
        except _WANT_READ:
            return False
        except ssl.SSLWantWriteError:
            return False  # Only while keys are renewed; the next write sees to it.
        except OSError as error:
            self.end(error)
            return True
        if data:
            self.received(data)
        else:
            self.end(Closed())
        return True

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
