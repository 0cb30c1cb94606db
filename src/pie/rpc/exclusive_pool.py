"""The connections to one instance that carry one call at a time each, for threads."""

import threading
import time
from collections import deque

from pie.govern import remaining
from pie.model import Call
from pie.rpc.conversation import answers
from pie.rpc.dial import connect
from pie.rpc.exclusive import ClientConnection
from pie.rpc.link import Target
from pie.rpc.refusal import SENT_AGAIN, Stale, all_busy
from pie.thrift import Frame


class _Waiter:
    """A call that waits for a connection: it gets one, or the right to make one."""

    __slots__ = ("connection", "served", "wakened")

    def __init__(self) -> None:
        self.wakened = threading.Lock()
        self.wakened.acquire()
        self.served = False
        self.connection: ClientConnection | None = None


class InstancePool:
    """The connections to one instance: made when needed, kept while idle, never too many.

    Whoever waits is served in the order of coming.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._limits = target.link.limits
        self._lock = threading.Lock()
        self._idle: list[ClientConnection] = []
        self._waiting: deque[_Waiter] = deque()
        self._open = 0
        self.wanted = time.monotonic()
        """When somebody last asked for this pool."""

    def exchange(self, call: Call, request: bytes, seqid: int, *, oneway: bool) -> Frame | None:
        """Send a request on a connection and return its reply; None if it is oneway.

        A connection that turns out to have been closed before is replaced by another one.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        while True:
            connection = self._take(call)
            try:
                frame = connection.exchange(call, request, oneway=oneway)
                if frame is not None and not answers(frame, seqid):
                    connection.reusable = False  # Out of step: it would spoil the next call, too.
                return frame
            except Stale:
                call.notes.append(SENT_AGAIN)
            finally:
                self._give_back(connection)

    def _take(self, call: Call) -> ClientConnection:
        """An idle connection that is still good, or a new one.

        Raises:
            Failure: there is none to be had before the call's deadline; nothing was sent.
        """
        oldest = time.monotonic() - self._limits.idle_seconds
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
                waiter = None
                if connection is None:
                    if self._open < self._limits.max_connections:
                        self._open += 1
                    else:
                        waiter = _Waiter()
                        self._waiting.append(waiter)
            if waiter is not None:
                connection = self._wait(call, waiter)
            if connection is None:
                return self._make(call)
            if connection.is_fresh(oldest):
                return connection
            self._discard(connection)

    def _give_back(self, connection: ClientConnection) -> None:
        """Hand a connection to the next call, keep it, or close it if it is of no more use."""
        if not connection.reusable:
            self._discard(connection)
            return
        connection.idle_since = time.monotonic()
        with self._lock:
            if self._serve_next(connection):
                return
            if len(self._idle) < self._limits.max_idle:
                self._idle.append(connection)
                return
        self._discard(connection)

    def sweep(self, now: float) -> bool:
        """Close what is idle and no longer good; True if the pool itself is of no more use."""
        with self._lock:
            idle, self._idle = self._idle, []
        oldest = now - self._limits.idle_seconds
        kept = []
        for each in idle:
            if each.is_fresh(oldest):
                kept.append(each)
            else:
                self._discard(each)
        with self._lock:
            self._idle = kept + self._idle
            while self._idle and self._waiting:
                self._serve_next(self._idle.pop())
            return not self._open and self.wanted < oldest

    def close(self) -> None:
        """Close everything that is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            self._discard(each)

    def abandon(self) -> None:
        """In a forked child: close this process's copies; the parent's connections live on."""
        for each in self._idle:
            each.close()

    def _make(self, call: Call) -> ClientConnection:
        try:
            return ClientConnection(connect(call, self._target), self._target)
        except BaseException:
            self._allow_another()
            raise

    def _discard(self, connection: ClientConnection) -> None:
        connection.close()
        self._allow_another()

    def _allow_another(self) -> None:
        with self._lock:
            if not self._serve_next(None):
                self._open -= 1

    def _serve_next(self, connection: ClientConnection | None) -> bool:
        """Give the first who waits a connection, or the place of one; under the lock."""
        if not self._waiting:
            return False
        waiter = self._waiting.popleft()
        waiter.connection, waiter.served = connection, True
        waiter.wakened.release()
        return True

    def _wait(self, call: Call, waiter: _Waiter) -> ClientConnection | None:
        """The connection that came free, or None: this call may make one."""
        left = remaining(call)
        try:
            waiter.wakened.acquire(timeout=-1 if left is None else left)
        except BaseException:
            self._give_up(waiter)
            raise
        if waiter.served:
            return waiter.connection
        self._give_up(waiter)
        raise all_busy(call, self._limits.max_connections)

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.served:
                self._waiting.remove(waiter)
                return
        if waiter.connection is not None:
            self._give_back(waiter.connection)
        else:
            self._allow_another()
