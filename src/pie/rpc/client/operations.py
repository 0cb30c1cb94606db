"""The operations of steps that differ between threads and coroutines: waiting and connecting."""

import threading
from typing import Any, Protocol

from pie.model import Call
from pie.rpc.client.dial import connect
from pie.rpc.client.exclusive import ClientConnection
from pie.rpc.client.link import Target
from pie.rpc.client.multiplex import SharedConnection


class Lock(Protocol):
    """A lock that any thread or coroutine may release."""

    def release(self) -> None: ...


class Operations(Protocol):
    """Operations of steps: those of threads block, those of coroutines are awaited."""

    def lock(self, *, held: bool = False) -> Lock:
        """A new lock; no step."""
        ...

    def acquire(self, lock: Any, seconds: float | None) -> Any:
        """Wait for a lock, at most so many seconds (None = no limit); whether it was acquired."""
        ...

    def connect(self, call: Call, target: Target) -> Any:
        """A new connection, shared if its link is.

        Raises:
            Failure: it could not be made; nothing was sent.
        """
        ...


class ThreadOperations:
    """The operations of threads."""

    def lock(self, *, held: bool = False) -> Lock:
        lock = threading.Lock()
        if held:
            lock.acquire()
        return lock

    def acquire(self, lock: threading.Lock, seconds: float | None) -> bool:
        return lock.acquire(timeout=-1 if seconds is None else seconds)

    def connect(self, call: Call, target: Target) -> ClientConnection | SharedConnection:
        kind = SharedConnection if target.link.multiplex else ClientConnection
        return kind(connect(call, target), target)
