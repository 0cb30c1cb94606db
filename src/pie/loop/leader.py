"""The loop on threads, one of which leads: the adaptive leader in C."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType

from pie.loop.complaints import Complaints
from pie.loop.native_loop import CUT_SECONDS, LoopLimits, NativeLoop, SpeakerFactory
from pie.model import end_forked_child

logger = logging.getLogger(__name__)
_SWITCH_SECONDS = 0.0005


class LeaderLoop(NativeLoop):
    """Handlers on threads, one of which leads.

    Args:
        native: the extension.
        listener: bound and listening; closed when nothing more is accepted.
        make_speakers: makes what it serves.
        limits: bounds.
        complaints: gets the lines about peers.
        threads: what the names of its threads begin with.
    """

    name = "leader"

    def __init__(
        self,
        native: ModuleType,
        listener: socket.socket,
        make_speakers: SpeakerFactory,
        limits: LoopLimits,
        complaints: Complaints,
        threads: str,
    ) -> None:
        self._threads: list[threading.Thread] = []
        self._name = threads
        super().__init__(native, listener, make_speakers, limits, complaints)

    def start(self) -> None:
        # A thread that computes gives way after this; the default of 5 ms is what others then wait.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        self._run(self.native.refuse, "pie-refuse")
        self._run(self._work, f"{self._name}-0")

    def stop(self, seconds: float) -> None:
        """Accept what is in the backlog and nothing more, finish what is in flight, and cut what
        has not ended after so many seconds."""
        deadline = time.monotonic() + seconds
        self.begin_drain(seconds)
        for each in self._threads:  # Grows no more once the first has ended.
            each.join(max(0.0, deadline + CUT_SECONDS - time.monotonic()))
        self.finish(max(0.0, deadline - time.monotonic()))

    def spawn(self) -> bool:
        """Start one more thread; False when the system has none."""
        try:
            self._run(self._work, f"{self._name}-{len(self._threads) - 1}")
        except (RuntimeError, MemoryError) as error:
            logger.warning("%d threads answer requests, no more: %s", len(self._threads) - 1, error)
            return False
        return True

    def _work(self) -> None:
        process = os.getpid()
        self.native.work()
        end_forked_child(process)

    def _run(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
