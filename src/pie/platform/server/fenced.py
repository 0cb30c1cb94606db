"""Background work that one platform of all does: the one that holds the work's fence."""

import asyncio
from contextlib import suppress
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from pie.state import Fenced, FenceLost, StoreError


class FencedWork(Protocol):
    """A piece of such work.

    Attributes:
        fence: through which it writes.
        period: seconds between two looks; less than a third of the fence's TTL.
    """

    fence: Fenced
    period: float

    async def look(self) -> None:
        """Do what there is to do. Another platform may take over in the middle of it."""
        ...


async def run_fenced(work: FencedWork) -> None:
    """Look from time to time while this platform holds the fence, until cancelled.

    Raises:
        Exception: of a look or of the store; ``keep_on`` begins anew after it.
    """
    try:
        while True:
            with suppress(FenceLost):
                if await run_in_threadpool(work.fence.hold):
                    await work.look()
            await asyncio.sleep(work.period)
    finally:
        with suppress(StoreError):
            work.fence.release()
