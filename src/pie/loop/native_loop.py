"""The loop in C: how it is made, and the functions that it calls.

C reads the fields of the classes here by name: a field that C does not read, or reads and does not
find, fails tests/core/test_contract.py.
"""

import os
import socket
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from pie.loop.complaints import Complaints
from pie.loop.crowd import Crowd
from pie.model import after_fork, end_forked_child

CUT_SECONDS = 0.3
"""A drain that is over has cut the last connections by then; only handlers that hang are left."""


class LoopLimits(NamedTuple):
    """Bounds of a loop; times in seconds, sizes in bytes.

    Attributes:
        write_limit: replies that one peer has not read.
        buffer_limit: what waits in all connections together.
        max_connections: open at the same time.
        max_threads: handlers that run at the same time.
        overload_timeout: when all threads have been busy for so long, what waits is refused.
    """

    write_limit: int
    buffer_limit: int
    max_connections: int
    max_threads: int
    overload_timeout: float


class LoopHooks(NamedTuple):
    """Functions of a loop that C calls; see the methods of ``NativeLoop`` and its subclasses."""

    refused: Callable[[str], None]
    cannot_accept: Callable[[int], None]
    crowded: Callable[[str, int], None]
    backlog_served: Callable[[], None]
    spawn: Callable[[], bool] | None
    end_forked_child: Callable[[], None]


class LoopPlan(NamedTuple):
    """What a ``_native.Loop`` is made of.

    Attributes:
        listener: descriptor of a listening socket.
        speakers: a ``_native.Speaker`` for each protocol; where there are several, the first bytes
            of a connection tell which it speaks.
        turns: the thread of an asyncio loop alone serves connections.
    """

    listener: int
    speakers: tuple[Any, ...]
    hooks: LoopHooks
    limits: LoopLimits
    turns: bool


class Speaker(Protocol):
    """A protocol as one server speaks it.

    Attributes:
        native: its ``_native.Speaker``.
    """

    native: Any

    def begin_drain(self) -> None:
        """The loop has begun to drain."""

    def finish(self, seconds: float) -> None:
        """End within so many seconds the connections that C gave away."""


SpeakerFactory = Callable[[Crowd], Sequence[Speaker]]
"""Makes what a loop serves; connections that C gives away count with the others in the crowd."""


def nothing_else(_crowd: Crowd) -> Sequence[Speaker]:
    """The factory of a server that speaks its own protocol only."""
    return ()


class NativeLoop:
    """A ``_native.Loop`` and its hooks.

    Args:
        native: the extension.
        listener: bound and listening; closed when nothing more is accepted.
        make_speakers: makes what it serves.
        limits: bounds.
        complaints: gets the lines about peers.
        turns: the thread of an asyncio loop calls ``turn``; else threads call ``work``.
    """

    def __init__(
        self,
        native: ModuleType,
        listener: socket.socket,
        make_speakers: SpeakerFactory,
        limits: LoopLimits,
        complaints: Complaints,
        *,
        turns: bool = False,
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._complaints = complaints
        self._crowd = Crowd(
            limits.buffer_limit,
            complaints,
            elsewhere=lambda: self.native.held,
            changed=lambda held: self.native.hold_elsewhere(held),  # noqa: PLW0108 - made below
        )
        self._speakers = tuple(make_speakers(self._crowd))
        listener.setblocking(False)
        self._process = os.getpid()
        after_fork(self._leave_to_parent)
        self.native = native.Loop(
            LoopPlan(
                listener=listener.fileno(),
                speakers=tuple(each.native for each in self._speakers),
                hooks=LoopHooks(
                    refused=self.refused,
                    cannot_accept=self.cannot_accept,
                    crowded=self.crowded,
                    backlog_served=self.backlog_served,
                    spawn=None if turns else self.spawn,
                    end_forked_child=self.end_forked_child,
                ),
                limits=limits,
                turns=turns,
            )
        )

    def load(self) -> dict[str, int]:
        """What the loop holds now."""
        loop = self.native
        return {
            "connections": loop.connections,
            "threads": loop.threads,
            "held_bytes": loop.held,
        }

    def begin_drain(self, seconds: float) -> None:
        """Accept what is in the backlog and nothing more; cut what has not ended after so many
        seconds."""
        self.native.drain(seconds)
        for each in self._speakers:
            each.begin_drain()

    def finish(self, seconds: float) -> None:
        """End connections that C gave away, within so many seconds."""
        for each in self._speakers:
            each.finish(seconds)

    def refused(self, peer: str) -> None:
        """A connection was one too many."""
        self._complaints.refused.warning(
            "refused %s: %d connections are open, the limit (max_connections)",
            peer,
            self._limits.max_connections,
        )

    def cannot_accept(self, error: int) -> None:
        """The system gives no more connections."""
        self._complaints.refused.warning("cannot accept a connection: %s", os.strerror(error))

    def crowded(self, peer: str, held: int) -> None:
        """A connection is closed, for all of them hold too much."""
        self._crowd.complain(peer, held)

    def backlog_served(self) -> None:
        """Nothing more is accepted."""
        self._listener.close()

    def spawn(self) -> bool:
        """Start one more thread; False when the system has none."""
        raise NotImplementedError

    def _leave_to_parent(self) -> None:
        """In a forked child: who connects reaches the parent only. C closes the connections."""
        self._listener.close()

    def end_forked_child(self) -> None:
        """A handler has come back in a child that it forked."""
        end_forked_child(self._process)
