"""Handlers that are ``async def``: one asyncio loop, in a thread of its own."""

import asyncio
import inspect
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, Self

from pie.govern import remaining
from pie.model import Call, Kind, current_call, end_forked_child
from pie.rpc.server.unserved import Unserved
from pie.thrift import Service

logger = logging.getLogger(__name__)
_CANCEL_SECONDS = 1.0


class Coroutines:
    """Makes plain functions of a handler's coroutine functions: each waits for its coroutine to end
    on the loop. The call being served is ambient in the coroutine, as it is in a function.

    Attributes:
        handler: has every method of the service, all of them plain functions.
        loop: runs in a thread of its own from ``start`` to ``stop``.
    """

    def __init__(self, service: type[Service], handler: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pie-asyncio", daemon=True)
        self._stopping = False
        self.handler = _Handler()
        for each in service.methods.values():
            function = getattr(handler, each.attr)
            if inspect.iscoroutinefunction(function):
                function = self._waiting(function)
            setattr(self.handler, each.attr, function)

    @classmethod
    def of(cls, service: type[Service], handler: Any) -> Self | None:
        """None for a handler without a coroutine function."""
        methods = (getattr(handler, each.attr, None) for each in service.methods.values())
        return cls(service, handler) if any(map(inspect.iscoroutinefunction, methods)) else None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the loop; what still runs on it is cancelled, and left behind if it will not end."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_CANCEL_SECONDS)
        if self._thread.is_alive():
            logger.warning("a handler does not end although it was cancelled: the server stops")

    def _waiting(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        def wait(*args: Any) -> Any:
            work = _within(current_call.get(), function, args)
            try:
                return asyncio.run_coroutine_threadsafe(work, self.loop).result()
            except CancelledError:  # That of futures is an ordinary exception.
                raise asyncio.CancelledError from None

        return wait

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self._run_on()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def _run_on(self) -> None:
        """Until ``stop``. ``SystemExit`` in a task also ends ``run_forever``; the task is answered
        with it, and the loop goes on for the other tasks."""
        while not self._stopping:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                logger.error("a handler raised %s: the server goes on", type(error).__name__)


class _Handler:
    """Has the methods that are set on it."""


def check_time_left(call: Call | None) -> None:
    """Call just before a handler that had to wait for its thread or loop.

    Raises:
        Unserved: the call's deadline has passed meanwhile.
    """
    if call is not None and remaining(call) == 0:
        waited = (time.monotonic() - (call.received or call.start)) * 1000
        raise Unserved(
            Kind.DEADLINE,
            f"{call.method} waited {waited:.0f} ms for its turn, longer than its caller "
            f"{call.caller or 'unknown'} waits",
        )


async def _within(
    call: Call | None, function: Callable[..., Coroutine[Any, Any, Any]], args: tuple[Any, ...]
) -> Any:
    current_call.set(call)
    process = os.getpid()
    try:
        check_time_left(call)
        return await function(*args)
    finally:
        end_forked_child(process)
