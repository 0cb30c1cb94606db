"""What a process owns, and what a forked child does about it.

Locks, threads, queues, sockets and signals are the parent's. Whoever owns such a thing registers
here what a child does with its copy:

- `after_fork`: *drop* it, or begin anew, before the child runs anything else. A descriptor that is
  the parent's alone (a listener, a connection, a wake-up pipe) is closed there.
- `at_child_end`: *flush* what the child itself has made, when it ends in order.

What is in no list is *kept*: open log files, standard streams, the user's own descriptors.
"""

import atexit
import os
import sys
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

from pie._core import native

_Method = Callable[[Any], None]


class _Methods:
    """Bound methods, in the order of registration; removed when their objects die."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[object], _Method]] = {}
        """By the ids of their references."""

    def add(self, method: Callable[[], None]) -> None:
        assert isinstance(method, MethodType), f"{method} is not a bound method"
        reference = weakref.ref(method.__self__, self._forget)
        self._known[id(reference)] = reference, method.__func__

    def call(self) -> None:
        for reference, method in [*self._known.values()]:
            found = reference()
            if found is not None:
                method(found)

    def _forget(self, reference: weakref.ref[object]) -> None:
        self._known.pop(id(reference), None)


_in_child = _Methods()
"""Nothing can be unregistered from ``os.register_at_fork``: one function is registered for all."""
_at_end = _Methods()


def after_fork(method: Callable[[], None]) -> None:
    """Call a bound method in every child forked from now on, while its object lives."""
    _in_child.add(method)


def at_child_end(method: Callable[[], None]) -> None:
    """Call a bound method when a forked child ends in order, while its object lives.

    In order means: the child's code returns or exits, whether ``os.fork`` made the child or
    ``multiprocessing``. A child that calls ``os._exit`` or is killed runs nothing.
    """
    _at_end.add(method)


def run_after_fork() -> None:
    """In a forked child: give up what belongs to the parent, in C first, once.

    Python's own forks call it. A host that forks without telling Python (uWSGI) has to.
    """
    global process
    if process == os.getpid():
        return
    process = os.getpid()
    if native is not None:
        native.after_fork()
    _in_child.call()
    _multiprocessing.follow()


def end_forked_child(parent: int, code: int = 0) -> None:
    """End this process if it is not ``parent``: a handler forked it and came back in the child,
    where nothing is left to do, since the parent answers."""
    if os.getpid() != parent:
        run_at_child_end()
        os._exit(code)


def run_at_child_end() -> None:
    """In a forked child that ends in order: write what it has made."""
    if os.getpid() == process != _first:
        _at_end.call()


_LAST = -100
"""Priority of a finalizer: after the children were joined and users' finalizers ran."""


class _Multiprocessing:
    """Children of ``multiprocessing`` end by ``os._exit``, after its finalizers; it throws those
    away that were registered before the child begins to run."""

    def __init__(self) -> None:
        self._is_followed = False

    def follow(self) -> None:
        """Register once. It may be imported at any time, and need not be."""
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None or self._is_followed:
            return
        self._is_followed = True
        util.register_after_fork(self, _Multiprocessing.child_begins)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            self.child_begins()  # It runs already.

    def child_begins(self) -> None:
        """In a child, whether it was forked or started anew."""
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, _at_end.call, exitpriority=_LAST)


_multiprocessing = _Multiprocessing()
_multiprocessing.follow()
_first = process = os.getpid()
"""``process`` is the pid of this process, without a system call."""
os.register_at_fork(after_in_child=run_after_fork)
atexit.register(run_at_child_end)
