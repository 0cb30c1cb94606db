"""Connections of one event loop to the instances it calls, shared by all its async clients."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from pie.model import Call
from pie.rpc.client.async_connection import AsyncConnection, connect_async
from pie.rpc.client.exclusive import patience
from pie.rpc.client.link import Target
from pie.rpc.wire.conversation import answers
from pie.rpc.wire.refusal import Stale, all_busy, deadline_passed
from pie.thrift import Frame

_SWEEP_SECONDS = 5.0


class AsyncInstance(Protocol):
    """The connections to one instance: one for each call in flight, or one for all."""

    wanted: float
    """When somebody last asked for them (loop time)."""

    async def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Frame | None:
        """Send a request and return its reply; None if it is oneway.

        Raises:
            Failure: there is no reply. ``never_sent`` when the peer cannot have got the request.
        """
        ...

    def sweep(self, oldest: float) -> bool:
        """Close what is idle since before ``oldest`` or no longer good; True if nothing needs to be
        remembered."""
        ...

    def close(self) -> None:
        """Close what is idle."""
        ...


class AsyncInstancePool:
    """Connections that carry one call at a time each, never too many. Whoever waits is served in
    the order of coming."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._limits = target.link.limits
        self._idle: list[AsyncConnection] = []
        self._waiting: deque[asyncio.Future[AsyncConnection | None]] = deque()
        self._open = 0
        self.wanted = 0.0

    async def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Frame | None:
        while True:
            connection = await self._take(call)
            try:
                frame = await connection.exchange(call, request, seqid, oneway=oneway)
                if frame is not None and not answers(frame, seqid):
                    connection.retired = True  # Out of step: it would spoil the next call, too.
                return frame
            except Stale:
                call.notes.append(Stale.note)
            finally:
                self._give_back(connection)

    def sweep(self, oldest: float) -> bool:
        kept = [each for each in self._idle if each.is_usable(oldest)]
        for each in self._idle:
            if each not in kept:
                self._discard(each)
        self._idle = kept
        return not self._open and self.wanted < oldest

    def close(self) -> None:
        while self._idle:
            self._discard(self._idle.pop())

    async def _take(self, call: Call) -> AsyncConnection:
        oldest = asyncio.get_running_loop().time() - self._limits.idle_seconds
        while True:
            connection = self._idle.pop() if self._idle else None
            if connection is None:
                if self._open < self._limits.max_connections:
                    self._open += 1
                else:
                    connection = await self._wait(call)
            if connection is None:
                return await self._make(call)
            if connection.is_usable(oldest):
                return connection
            self._discard(connection)

    def _give_back(self, connection: AsyncConnection) -> None:
        if connection.retired:
            self._discard(connection)
        elif not self._serve_next(connection):
            self._idle.append(connection)
            if len(self._idle) > self._limits.max_idle:
                self._discard(self._idle.pop(0))

    async def _make(self, call: Call) -> AsyncConnection:
        try:
            return await connect_async(call, self._target)
        except BaseException:
            self._allow_another()
            raise

    def _discard(self, connection: AsyncConnection) -> None:
        connection.close()
        self._allow_another()

    def _allow_another(self) -> None:
        if not self._serve_next(None):
            self._open -= 1

    def _serve_next(self, connection: AsyncConnection | None) -> bool:
        """Give the first who waits a connection, or the place of one."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    async def _wait(self, call: Call) -> AsyncConnection | None:
        """The connection that came free, or None: this call may make one."""
        waiter: asyncio.Future[AsyncConnection | None]
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(patience(call)):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                connection = waiter.result()
                if connection is not None:
                    self._give_back(connection)
                else:
                    self._allow_another()
            if isinstance(error, TimeoutError):
                raise all_busy(call, self._limits.max_connections) from None
            raise


class AsyncSharedInstance:
    """The one connection that carries all calls, made anew when it has ended."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._dialing = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self.wanted = 0.0

    async def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Frame | None:
        while True:
            connection = await self._take(call)
            try:
                return await connection.exchange(call, request, seqid, oneway=oneway)
            except Stale:
                call.notes.append(Stale.note)
            finally:
                if connection.retired:
                    self._let_go(connection)

    def sweep(self, oldest: float) -> bool:
        if self._connection is not None and not self._connection.is_usable(oldest):
            self._let_go(self._connection)
        return self._connection is None and self.wanted < oldest

    def close(self) -> None:
        if self._connection is not None:
            self._connection.retired = True
            self._let_go(self._connection)

    def _let_go(self, connection: AsyncConnection) -> None:
        """Take no more calls on a connection; it ends with the last one."""
        if connection is self._connection:
            self._connection = None
        if connection.is_idle():
            connection.close()

    async def _take(self, call: Call) -> AsyncConnection:
        oldest = asyncio.get_running_loop().time() - self._target.link.limits.idle_seconds
        connection = self._connection
        if connection is not None and connection.is_usable(oldest):
            return connection
        try:
            async with asyncio.timeout(patience(call)):
                await self._dialing.acquire()
        except TimeoutError:
            raise deadline_passed(call, f"connecting to {call.peer}", never_sent=True) from None
        try:
            connection = self._connection
            if connection is not None and connection.is_usable(oldest):
                return connection
            if connection is not None:
                connection.retired = True
                self._let_go(connection)
            self._connection = await connect_async(call, self._target)
            return self._connection
        finally:
            self._dialing.release()


class AsyncPool:
    """All instances that one event loop calls."""

    def __init__(self) -> None:
        self._instances: dict[Target, AsyncInstance] = {}
        self._swept = 0.0

    def of(self, target: Target) -> AsyncInstance:
        """The connections to an instance."""
        now = asyncio.get_running_loop().time()
        if now - self._swept > _SWEEP_SECONDS:
            self._sweep(now)
        found = self._instances.get(target)
        if found is None:
            kind = AsyncSharedInstance if target.link.multiplex else AsyncInstancePool
            found = self._instances[target] = kind(target)
        found.wanted = now
        return found

    async def closer(self) -> AsyncIterator[None]:
        """Closes what is idle when the loop shuts its asynchronous generators down."""
        try:
            yield
        finally:
            for each in self._instances.values():
                each.close()
            await asyncio.sleep(0)  # Transports close at the next turn of the loop.

    def _sweep(self, now: float) -> None:
        self._swept = now
        for target, each in [*self._instances.items()]:
            if each.sweep(now - target.link.limits.idle_seconds):
                del self._instances[target]


class _Loops:
    """The pool of each running loop. A forked child begins with none and leaves its parent's be."""

    def __init__(self) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, tuple[AsyncPool, AsyncIterator[None]]] = {}
        self._of_parent = self._pools

    async def pool(self) -> AsyncPool:
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is None:
            for each in [each for each in self._pools if each.is_closed()]:
                del self._pools[each]
            pool = AsyncPool()
            closer = pool.closer()
            found = self._pools[loop] = (pool, closer)
            await anext(closer)
        return found[0]

    def leave_to_parent(self) -> None:
        """In a forked child: nothing of the parent's loops is touched, nor freed."""
        self._of_parent, self._pools = self._pools, {}


_loops = _Loops()
pool_of_loop = _loops.pool
os.register_at_fork(after_in_child=_loops.leave_to_parent)
