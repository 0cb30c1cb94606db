"""The one connection to an instance that carries all calls, made anew when it has ended."""

import time

from pie.govern import remaining
from pie.model import Call
from pie.rpc.client.connection import Connection
from pie.rpc.client.link import Target
from pie.rpc.client.operations import Operations
from pie.rpc.client.steps import Steps
from pie.rpc.wire.refusal import Stale, deadline_passed
from pie.thrift import Frame


class SharedInstance:
    """Makes the connection when a call needs it; one call at a time connects."""

    def __init__(self, target: Target, operations: Operations) -> None:
        self._target = target
        self._operations = operations
        self._dialing = operations.lock()
        self._connection: Connection | None = None
        self.wanted = time.monotonic()
        """When a call last asked for this instance."""

    def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Steps[Frame | None]:
        """Send a request and return its reply; None if it is oneway.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        while True:
            connection = yield from self._take(call)
            try:
                return (yield from connection.exchange(call, request, seqid, oneway=oneway))
            except Stale:
                call.notes.append(Stale.note)

    def sweep(self, now: float) -> bool:
        """Close a connection that is no longer good; True if the instance can be forgotten."""
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

    def _take(self, call: Call) -> Steps[Connection]:
        connection = self._connection
        if connection is not None and connection.is_usable(self._oldest(time.monotonic())):
            return connection
        if not (yield self._operations.acquire, self._dialing, remaining(call)):
            raise deadline_passed(call, f"connecting to {call.peer}", never_sent=True)
        try:
            if self._connection is not None and self._connection is not connection:
                return self._connection
            if connection is not None:
                connection.retire()
            self._connection = made = yield self._operations.connect, call, self._target
            fresh: Connection = made
            return fresh
        finally:
            self._dialing.release()
