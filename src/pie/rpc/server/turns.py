"""The loop of a server in C whose handlers are coroutines: it takes turns on their asyncio loop.

Twin: ``threaded.py`` over ``coroutines.py``.
"""

import contextvars
import inspect
import os
import socket
import threading
import time
from asyncio import Future
from types import ModuleType
from typing import Any

from pie.call import Course
from pie.loop.crowd import Crowd
from pie.loop.daemons import Daemons
from pie.loop.native_loop import CUT_SECONDS, NativeLoop, Speaker, SpeakerFactory
from pie.model import current_call, end_forked_child
from pie.rpc.server.coroutines import Coroutines, check_time_left
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.native_server import NativeServer, limits_of
from pie.rpc.server.options import ServerOptions

_TICK_SECONDS = 0.05


class TurnLoop(NativeLoop):
    """Coroutine functions as tasks of the loop, plain functions on threads beside it.

    Connections are read and written on the thread of the loop, whenever one is ready.
    """

    name = "asyncio"

    def __init__(
        self,
        native: ModuleType,
        listener: socket.socket,
        handler: Any,
        coroutines: Coroutines,
        dispatcher: Dispatcher,
        course: Course,
        options: ServerOptions,
        also: SpeakerFactory,
    ) -> None:
        def make_speakers(crowd: Crowd) -> list[Speaker]:
            own = NativeServer(
                native, handler, dispatcher, course, options, crowd, self.start_handler
            )
            return [own, *also(crowd)]

        super().__init__(
            native,
            listener,
            make_speakers,
            limits_of(options),
            dispatcher.complaints,
            turns=True,
        )
        self._handler = handler
        self._loop = coroutines.loop
        self._executor = Daemons(options.max_threads, "pie-rpc")
        self._running: set[Future[Any]] = set()  # The loop itself holds tasks weakly.
        self._finished = threading.Event()

    def start(self) -> None:
        self._loop.call_soon_threadsafe(self._begin)

    def stop(self, seconds: float) -> None:
        """Accept what is in the backlog and nothing more, finish what is in flight, and cut what
        has not ended after so many seconds."""
        deadline = time.monotonic() + seconds
        self.begin_drain(seconds)
        self._finished.wait(seconds + CUT_SECONDS)
        self.finish(max(0.0, deadline - time.monotonic()))
        self._executor.shutdown()

    def start_handler(self, attr: str, args: tuple[Any, ...], pending: Any) -> None:
        """Run a method of the handler; its end answers the request."""
        function = getattr(self._handler, attr)
        running: Future[Any]
        if inspect.iscoroutinefunction(function):
            running = self._loop.create_task(_in_time(function, args))
        else:
            context = contextvars.copy_context()
            running = self._loop.run_in_executor(self._executor, _apart, context, function, args)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(pending.finish)

    def _begin(self) -> None:
        self._loop.add_reader(self.native.fileno(), self._turn)
        self._tick()

    def _tick(self) -> None:
        """Connections also end when nothing happens on them."""
        self._turn()
        if not self._finished.is_set():
            self._loop.call_later(_TICK_SECONDS, self._tick)

    def _turn(self) -> None:
        if not self.native.turn() and not self._finished.is_set():
            self._loop.remove_reader(self.native.fileno())
            self._finished.set()


async def _in_time(function: Any, args: tuple[Any, ...]) -> Any:
    check_time_left(current_call.get())
    return await function(*args)


def _apart(context: contextvars.Context, function: Any, args: tuple[Any, ...]) -> Any:
    process = os.getpid()
    try:
        check_time_left(context.get(current_call))
        return context.run(function, *args)
    finally:
        end_forked_child(process)
