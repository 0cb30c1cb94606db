"""What blocks for a moment, done beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
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
        raise store_failure(error) from error


def store_failure(error: StoreError) -> Failure:
    """What an error of the store is to who asked: ``unavailable``, with the error's status."""
    message = f"the state store failed: {error.message}"
    return NamedFailure(
        Kind.UNAVAILABLE, message, "store_failed", code=error.code, why=error.message
    )
