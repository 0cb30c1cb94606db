"""Finds the long-lived threads of a process, and has each fail in every way that it must survive.

Used inside the process under test: by a service's own view, by a platform's start, by an agent.
"""

import threading

from pie.model import Resident
from pie.state import Follower


class Unknown(BaseException):
    """An error that nobody has heard of."""


ERRORS = (
    OSError(24, "Too many open files"),
    MemoryError(),
    ValueError("nobody expected this"),
    Unknown("nor this"),
)
OTHERS = (
    "MainThread",
    "pie-rpc-",  # They answer requests, whose errors are replies: tests/rpc/server.
    "pie-http-",
    "pie-refuse",
    "pie-asyncio",
    "ThreadPoolExecutor",  # A library's pool goes on after an error of its work.
    "AnyIO worker",
    "asyncio",  # waits for one process, or is a pool
    "Dummy-",
)


def strangers() -> list[str]:
    """Threads that are no residents, and are not known to need none."""
    return sorted(
        thread.name
        for thread in threading.enumerate()
        if not isinstance(thread, Resident) and not thread.name.startswith(OTHERS)
    )


class Sabotage:
    """Has the next steps of every resident fail, each error once."""

    def __init__(self) -> None:
        self.left = {
            thread.name: [*ERRORS]
            for thread in threading.enumerate()
            if isinstance(thread, Resident)
        }
        for thread in threading.enumerate():
            if isinstance(thread, Resident):
                self._break(thread)

    def _break(self, thread: Resident) -> None:
        step, left = thread._step, self.left[thread.name]

        def failing() -> float | None:
            if left:
                raise left.pop()
            return step()

        thread._step = failing
        thread.wake()
        follower = getattr(step, "__self__", None)
        if isinstance(follower, Follower):
            follower._interrupt()  # Its step ends with the stream that it reads.

    def survived(self) -> dict[str, bool]:
        """Of each thread, whether it lives and has been through all errors."""
        alive = {thread.name for thread in threading.enumerate()}
        return {name: name in alive and not left for name, left in self.left.items()}
