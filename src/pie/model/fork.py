"""What a forked child must do before it goes on: locks, queues and sockets are its parent's."""

import os
import weakref
from collections.abc import Callable


def after_fork(method: Callable[[], None]) -> None:
    """Call a bound method in every child forked from now on, while its object lives."""
    reference = weakref.WeakMethod(method)

    def run() -> None:
        bound = reference()
        if bound is not None:
            bound()

    os.register_at_fork(after_in_child=run)
