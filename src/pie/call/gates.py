"""Lists of gates, the lock that lists share, and one call's way through a list."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pie._core import native
from pie.govern import Gate
from pie.model import Call, after_fork

logger = logging.getLogger(__name__)


class PythonGateLock:
    """The one lock of all lists of gates that share state: the twin of ``gate_lock.c``.

    A thread that is inside a gate holds it. A call that such a thread drops, because a gate let go
    of its last reference or the collector found it, is left when the passage that holds the lock
    ends.
    """

    __slots__ = ("_dropped", "_inside", "_lock", "_owner")

    def __init__(self) -> None:
        # Reentrant: the collector may drop a call between any two steps of this class.
        self._lock = threading.RLock()
        self._inside = False
        self._owner = 0
        self._dropped: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._inside:
            self._lock.release()
            raise RuntimeError("a gate made a call whose gates share its lock: a gate does no I/O")
        self._owner = threading.get_ident()
        self._inside = True

    def __exit__(self, *_: object) -> None:
        self._leave_dropped()
        while self._dropped:  # It came after the last look, and before `_inside` was false.
            self._inside = True
            self._leave_dropped()
        self._lock.release()

    def _leave_dropped(self) -> None:
        while self._dropped:
            try:
                self._dropped.popleft()()
            except BaseException as error:
                logger.error("a gate broke on leaving a dropped call", exc_info=error)
        self._inside = False

    def leave(self, leave: Callable[[], None]) -> None:
        """Call ``leave`` under the lock; inside a gate of this thread, when that passage ends."""
        with self._lock:
            if self._inside:
                self._dropped.append(leave)
                return
        with self:
            leave()

    def renew(self) -> None:
        """In a forked child: the lock may be held by a thread that is not there."""
        self._lock = threading.RLock()
        if self._inside and self._owner == threading.get_ident():
            self._lock.acquire()  # A gate forked.
        else:
            self._inside = False
            self._dropped = deque()


class GateList:
    """An ordered list of gates under a lock: the twin of ``gates.c``.

    The C type enters the gates it knows by itself and calls the others in Python, under the lock.
    """

    __slots__ = ("__weakref__", "_gates", "_lock")

    def __init__(self, gates: Iterable[Gate], lock: PythonGateLock) -> None:
        self._gates = tuple(gates)
        self._lock = lock

    @property
    def gates(self) -> tuple[tuple[Gate, bool], ...]:
        """Each gate, and whether it runs in C."""
        return tuple((gate, False) for gate in self._gates)

    def replace(self, gates: Iterable[Gate]) -> None:
        """Put other gates in force; calls already on their way keep those they entered by."""
        self._gates = tuple(gates)

    def passage(self, call: Call) -> "Passage":
        """The way of one call through the gates as they stand now."""
        return Passage(self._gates, self._lock, call)


Lock = PythonGateLock
List = GateList
if not TYPE_CHECKING and native is not None:
    Lock = native.GateLock
    List = native.GateList


class GateLock(Lock):
    """The one lock of all lists of gates that share state; new in a forked child."""

    __slots__ = ("__weakref__",)

    def __init__(self) -> None:
        super().__init__()
        after_fork(self._after_fork)

    def _after_fork(self) -> None:
        self.renew()


class Gates(List):
    """An ordered list of gates under a lock.

    Args:
        gates: in the order in which they are entered.
        lock: shared with other lists whose gates have the same state; None = one of its own.
    """

    __slots__ = ()

    def __init__(self, gates: Iterable[Gate], lock: GateLock | None = None) -> None:
        super().__init__(gates, GateLock() if lock is None else lock)


def policy_of(gate: Gate) -> str:
    """The name under which a gate's rejections are counted."""
    return str(getattr(gate, "policy", type(gate).__name__))


class Passage:
    """One call's way through a list: in once, out once. Twin of the passages of ``gates.c``."""

    __slots__ = ("_call", "_entered", "_gates", "_lock")

    def __init__(self, gates: tuple[Gate, ...], lock: PythonGateLock, call: Call) -> None:
        self._gates = gates
        self._lock = lock
        self._call = call
        self._entered = 0

    def enter(self) -> Iterator[float]:
        """Enter the gates in order; yields the seconds to wait where a gate asks for a delay.

        Raises:
            Failure: a gate rejected the call; ``leave`` is still due for those before it.
        """
        gates, call = self._gates, self._call
        while self._entered < len(gates):
            delay = None
            with self._lock:
                while self._entered < len(gates) and not delay:
                    gate = gates[self._entered]
                    try:
                        delay = gate.enter(call)
                    except Exception:
                        call.gate = policy_of(gate)
                        raise
                    self._entered += 1
            if delay:
                yield delay

    def reject(self) -> None:
        """Note that the gate entered last rejects the call: its delay is longer than can be."""
        self._call.gate = policy_of(self._gates[self._entered - 1])

    def leave(self) -> None:
        """Leave every entered gate, in reverse. A gate that breaks does not keep others waiting.

        Inside a gate of the same lock, the gates are left when that gate's passage ends.

        Raises:
            BaseException: the first error of a gate, after all have been left.
        """
        if self._entered:
            self._lock.leave(self._leave)

    def _leave(self) -> None:
        broken: BaseException | None = None
        while self._entered:
            self._entered -= 1
            try:
                self._gates[self._entered].leave(self._call)
            except BaseException as error:
                broken = error if broken is None else broken
        if broken is not None:
            raise broken
