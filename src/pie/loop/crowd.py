"""One bound for the bytes that wait in the connections of a server.

Twin: ``pie/_core/loop/crowd.c``, which counts its own connections; each half knows what the other
one holds.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from pie.loop.complaints import Complaints


class Crowded(Exception):
    """This connection is the one to go."""


class Member(Protocol):
    """A connection that may hold bytes."""

    peer: str

    def abort(self) -> None:
        """End it, from another thread."""


class Crowd:
    """What connections that have a thread each hold.

    Args:
        limit: bytes, of all connections of the server.
        complaints: tells whom it ends.
        elsewhere: bytes that other connections of the server hold.
        changed: gets the bytes that these hold, whenever they change.
    """

    def __init__(
        self,
        limit: int,
        complaints: Complaints,
        elsewhere: Callable[[], int] = lambda: 0,
        changed: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._limit = limit
        self._complaints = complaints
        self._elsewhere = elsewhere
        self._changed = changed
        self._lock = threading.Lock()
        self._held: dict[Member, tuple[int, float]] = {}
        """Bytes, and when the peer last sent something or took something."""
        self._sum = 0

    def hold(self, member: Member, size: int) -> None:
        """A connection holds so many bytes now, and has just moved some.

        Raises:
            Crowded: all connections hold too much, and this one the most for the time that it has
                not moved any.
        """
        with self._lock:
            self._set(member, size)
            ended = self._thin(member)
        for each, held in ended:
            self.complain(each.peer, held)
            if each is member:
                raise Crowded
            each.abort()

    def complain(self, peer: str, held: int) -> None:
        """Log that a connection is the one to go."""
        self._complaints.closed.warning(
            "closed the connection of %s: it held %d bytes, and all connections together more than "
            "%d (buffer_limit)",
            peer,
            held,
            self._limit,
        )

    def leave(self, member: Member) -> None:
        """A connection has ended."""
        with self._lock:
            self._set(member, 0)

    def _set(self, member: Member, size: int) -> None:
        before, _ = self._held.pop(member, (0, 0.0))
        if size:
            self._held[member] = size, time.monotonic()
        if size != before:
            self._sum += size - before
            self._changed(self._sum)

    def _thin(self, own: Member) -> list[tuple[Member, int]]:
        """Those that are to end, in turn."""
        ended = []
        now = time.monotonic()
        while self._held and self._sum + self._elsewhere() > self._limit:
            heaviest = max(
                self._held, key=lambda m: self._held[m][0] * (now - self._held[m][1] + 0.001)
            )
            ended.append((heaviest, self._held[heaviest][0]))
            self._set(heaviest, 0)
            if heaviest is own:
                break
        return ended
