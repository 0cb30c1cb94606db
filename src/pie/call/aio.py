"""The asyncio driver: for coroutines. A cancelled task leaves its gates like any other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pie.call.course import Course
from pie.call.flow import SEND, flow
from pie.model import Call

Sleep = Callable[[float], Awaitable[None]]


class AsyncDriver:
    """Runs calls of one course on the event loop of the task that awaits them."""

    def __init__(self, course: Course, sleep: Sleep = asyncio.sleep) -> None:
        self._course = course
        self._sleep = sleep

    async def run(self, call: Call, action: Callable[[Call], Awaitable[Any]]) -> Any:
        """Take the call through its gates around ``action`` and return its result.

        Raises:
            Failure: the call's outcome.
        """
        steps = flow(call, self._course)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await (action(call) if step == SEND else self._sleep(step))
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration:
            return call.result
        finally:
            steps.close()
