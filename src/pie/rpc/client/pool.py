"""Connections to the instances that clients call, shared by all clients of a process or loop."""

import os
import threading
import time
from typing import Protocol

from pie.model import Call
from pie.rpc.client.exclusive_pool import InstancePool
from pie.rpc.client.link import Target
from pie.rpc.client.operations import Operations, ThreadOperations
from pie.rpc.client.shared_instance import SharedInstance
from pie.rpc.client.steps import Steps
from pie.thrift import Frame

_SWEEP_SECONDS = 5.0


class Instance(Protocol):
    """The connections to one instance: one for each call in flight, or one for all."""

    wanted: float
    """When a call last asked for them (monotonic seconds)."""

    def exchange(
        self, call: Call, request: bytes, seqid: int, *, oneway: bool
    ) -> Steps[Frame | None]:
        """Send a request and return its reply; None if it is oneway."""
        ...

    def sweep(self, now: float) -> bool:
        """Close what is idle and no longer good; True if nothing needs to be remembered."""
        ...

    def close(self) -> None:
        """Close what is idle."""
        ...

    def abandon(self) -> None:
        """In a forked child: close this process's copies; the parent's connections live on."""
        ...


class Pool:
    """All instances that the threads of a process, or the coroutines of an event loop, call.

    Args:
        operations: how these wait and connect.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._begin()

    def of(self, target: Target) -> Instance:
        """The connections to an instance."""
        now = time.monotonic()
        if now - self._swept > _SWEEP_SECONDS:
            self._sweep(now)
        found = self._instances.get(target)
        if found is None:
            with self._lock:
                kind = SharedInstance if target.link.multiplex else InstancePool
                found = self._instances.setdefault(target, kind(target, self._operations))
        found.wanted = now
        return found

    def close(self) -> None:
        """Close everything that is idle."""
        for each in self._known().values():
            each.close()

    def _known(self) -> dict[Target, Instance]:
        """A copy: while one is made, garbage may be collected, and other threads may run then."""
        with self._lock:
            return self._instances.copy()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._instances: dict[Target, Instance] = {}
        self._swept = 0.0

    def _sweep(self, now: float) -> None:
        """Close what is no longer good, also of instances that are not called any more."""
        self._swept = now
        for target, each in self._known().items():
            if each.sweep(now):
                with self._lock:
                    self._instances.pop(target, None)

    def leave_to_parent(self) -> None:
        """In a forked child."""
        instances = self._instances
        self._begin()
        for each in instances.values():
            each.abandon()


shared_pool = Pool(ThreadOperations())
"""Of the threads of this process; a forked child begins with an empty one."""
os.register_at_fork(after_in_child=shared_pool.leave_to_parent)
