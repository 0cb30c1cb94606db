"""What blocks for a moment, done beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pie.model import Failure, Kind
from pie.state import StoreError

_T = TypeVar("_T")


async def blocking(act: Callable[[], _T]) -> _T:
    """Run what may block in a thread.

    Raises:
        Failure: ``unavailable`` with the status of the store's error, for an error of the store;
            else what ``act`` raises.
    """
    try:
        return await run_in_threadpool(act)
    except StoreError as error:
        raise Failure(
            Kind.UNAVAILABLE, f"the state store failed: {error.message}", code=error.code
        ) from error
