"""The connections to one instance that carry one call at a time each.

The client's fast path in C takes connections from ``idle`` and gives them back by itself: while it
holds the GIL, but not under the lock. Hence every change of ``idle`` here is a single operation of
the list.
"""

import threading
import time
from collections import deque

from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.connection import Connection
from pie.rpc.client.link import Target
from pie.rpc.client.operations import Lock, Operations
from pie.rpc.client.steps import Steps, run
from pie.rpc.wire.conversation import leaves_usable
from pie.rpc.wire.refusal import Stale, all_busy
from pie.thrift import Frame


class _Waiter:
    """A call that waits for a connection: it gets one, or the right to make one."""

    __slots__ = ("connection", "served", "wakened")

    def __init__(self, wakened: Lock) -> None:
        self.wakened = wakened
        self.served = False
        self.connection: Connection | None = None


class InstancePool:
    """The connections to one instance: made when needed, kept while idle, never too many.

    Calls that wait for one are served in the order of coming.
    """

    __slots__ = ("_limits", "_lock", "_open", "_operations", "_target", "idle", "waiting", "wanted")

    def __init__(self, target: Target, operations: Operations) -> None:
        self._target = target
        self._operations = operations
        self._limits = target.link.limits
        self._lock = threading.Lock()
        self._open = 0
        self.idle: list[Connection] = []
        """What became idle last stands at the end."""
        self.waiting: deque[_Waiter] = deque()
        self.wanted = time.monotonic()
        """When a call last asked for this pool."""

    def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Steps[Frame | None]:
        """Send a request on a connection and return its reply; None if it is oneway.

        A connection that turns out to have been closed before is replaced by another one.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        while True:
            connection = self._idle_one() or (yield from self.taking(call))
            try:
                frame = yield from connection.exchange(call, request, seqid, oneway=oneway)
                if frame is not None and not leaves_usable(frame, seqid):
                    connection.reusable = False
                return frame
            except Stale:
                call.notes.append(Stale.note)
            finally:
                self.give_back(connection)

    def taking(self, call: Call) -> Steps[Connection]:
        """An idle connection that is still good, or a new one.

        Raises:
            Failure: none came free or could be made before the call's deadline; nothing was sent.
        """
        while (connection := self._idle_one()) is None:
            with self._lock:
                waiter = self._slot_or_waiter()
            if waiter is not None:
                connection = yield from self._wait(call, waiter)
            if connection is None:
                return (yield from self._make(call))
            if connection.is_fresh(self._oldest()):
                return connection
            self.discard(connection)
        return connection

    def take(self, call: Call) -> Connection:
        """``taking`` on this thread, for the fast path."""
        return run(self.taking(call))

    def give_back(self, connection: Connection) -> None:
        """Hand a connection to the next call, keep it, or close it if it cannot be used again."""
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

    def discard(self, connection: Connection) -> None:
        """Close a connection; a call that waits may make another one."""
        connection.close()
        self._allow_another()

    def sweep(self, now: float) -> bool:
        """Close idle connections that are no longer good; True if the pool can be forgotten."""
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

    def _idle_one(self) -> Connection | None:
        """The connection that became idle last and is still good; None if there is none."""
        while (connection := self._pop()) is not None:
            if connection.is_fresh(self._oldest()):
                return connection
            self.discard(connection)
        return None

    def _oldest(self) -> float:
        return time.monotonic() - self._limits.idle_seconds

    def _pop(self) -> Connection | None:
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def _slot_or_waiter(self) -> _Waiter | None:
        """None: the call may make a connection. Under the lock."""
        if self._open < self._limits.max_connections:
            self._open += 1
            return None
        waiter = _Waiter(self._operations.lock(held=True))
        self.waiting.append(waiter)
        # A connection that is given back from here on goes to the waiter. One that became idle
        # just before:
        connection = self._pop()
        if connection is not None:
            self._serve_next(connection)
        return waiter

    def _make(self, call: Call) -> Steps[Connection]:
        try:
            made: Connection = yield self._operations.connect, call, self._target
        except BaseException:
            self._allow_another()
            raise
        return made

    def _allow_another(self) -> None:
        with self._lock:
            if not self._serve_next(None):
                self._open -= 1

    def _serve_next(self, connection: Connection | None) -> bool:
        """Give the first waiter a connection, or the right to make one; under the lock."""
        if not self.waiting:
            return False
        waiter = self.waiting.popleft()
        waiter.connection, waiter.served = connection, True
        waiter.wakened.release()
        return True

    def _wait(self, call: Call, waiter: _Waiter) -> Steps[Connection | None]:
        """The connection that came free, or None: this call may make one."""
        try:
            yield self._operations.acquire, waiter.wakened, remaining(call)
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
