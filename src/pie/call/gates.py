"""A list of gates, and one call's way through it."""

import threading
from collections.abc import Iterable, Iterator

from pie.govern import Gate
from pie.model import Call, after_fork


class Gates:
    """An ordered list of gates under one lock."""

    __slots__ = ("__weakref__", "_gates", "_lock")

    def __init__(self, gates: Iterable[Gate]) -> None:
        self._gates = tuple(gates)
        self._renew_lock()
        after_fork(self._renew_lock)

    def _renew_lock(self) -> None:
        """Also in a forked child: the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()

    def replace(self, gates: Iterable[Gate]) -> None:
        """Put other gates in force; calls already on their way keep those they entered by."""
        self._gates = tuple(gates)

    def passage(self, call: Call) -> "Passage":
        """The way of one call through the gates as they stand now."""
        return Passage(self._gates, self._lock, call)


class Passage:
    """One call's way through a list: in once, out once."""

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
            Exception: the first error of a gate, after all have been left.
        """
        broken: Exception | None = None
        with self._lock:
            while self._entered:
                self._entered -= 1
                try:
                    self._gates[self._entered].leave(self._call)
                except Exception as error:
                    broken = broken or error
        if broken is not None:
            raise broken
