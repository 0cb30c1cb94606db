"""The newest rows of a kind, looked for further and further back."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pie.platform.ask.asking import DAY, Ask, decode

LOOK_BACK = (600, 7_200, DAY, 11 * DAY)
"""Seconds; the last one covers all records that are kept."""

_Row = TypeVar("_Row")


async def newest(
    ask: Ask, sql: str, params: Mapping[str, Any], now: float, limit: int, row_type: type[_Row]
) -> list[_Row]:
    """The rows of a question about the time since ``{since:Int64}`` (milliseconds).

    The question orders its rows from the newest on and ends after ``limit``. A busy fleet answers
    it from the last minutes; only what is rare costs a look at everything.
    """
    found: list[_Row] = []
    for back in LOOK_BACK:
        since = int((now - back) * 1000)
        found = decode(await ask(sql, {**params, "since": since}), row_type)
        if len(found) >= limit:
            break
    return found
