"""A bound on the bytes held for everything in flight together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pie.model import Failure, Kind


class ByteBudget:
    """Bounds the bytes held for requests in flight; who finds no room waits, then is refused.

    Args:
        total: bytes held at most.
        patience: seconds to wait for room.
    """

    def __init__(self, total: int, patience: float = 10.0) -> None:
        self._free = total
        self._patience = patience
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Room for ``size`` bytes while the block runs.

        Raises:
            Failure: ``unavailable`` when there was no room in time.
        """
        try:
            async with asyncio.timeout(self._patience), self._changed:
                await self._changed.wait_for(lambda: self._free >= size)
                self._free -= size
        except TimeoutError:
            raise Failure(
                Kind.UNAVAILABLE, "too much is being sent at once: send it again later"
            ) from None
        try:
            yield
        finally:
            async with self._changed:
                self._free += size
                self._changed.notify_all()
