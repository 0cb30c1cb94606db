"""SIGTERM and SIGINT, whichever thread the system gives them to, and of this process only.

A Python signal handler runs on the main thread, when that wakes up. The system may deliver a signal
to another thread; a main thread that waits is not woken then, and the service would not stop. So
the signal's number goes through a socket to a thread that only waits for it.

A forked child has a copy of handlers and socket, and a signal to it must not end its parent. The
child gives both up, and signals that come before it has done so wait until then (``_Held``). A C
library may fork without telling Python: the kernel notes who wrote a number, and the thread ignores
what is not of this process.
"""

import logging
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Set
from typing import Any

from pie.model import Resident, after_fork

logger = logging.getLogger(__name__)
STOPPING = (signal.SIGTERM, signal.SIGINT)
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
_HOLDABLE = signal.valid_signals() - _CRASHES
_PASS_CREDENTIALS = getattr(socket, "SO_PASSCRED", None)  # Linux.
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class StopSignals:
    """Calls a function from a thread of its own at every SIGTERM and SIGINT.

    Args:
        action: gets the signal, and how many came before it. It must not wait.
    """

    def __init__(self, action: Callable[[signal.Signals, int], None]) -> None:
        self._action = action
        self._reader, self._writer = socket.socketpair()
        if _PASS_CREDENTIALS is not None:
            self._reader.setsockopt(socket.SOL_SOCKET, _PASS_CREDENTIALS, 1)
        self._writer.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._count = 0

    def follow(self) -> None:
        """Begin. To be called by the main thread, after the last fork before serving."""
        after_fork(self._leave_to_parent)
        hold_around_forks()
        Resident("pie-stop", self._wait, logger).start()
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            self._before[number] = signal.signal(number, _nothing)

    def _leave_to_parent(self) -> None:
        """In a forked child: signals do what they did before the service followed them, unless the
        child's code has its own handlers by now."""
        signal.set_wakeup_fd(-1)  # Whoever set another one is in the parent, too.
        for number, before in self._before.items():
            if signal.getsignal(number) is _nothing:
                signal.signal(number, signal.SIG_DFL if before is None else before)
        self._reader.close()
        self._writer.close()

    def _wait(self) -> float:
        for number in self._receive():
            if number in STOPPING:
                count, self._count = self._count, self._count + 1
                self._action(signal.Signals(number), count)
        return 0.0

    def _receive(self) -> bytes:
        """Numbers of signals that this process got."""
        if _PASS_CREDENTIALS is None:
            return self._reader.recv(64)
        numbers, extra, *_ = self._reader.recvmsg(64, socket.CMSG_SPACE(_CREDENTIALS.size))
        writer = _CREDENTIALS.unpack(extra[0][2])[0] if extra else os.getpid()
        return numbers if writer == os.getpid() else b""


class _Held:
    """Holds signals back while a thread forks: a child that gets one before it has given up its
    parent's handlers would run those, and then forget the signal."""

    def __init__(self) -> None:
        self._masks = threading.local()
        self._begun = False
        self._child_mask: Set[int] | None = None

    def begin(self, child_mask: Set[int] | None = None) -> None:
        """From now on. Forks of other threads that are under way are left alone.

        Args:
            child_mask: signals that a child keeps back; if None, those that its parent keeps back.
        """
        self._child_mask = child_mask
        if not self._begun:
            self._begun = True
            os.register_at_fork(
                before=self._hold,
                after_in_parent=self._release,
                after_in_child=self._let_child,
            )

    def _hold(self) -> None:
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, _HOLDABLE)

    def _let_child(self) -> None:
        """In a forked child. Python loses what is raised here: the signal of a KeyboardInterrupt
        ends the child without it. Nothing may follow the call that lets signals in."""
        before = self._masks.__dict__.pop("before", None)
        mask = before if self._child_mask is None else self._child_mask
        if mask is None:
            return
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)

    def _release(self) -> None:
        before = self._masks.__dict__.pop("before", None)
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


_held = _Held()
hold_around_forks = _held.begin


def _nothing(*_: object) -> None:
    """Python writes the number to the socket only when it has a handler for it."""
