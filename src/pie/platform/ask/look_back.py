"""The newest rows of a kind, looked for further and further back."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pie.platform.ask.asking import DAY, Ask, decode

LOOK_BACK = (600, 7_200, DAY, 11 * DAY)
"""Seconds; the last one covers all records that are kept."""
_FAR_MS = 4_000_000_000_000

_Row = TypeVar("_Row")


async def newest(
    ask: Ask,
    sql: str,
    params: Mapping[str, Any],
    now: float,
    limit: int,
    row_type: type[_Row],
    oldest: float | None = None,
) -> list[_Row]:
    """The rows of a question about the time from ``{since:Int64}`` to ``{until:Int64}``
    (milliseconds).

    The question orders its rows from the newest on and ends after ``limit``. A busy fleet answers
    it from the last minutes; only what is rare costs a look at everything.

    Args:
        oldest: nothing before this Unix second, and nothing from ``now`` on; None = the newest of
            all, also from clocks that are ahead.
    """
    found: list[_Row] = []
    until = _FAR_MS if oldest is None else int(now * 1000)
    for back in (*LOOK_BACK, *(() if oldest is None else (now - oldest,))):
        since = max(now - back, oldest or 0)
        bounds = {"since": int(since * 1000), "until": until}
        found = decode(await ask(sql, {**params, **bounds}), row_type)
        if len(found) >= limit or since == oldest:
            break
    return found
