"""The connections to one instance that carry one call at a time each, for threads.

The client's fast path in C (``attempt.c``) takes idle connections and gives them back by itself,
while no Python runs but not under the lock; so each step here that looks at ``idle`` is one step.
"""

import threading
import time
from collections import deque

from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.dial import connect
from pie.rpc.client.exclusive import ClientConnection
from pie.rpc.client.link import Target
from pie.rpc.wire.conversation import answers
from pie.rpc.wire.refusal import Stale, all_busy
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

    __slots__ = ("_limits", "_lock", "_open", "_target", "idle", "waiting", "wanted")

    def __init__(self, target: Target) -> None:
        self._target = target
        self._limits = target.link.limits
        self._lock = threading.Lock()
        self._open = 0
        self.idle: list[ClientConnection] = []
        """What became idle last stands at the end."""
        self.waiting: deque[_Waiter] = deque()
        self.wanted = time.monotonic()
        """When somebody last asked for this pool."""

    def exchange(self, call: Call, request: bytes, seqid: int, *, oneway: bool) -> Frame | None:
        """Send a request on a connection and return its reply; None if it is oneway.

        A connection that turns out to have been closed before is replaced by another one.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        while True:
            connection = self.take(call)
            try:
                frame = connection.exchange(call, request, oneway=oneway)
                if frame is not None and not answers(frame, seqid):
                    connection.reusable = False  # Out of step: it would spoil the next call, too.
                return frame
            except Stale:
                call.notes.append(Stale.note)
            finally:
                self.give_back(connection)

    def take(self, call: Call) -> ClientConnection:
        """An idle connection that is still good, or a new one.

        Raises:
            Failure: there is none to be had before the call's deadline; nothing was sent.
        """
        oldest = time.monotonic() - self._limits.idle_seconds
        while True:
            waiter = None
            with self._lock:
                connection = self._pop()
                if connection is None:
                    waiter = self._place_or_waiter()
            if waiter is not None:
                connection = self._wait(call, waiter)
            if connection is None:
                return self._make(call)
            if connection.is_fresh(oldest):
                return connection
            self.discard(connection)

    def give_back(self, connection: ClientConnection) -> None:
        """Hand a connection to the next call, keep it, or close it if it is of no more use."""
        if not connection.reusable:
            self.discard(connection)
            return
        connection.idle_since = time.monotonic()
        with self._lock:
            if self._serve_next(connection):
                return
            if len(self.idle) < self._limits.max_idle:
                self.idle.append(connection)
                return
        self.discard(connection)

    def discard(self, connection: ClientConnection) -> None:
        """Close a connection; whoever waits may make another one."""
        connection.close()
        self._allow_another()

    def sweep(self, now: float) -> bool:
        """Close what is idle and no longer good; True if the pool itself is of no more use."""
        oldest = now - self._limits.idle_seconds
        kept = []
        while (each := self._pop()) is not None:
            if each.is_fresh(oldest):
                kept.append(each)
            else:
                self.discard(each)
        with self._lock:
            self.idle[:0] = reversed(kept)
            while self.waiting and (each := self._pop()) is not None:
                self._serve_next(each)
            return not self._open and self.wanted < oldest

    def close(self) -> None:
        """Close everything that is idle."""
        while (each := self._pop()) is not None:
            self.discard(each)

    def abandon(self) -> None:
        """In a forked child: close this process's copies; the parent's connections live on."""
        for each in self.idle:
            each.close()

    def _pop(self) -> ClientConnection | None:
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def _place_or_waiter(self) -> _Waiter | None:
        """None: the call may make a connection. Under the lock."""
        if self._open < self._limits.max_connections:
            self._open += 1
            return None
        waiter = _Waiter()
        self.waiting.append(waiter)
        # From here on whoever gives back sees that somebody waits; what became idle before:
        connection = self._pop()
        if connection is not None:
            self._serve_next(connection)
        return waiter

    def _make(self, call: Call) -> ClientConnection:
        try:
            return ClientConnection(connect(call, self._target), self._target)
        except BaseException:
            self._allow_another()
            raise

    def _allow_another(self) -> None:
        with self._lock:
            if not self._serve_next(None):
                self._open -= 1

    def _serve_next(self, connection: ClientConnection | None) -> bool:
        """Give the first who waits a connection, or the place of one; under the lock."""
        if not self.waiting:
            return False
        waiter = self.waiting.popleft()
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
                self.waiting.remove(waiter)
                return
        if waiter.connection is not None:
            self.give_back(waiter.connection)
        else:
            self._allow_another()
