"""The records of one chain."""

from dataclasses import dataclass

from pie.observe.facts.rows import CallRow
from pie.platform.ask.asking import Ask, decode
from pie.platform.facts.columns import select

MAX_CHAIN_ROWS = 20_000

_CALLS_OF = f"""
SELECT {select(CallRow, "chain")}, clamped
FROM calls WHERE logid = {{logid:String}} ORDER BY calls.ts LIMIT {{limit:UInt32}}
"""


class ChainRow(CallRow, kw_only=True):
    """A record; ``clamped`` says that the store moved its time, see ``facts.window``."""

    clamped: int = 0


@dataclass(frozen=True, slots=True)
class ChainRows:
    """All rows of a logid, by time; ``truncated`` at ``MAX_CHAIN_ROWS``."""

    rows: list[ChainRow]
    truncated: bool


async def calls_of(ask: Ask, logid: str) -> ChainRows:
    """All rows of one chain; raises what ``ask`` raises."""
    params = {"logid": logid, "limit": MAX_CHAIN_ROWS + 1}
    rows = decode(await ask(_CALLS_OF, params), ChainRow)
    return ChainRows(rows[:MAX_CHAIN_ROWS], truncated=len(rows) > MAX_CHAIN_ROWS)
