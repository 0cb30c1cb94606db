"""What a forked child must do before it goes on: locks, queues and sockets are its parent's."""

import os
import weakref
from collections.abc import Callable

_methods: dict[int, weakref.WeakMethod[Callable[[], None]]] = {}
"""By their own ids, in the order they came; gone with their objects. What is given to
``os.register_at_fork`` can never be taken back: there is one of it, for all of them."""


def after_fork(method: Callable[[], None]) -> None:
    """Call a bound method in every child forked from now on, while its object lives."""
    reference = weakref.WeakMethod(method, _forget)
    _methods[id(reference)] = reference


def _forget(reference: weakref.WeakMethod[Callable[[], None]]) -> None:
    _methods.pop(id(reference), None)


def _run() -> None:
    for reference in [*_methods.values()]:
        method = reference()
        if method is not None:
            method()


os.register_at_fork(after_in_child=_run)
