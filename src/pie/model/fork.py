"""What a forked child must do before it goes on: locks, queues and sockets are its parent's."""

import os
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

from pie._core import native

_Method = Callable[[Any], None]
_methods: dict[int, tuple[weakref.ref[object], _Method]] = {}
"""By the ids of their references, in the order of registration; removed when their objects die.
Nothing can be unregistered from ``os.register_at_fork``, so one function is registered for all."""


def after_fork(method: Callable[[], None]) -> None:
    """Call a bound method in every child forked from now on, while its object lives."""
    assert isinstance(method, MethodType), f"{method} is not a bound method"
    reference = weakref.ref(method.__self__, _forget)
    _methods[id(reference)] = reference, method.__func__


def _forget(reference: weakref.ref[object]) -> None:
    _methods.pop(id(reference), None)


def run_after_fork() -> None:
    """In a forked child: give up what belongs to the parent, in C first, once.

    Python's own forks call it. A host that forks without telling Python (uWSGI) has to.
    """
    global _process
    if _process == os.getpid():
        return
    _process = os.getpid()
    if native is not None:
        native.after_fork()
    for reference, method in [*_methods.values()]:
        found = reference()
        if found is not None:
            method(found)


def end_forked_child(process: int) -> None:
    """End this process if it is not ``process``: a handler forked it and came back in the child,
    where nothing is left to do, since the parent answers."""
    if os.getpid() != process:
        os._exit(0)


_process = os.getpid()
os.register_at_fork(after_in_child=run_after_fork)
