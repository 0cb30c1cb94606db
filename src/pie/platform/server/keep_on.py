"""Background tasks of the platform live as long as it does, whatever they raise."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pie.model import Backoff

_log = logging.getLogger("pie.platform")


async def keep_on(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a piece of work until it returns or is cancelled; after an error, begin it anew.

    The first error of a series is logged.
    """
    backoff = Backoff()
    failed = ""
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await work()
            return
        except (asyncio.CancelledError, SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            if asyncio.get_running_loop().time() - began > 60.0:
                backoff.reset()
                failed = ""
            if repr(error) != failed:
                failed = repr(error)
                _log.error("%s failed, and begins anew: %s", name, failed[:500], exc_info=error)
        await asyncio.sleep(backoff.next())
