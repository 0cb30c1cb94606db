"""What blocks for a moment, done beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pie.model import Failure, Kind
from pie.state import StoreError
from pie.state.freeze import Frozen

_T = TypeVar("_T")


async def blocking(act: Callable[[], _T]) -> _T:
    """Run what may block in a thread.

    Raises:
        Failure: ``denied`` while the fleet is frozen; ``unavailable`` with the status of the
            store's error, for another error of the store; else what ``act`` raises.
    """
    try:
        return await run_in_threadpool(act)
    except Frozen as error:
        raise Failure(Kind.DENIED, error.message, code=423) from error
    except StoreError as error:
        raise Failure(
            Kind.UNAVAILABLE, f"the state store failed: {error.message}", code=error.code
        ) from error
