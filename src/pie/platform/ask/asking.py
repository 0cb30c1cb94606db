"""Asking the store: SQL with parameters in, rows out, and patience when its process is down."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from pie.model import Failure, Kind

_T = TypeVar("_T")
_Row = TypeVar("_Row")

DAY = 86_400
PATIENCE_S = 3.0
"""How long the registry's part of an answer waits for the part from the store."""

Ask = Callable[[str, dict[str, Any]], Awaitable[bytes]]
"""Answers SQL with parameters by one JSON object per line.

Raises:
    Failure: ``unavailable`` when the facts process is down or slow, ``exhausted`` when too much is
        asked, else what the question itself is wrong about.
"""


def decode(ndjson: bytes, row_type: type[_Row]) -> list[_Row]:
    """The rows of an answer."""
    return msgspec.json.Decoder(row_type).decode_lines(ndjson)


async def unless_away(question: Awaitable[_T]) -> _T | None:
    """The answer; None when the facts process is down or slow.

    For answers that also have a part from the registry, which is shown without the rest.
    """
    try:
        return await asyncio.wait_for(question, PATIENCE_S)
    except TimeoutError:
        return None
    except Failure as failure:
        if failure.kind is not Kind.UNAVAILABLE:
            raise
        return None
