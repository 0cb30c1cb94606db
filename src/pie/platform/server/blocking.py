"""What blocks for a moment, done beside the event loop."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
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
    except StoreError as error:
        raise store_failure(error) from error


def store_failure(error: StoreError) -> Failure:
    """What an error of the store is to who asked: ``denied`` while the fleet is frozen, else
    ``unavailable`` with the error's status."""
    if isinstance(error, Frozen):
        freeze = error.freeze
        return NamedFailure(
            Kind.DENIED, error.message, "frozen", code=423, by=freeze.by, why=freeze.reason
        )
    message = f"the state store failed: {error.message}"
    return NamedFailure(
        Kind.UNAVAILABLE, message, "store_failed", code=error.code, why=error.message
    )
