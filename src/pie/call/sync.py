"""The blocking driver: for threads."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pie._core import native
from pie.call.course import Course
from pie.call.flow import SEND, Step, flow
from pie.model import Call

Sleep = Callable[[float], None]


class Driver:
    """Runs calls of one course, each on the thread that asks for it."""

    def __init__(self, course: Course, sleep: Sleep = time.sleep) -> None:
        self._course = course
        self._sleep = sleep

    def run(self, call: Call, action: Callable[[Call], Any]) -> Any:
        """Take the call through its gates around ``action`` and return its result.

        Raises:
            Failure: the call's outcome.
        """
        return OpenCall(call, self._course, self._sleep).run(action)

    def begin(self, call: Call) -> "OpenCall":
        """Enter the gates now and leave them later: for a reply that is still being streamed.

        A call that one gate rejected and another gave a result is over: ``call.gate`` names the one
        that rejected it.

        Raises:
            Failure: a gate rejected the call (which has left its gates).
        """
        open_call = OpenCall(call, self._course, self._sleep)
        open_call.start()
        return open_call


class PythonOpenCall:
    """A call on its way. Exactly one of ``succeed``, ``fail`` ends an attempt.

    The twin of ``open_call.c``.
    """

    __slots__ = ("_call", "_flow", "_sleep")

    def __init__(self, call: Call, course: Course, sleep: Sleep) -> None:
        self._call = call
        self._flow = flow(call, course)
        self._sleep = sleep

    def run(self, action: Callable[[Call], Any]) -> Any:
        """The whole course around an action that makes one attempt; the call's result.

        Raises:
            Failure: the outcome of the call.
        """
        call = self._call
        try:
            more = self.start()
            while more:
                try:
                    result = action(call)
                except BaseException as error:
                    more = self.fail(error)
                else:
                    more = self.succeed(result)
            return call.result
        finally:
            self.close()

    def start(self) -> bool:
        """Enter the gates. True = an attempt is wanted; False = a gate rejected the call and
        another gave it a result.

        Raises:
            Failure: a gate rejected the call (which has left its gates).
        """
        try:
            self._advance(next(self._flow))
        except StopIteration:
            return False
        return True

    def succeed(self, result: Any = None) -> bool:
        """The attempt has its answer. True = another attempt is wanted.

        Raises:
            Failure: a gate turned the outcome into a failure.
        """
        try:
            self._advance(self._flow.send(result))
        except StopIteration:
            return False
        return True

    def fail(self, error: BaseException) -> bool:
        """The attempt failed. True = another attempt is wanted; False = a gate repaired it.

        Raises:
            Failure: the outcome of the call.
        """
        try:
            self._advance(self._flow.throw(error))
        except StopIteration:
            return False
        return True

    def close(self) -> None:
        """Leave the gates if nobody has yet: the call counts as cancelled."""
        self._flow.close()

    def _advance(self, step: Step) -> None:
        while step != SEND:
            try:
                self._sleep(step)
            except BaseException as error:
                step = self._flow.throw(error)
            else:
                step = self._flow.send(None)


OpenCall = PythonOpenCall
if not TYPE_CHECKING and native is not None:
    OpenCall = native.OpenCall
