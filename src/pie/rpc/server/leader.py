"""The loop of a server in C: the adaptive leader. Twin: ``threaded.py``."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType

from pie.call import Course
from pie.model import end_forked_child
from pie.rpc.server.dispatch import Dispatcher
from pie.rpc.server.native_loop import CUT_SECONDS, NativeLoop
from pie.rpc.server.options import ServerOptions

logger = logging.getLogger(__name__)
_SWITCH_SECONDS = 0.0005


class LeaderLoop(NativeLoop):
    """Handlers on threads, one of which leads."""

    name = "leader"

    def __init__(
        self,
        native: ModuleType,
        listener: socket.socket,
        dispatcher: Dispatcher,
        course: Course,
        options: ServerOptions,
    ) -> None:
        self._threads: list[threading.Thread] = []
        super().__init__(
            native,
            listener,
            dispatcher.handler,
            dispatcher,
            course,
            options,
            spawn=self.spawn,
        )

    def start(self) -> None:
        # A thread that computes gives way after this; the default of 5 ms is what others then wait.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        self._run(self._server.refuse, "pie-refuse")
        self._run(self._work, "pie-rpc-0")

    def stop(self, seconds: float) -> None:
        """Accept what is in the backlog and nothing more, finish what is in flight, and cut what
        has not ended after so many seconds."""
        deadline = time.monotonic() + seconds
        self._server.drain(seconds)
        self._threaded.drain.begin()
        for each in self._threads:  # Grows no more once the first has ended.
            each.join(max(0.0, deadline + CUT_SECONDS - time.monotonic()))
        self._threaded.finish(max(0.0, deadline - time.monotonic()))

    def spawn(self) -> bool:
        """Start one more thread; False when the system has none."""
        try:
            self._run(self._work, f"pie-rpc-{len(self._threads) - 1}")
        except (RuntimeError, MemoryError) as error:
            logger.warning("%d threads answer requests, no more: %s", len(self._threads) - 1, error)
            return False
        return True

    def _work(self) -> None:
        process = os.getpid()
        self._server.work()
        end_forked_child(process)

    def _run(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
