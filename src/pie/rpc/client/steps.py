"""Steps: a course of operations that wait, written once for threads and for coroutines.

A generator of steps does no I/O itself. It yields what it wants done, as an operation and its
arguments. ``run`` calls the operation; ``run_async`` awaits what it returns. Either way the
generator is sent the result, or has the exception raised where it yielded.
"""

from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
Step: TypeAlias = tuple[Any, ...]
Steps: TypeAlias = Generator[Step, Any, Result]


def run(steps: Steps[Result]) -> Result:
    """Do all steps on this thread, which is blocked meanwhile."""
    try:
        step = next(steps)
        while True:
            try:
                result = step[0](*step[1:])
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        value: Result = end.value
        return value
    except BaseException:
        steps.close()  # Interrupted between two steps.
        raise


async def run_async(steps: Steps[Result]) -> Result:
    """Do all steps in this coroutine: their operations return what can be awaited."""
    try:
        step = next(steps)
        while True:
            try:
                result = await step[0](*step[1:])
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        value: Result = end.value
        return value
    except BaseException:
        steps.close()
        raise
