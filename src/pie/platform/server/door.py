"""Who may hold a connection to the platform, and how long: strangers apart from known clients."""

import asyncio
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, NamedTuple

from pie.model import Failure, Kind

HEAD_S = 10.0
"""For a whole head, from its first byte; for a stranger's, from the end of what was before it."""
STRANGER_REQUEST_S = 30.0
"""For a stranger's whole request, its body and the reading of the answer included."""
BODY_S = 60.0
"""For a known client's request body."""
STALL_S = 20.0
"""How long an answer may wait for a client that does not read."""
SWEEP_S = 1.0
_RESERVED = 256
"""Descriptors for files, the facts process, and connections accepted but not yet looked at."""
_MOST_STRANGERS = 1000
_SCOPE_KEY = "pie.guest"


class Bounds(NamedTuple):
    """How many connections of each kind there may be."""

    strangers: int
    known: int
    watches: int

    @classmethod
    def within(cls, descriptors: int) -> "Bounds":
        """The bounds of a process that may have so many descriptors."""
        room = max(descriptors - _RESERVED, descriptors // 4, 16)
        strangers = min(room // 4, _MOST_STRANGERS)
        watches = (room - strangers) // 2
        return cls(strangers, room - strangers - watches, watches)


class Standing(Enum):
    """What a connection counts as."""

    STRANGER = "stranger"
    KNOWN = "known"
    WATCH = "watch"


class Guest:
    """One connection, as the door knows it.

    Args:
        address: of the client.
        end: cuts the connection at once.
        reading: whether the body of the request being served is not complete.
    """

    __slots__ = ("address", "busy", "end", "half", "reading", "since", "stalled", "standing")

    def __init__(
        self, address: str, now: float, end: Callable[[], None], reading: Callable[[], bool]
    ) -> None:
        self.address = address
        self.end = end
        self.reading = reading
        self.standing = Standing.STRANGER
        self.busy = False
        """Whether a request of it is being served."""
        self.half = False
        """Whether a part of a head has come since the last request."""
        self.since = now
        """When its present state began: waiting, sending a head, or being served."""
        self.stalled: float | None = None
        """Since when an answer waits for the client to read."""


class Door:
    """Counts connections by standing, and makes room.

    A connection is a stranger's until a request on it was authenticated. Where strangers fill their
    bound, the address that holds the most of them gives up its oldest, so a flood displaces itself
    and a client that sends its request at once is never refused. Strangers never take the place of
    known clients. For one event loop.

    Args:
        bounds: how many of each.
        clock: seconds, monotonic.
    """

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self.cut = 0
        """Connections ended: their time was over, or they had to give way."""
        self._clock = clock
        # In the order of arrival, which a dict keeps.
        self._guests: dict[Standing, dict[Guest, None]] = {each: {} for each in Standing}
        self._strangers_at: dict[str, dict[Guest, None]] = {}

    def count(self, standing: Standing) -> int:
        """How many connections of this kind are open."""
        return len(self._guests[standing])

    def enter(self, address: str, end: Callable[[], None], reading: Callable[[], bool]) -> Guest:
        """A new connection; an older stranger may have to go for it."""
        if self.count(Standing.STRANGER) >= self.bounds.strangers:
            self._make_room()
        guest = Guest(address, self._clock(), end, reading)
        self._guests[Standing.STRANGER][guest] = None
        self._strangers_at.setdefault(address, {})[guest] = None
        return guest

    def leave(self, guest: Guest) -> None:
        """The connection has ended."""
        if self._guests[guest.standing].pop(guest, self) is self:
            return
        if guest.standing is Standing.STRANGER:
            theirs = self._strangers_at[guest.address]
            del theirs[guest]
            if not theirs:
                del self._strangers_at[guest.address]

    def heard(self, guest: Guest) -> None:
        """Bytes came: between requests they begin a head."""
        if not guest.busy and not guest.half:
            guest.half = True
            if guest.standing is not Standing.STRANGER:
                guest.since = self._clock()

    def begin(self, guest: Guest) -> None:
        """A head is complete, and its request is being served."""
        guest.busy, guest.half, guest.since = True, False, self._clock()

    def finish(self, guest: Guest) -> None:
        """The request was answered."""
        guest.busy, guest.half, guest.since = False, False, self._clock()

    def know(self, guest: Guest) -> None:
        """A request on this connection was authenticated.

        Raises:
            Failure: too many known clients are busy.
        """
        if guest.standing is Standing.STRANGER:
            known = self._guests[Standing.KNOWN]
            if len(known) >= self.bounds.known:
                idle = next((each for each in known if not each.busy), None)
                if idle is None:
                    raise _full(f"{self.bounds.known} requests are being served", "try again")
                self._cut(idle)
            self._move(guest, Standing.KNOWN)

    def watch(self, guest: Guest) -> None:
        """The request being served is a watch, until `unwatch`.

        Raises:
            Failure: there are too many of them.
        """
        if self.count(Standing.WATCH) >= self.bounds.watches:
            raise _full(
                f"{self.bounds.watches} watches are open",
                "raise the limit of open files (`ulimit -n`) of the platform",
            )
        self._move(guest, Standing.WATCH)

    def unwatch(self, guest: Guest) -> None:
        """The watch is over; its connection is that of a known client again."""
        if guest in self._guests[Standing.WATCH]:
            self._move(guest, Standing.KNOWN)

    def stall(self, guest: Guest) -> None:
        """The client reads more slowly than it is answered."""
        guest.stalled = self._clock()

    def flow(self, guest: Guest) -> None:
        """The client has read on."""
        guest.stalled = None

    def sweep(self) -> None:
        """End the connections whose time is over."""
        now = self._clock()
        for guests in self._guests.values():
            for guest in list(guests):
                if self._is_over(guest, now):
                    self._cut(guest)

    def _is_over(self, guest: Guest, now: float) -> bool:
        if guest.stalled is not None and now - guest.stalled > STALL_S:
            return True
        spent = now - guest.since
        if guest.standing is Standing.STRANGER:
            return spent > (STRANGER_REQUEST_S if guest.busy else HEAD_S)
        if guest.busy:
            return spent > BODY_S and guest.reading()
        return guest.half and spent > HEAD_S

    async def run(self) -> None:
        """Sweep every second until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def _move(self, guest: Guest, standing: Standing) -> None:
        self.leave(guest)
        guest.standing = standing
        self._guests[standing][guest] = None

    def _make_room(self) -> None:
        """The address with most strangers loses its oldest, rather one that is not served."""
        theirs = max(self._strangers_at.values(), key=len)
        waiting = next((guest for guest in theirs if not guest.busy), None)
        self._cut(waiting or next(iter(theirs)))

    def _cut(self, guest: Guest) -> None:
        self.cut += 1
        self.leave(guest)
        guest.end()


def mark(scope: MutableMapping[str, Any], door: Door, guest: Guest) -> None:
    """Note on a request which connection it came on."""
    scope[_SCOPE_KEY] = (door, guest)


def know_guest(scope: MutableMapping[str, Any]) -> None:
    """The request was authenticated; raises Failure like `Door.know`.

    A request that came through another server than the platform's has no guest.
    """
    if _SCOPE_KEY in scope:
        door, guest = scope[_SCOPE_KEY]
        door.know(guest)


def end_guest(scope: MutableMapping[str, Any]) -> None:
    """Cut the connection that the request came on."""
    if _SCOPE_KEY in scope:
        _, guest = scope[_SCOPE_KEY]
        guest.end()


@contextmanager
def watching(scope: MutableMapping[str, Any]) -> Iterator[None]:
    """The request is a watch meanwhile; raises Failure like `Door.watch`."""
    if _SCOPE_KEY not in scope:
        yield
        return
    door, guest = scope[_SCOPE_KEY]
    door.watch(guest)
    try:
        yield
    finally:
        door.unwatch(guest)


def _full(what: str, remedy: str) -> Failure:
    return Failure(Kind.UNAVAILABLE, f"{what}, the platform's limit: {remedy}")
