"""What several questions have in common: their parameters, and patience with the facts process."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Literal, TypeVar

from fastapi import Query

from pie.model import Failure, Kind

_T = TypeVar("_T")

PATIENCE_S = 3.0
"""How long the registry's part of an answer waits for the part that the facts have."""

OutcomeQuery = Annotated[Literal["", "ok", "business", "rejected", "failed"], Query()]


async def unless_away(question: Awaitable[_T]) -> _T | None:
    """The answer; None while the facts are away or hang, since what is registered can be told
    without them."""
    try:
        return await asyncio.wait_for(question, PATIENCE_S)
    except TimeoutError:
        return None
    except Failure as failure:
        if failure.kind is not Kind.UNAVAILABLE:
            raise
        return None
