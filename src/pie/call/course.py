"""What decides how calls of one kind run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from pie._core import native
from pie.call.gates import GateLock, Gates
from pie.model import Call, Clock


class RetryPolicy(Protocol):
    """Whether a failed attempt is worth another, and after how many seconds."""

    def pause(self, call: Call) -> float | None: ...


class Retries:
    """The retry policy of a course: whichever is in force when an attempt has failed.

    Args:
        lock: of the lists of gates with whose state the policy shares its own.
        policy: None = no call is tried a second time.
    """

    def __init__(self, lock: GateLock, policy: RetryPolicy | None = None) -> None:
        self._lock = lock
        self._policy = policy

    def replace(self, policy: RetryPolicy | None) -> None:
        """Put another policy in force, also for calls already on their way."""
        self._policy = policy

    def pause(self, call: Call) -> float | None:
        """Seconds to wait before the next attempt of a call that just failed; None = give up."""
        policy = self._policy
        if policy is None:
            return None
        with self._lock:
            return policy.pause(call)


class PythonCourse:
    """All that decides how calls of one kind run: the twin of ``course.c``.

    A course does not change, so that C can keep it for as long as a client lives. What changes
    are the gates in its lists (``Gates.replace``) and the policy behind ``retry``
    (``Retries.replace``).

    Args:
        gates: entered once for a call.
        clock: the time of ``start``, ``end`` and the deadlines.
        attempt_gates: entered for each attempt; None on the server side, which has just one.
        retry: None = a single attempt.
        on_attempt: called with every attempt of a call that was tried more than once.
    """

    __slots__ = ("__weakref__", "attempt_gates", "clock", "gates", "on_attempt", "retry")

    def __init__(
        self,
        gates: Gates,
        clock: Clock,
        attempt_gates: Gates | None = None,
        retry: RetryPolicy | None = None,
        on_attempt: Callable[[Call], Any] | None = None,
    ) -> None:
        self.gates = gates
        self.clock = clock
        self.attempt_gates = attempt_gates
        self.retry = retry
        self.on_attempt = on_attempt


Course = PythonCourse
if not TYPE_CHECKING and native is not None:
    Course = native.Course
