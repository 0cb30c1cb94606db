"""The Thrift client for coroutines: as ``channel``, with everything that waits awaited."""

import asyncio
from typing import Any

from pie.call import AsyncDriver
from pie.model import Call, Failure
from pie.rpc.client.async_pool import pool_of_loop
from pie.rpc.client.binding import Binder, Bound
from pie.rpc.client.callee import Asked
from pie.rpc.client.options import current_options
from pie.rpc.wire.conversation import Answer, next_seqid, read_answer, spoken, write_request
from pie.thrift import Method, Struct


class AsyncChannel:
    """Calls to one service, on the event loop of whoever awaits them. Nothing is looked up before
    the first one.

    Args:
        asked: whom to call and how.

    Raises:
        ValueError: that makes no sense.
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
        answer: Any = None
        try:
            answer = await driver.run(call, lambda each: _attempt(each, method, args, bound))
        finally:
            if options is not None:
                options.tell(call, answer.business if isinstance(answer, Answer) else None)
        return answer.get() if isinstance(answer, Answer) else answer

    async def _bound(self) -> Bound:
        """The client as it stands; the registry's first answer is waited for beside the loop."""
        bound = self._binder.bound()
        if bound is not self._known:
            if not bound.callee.endpoints:
                await asyncio.to_thread(bound.runtime.directory.instances, bound.callee.psm)
            self._known = bound
        return bound


async def _attempt(call: Call, method: Method, args: Struct, bound: Bound) -> Answer:
    endpoint, link = call.target, bound.callee.link
    assert endpoint is not None, "balance chose none"
    way = spoken(call, endpoint, multiplex=link.multiplex)
    seqid = next_seqid()
    request = write_request(
        call, method, args, seqid, way, bound.runtime.identity.host, multiplex=link.multiplex
    )
    instance = (await pool_of_loop()).of(bound.target(endpoint))
    try:
        frame = await instance.exchange(call, request, seqid, oneway=method.oneway)
    except Failure as failure:
        bound.explain(call, endpoint, failure)
        raise
    if frame is not None:
        bound.answered = True
    return read_answer(call, method, frame, seqid)
