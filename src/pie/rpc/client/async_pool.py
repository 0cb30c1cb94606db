"""Connections of one event loop to the instances it calls, shared by all its async clients."""

import asyncio
import os
from collections.abc import AsyncIterator

from pie.model import Call
from pie.rpc.client.async_connection import AsyncConnection, connect_async
from pie.rpc.client.link import Target
from pie.rpc.client.operations import Lock
from pie.rpc.client.pool import Pool


class LoopOperations:
    """The operations of coroutines."""

    def lock(self, *, held: bool = False) -> Lock:
        return asyncio.Semaphore(0 if held else 1)

    async def acquire(self, lock: asyncio.Semaphore, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await lock.acquire()
        except TimeoutError:
            return False

    async def connect(self, call: Call, target: Target) -> AsyncConnection:
        return await connect_async(call, target)


async def _close_with_loop(pool: Pool) -> AsyncIterator[None]:
    """Close what is idle when the loop shuts its asynchronous generators down."""
    try:
        yield
    finally:
        pool.close()
        await asyncio.sleep(0)  # Transports close at the next turn of the loop.


class _Loops:
    """The pool of each running loop. A forked child begins with none and does not touch those of
    its parent."""

    def __init__(self) -> None:
        self._pools: dict[asyncio.AbstractEventLoop, tuple[Pool, AsyncIterator[None]]] = {}
        self._of_parent = self._pools

    async def pool(self) -> Pool:
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is None:
            for each in [each for each in self._pools if each.is_closed()]:
                del self._pools[each]
            pool = Pool(LoopOperations())
            closer = _close_with_loop(pool)
            found = self._pools[loop] = (pool, closer)
            await anext(closer)
        return found[0]

    def leave_to_parent(self) -> None:
        """In a forked child: nothing of the parent's loops is touched, nor freed."""
        self._of_parent, self._pools = self._pools, {}


_loops = _Loops()
pool_of_loop = _loops.pool
os.register_at_fork(after_in_child=_loops.leave_to_parent)
