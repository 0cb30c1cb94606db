"""A list of gates, and one call's way through it."""

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pie._core import native
from pie.govern import Gate
from pie.model import Call, after_fork


class GateList:
    """An ordered list of gates under one lock: the twin of ``gates.c``.

    The C type enters the gates it knows by itself and asks the others in Python, under the lock.
    """

    __slots__ = ("__weakref__", "_gates", "_lock")

    def __init__(self, gates: Iterable[Gate]) -> None:
        self._gates = tuple(gates)
        self.renew_lock()

    @property
    def gates(self) -> tuple[tuple[Gate, bool], ...]:
        """Each gate, and whether it runs in C."""
        return tuple((gate, False) for gate in self._gates)

    def renew_lock(self) -> None:
        """Also in a forked child: the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()

    def replace(self, gates: Iterable[Gate]) -> None:
        """Put other gates in force; calls already on their way keep those they entered by."""
        self._gates = tuple(gates)

    def passage(self, call: Call) -> "Passage":
        """The way of one call through the gates as they stand now."""
        return Passage(self._gates, self._lock, call)


Base = GateList
if not TYPE_CHECKING and native is not None:
    Base = native.GateList


class Gates(Base):
    """An ordered list of gates under one lock."""

    __slots__ = ()

    def __init__(self, gates: Iterable[Gate]) -> None:
        super().__init__(gates)
        after_fork(self._after_fork)

    def _after_fork(self) -> None:
        self.renew_lock()


class Passage:
    """One call's way through a list: in once, out once. Twin of the passages of ``gates.c``."""

    __slots__ = ("_call", "_entered", "_gates", "_lock")

    def __init__(self, gates: tuple[Gate, ...], lock: threading.Lock, call: Call) -> None:
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
                    delay = gates[self._entered].enter(call)
                    self._entered += 1
            if delay:
                yield delay

    def leave(self) -> None:
        """Leave every entered gate, in reverse. A gate that breaks does not keep others waiting.

        Raises:
            BaseException: the first error of a gate, after all have been left.
        """
        broken: BaseException | None = None
        with self._lock:
            while self._entered:
                self._entered -= 1
                try:
                    self._gates[self._entered].leave(self._call)
                except BaseException as error:
                    broken = broken or error
        if broken is not None:
            raise broken
