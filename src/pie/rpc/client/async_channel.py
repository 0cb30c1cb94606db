"""The Thrift client for coroutines. See ``channel``."""

import asyncio
from typing import Any

from pie.call import AsyncDriver
from pie.rpc.client.async_pool import pool_of_loop
from pie.rpc.client.attempt import attempt, invocation
from pie.rpc.client.binding import Binder, Bound
from pie.rpc.client.callee import Asked
from pie.rpc.client.options import current_options
from pie.rpc.client.steps import run_async
from pie.thrift import Method, Struct


class AsyncChannel:
    """Calls to one service, on the running event loop. Nothing is looked up before the first call.

    Args:
        asked: the service to call, and how.

    Raises:
        ValueError: an argument is malformed.
    """

    def __init__(self, asked: Asked) -> None:
        self._binder = Binder(asked)
        self._known: Bound | None = None

    async def invoke(self, method: Method, args: Struct) -> Any:
        """Make one call and return its value; None for void and oneway. Raises as
        ``Channel.invoke``."""
        bound, options = await self._bound(), current_options.get()
        call = bound.new_call(method, options)
        driver = AsyncDriver(bound.course)
        pool = await pool_of_loop()
        return await run_async(
            invocation(
                call,
                options,
                driver.run,
                lambda each: run_async(attempt(each, method, args, bound, pool)),
            )
        )

    async def _bound(self) -> Bound:
        """The client as it stands now; waits for the registry's first answer on another thread."""
        bound = self._binder.bound()
        if bound is not self._known:
            if not bound.callee.endpoints:
                await asyncio.to_thread(bound.runtime.directory.instances, bound.callee.psm)
            self._known = bound
        return bound
