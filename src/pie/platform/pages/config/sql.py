"""The question about configurations: which version runs where."""

import msgspec

from pie.platform.ask.asking import Ask, decode

FRESH_S = 300
"""Processes report every minute: who has not for so long runs no more, or cannot be seen."""

_IN_FORCE = f"""
SELECT instance, argMax(version, ts) AS version, argMax(trouble, ts) AS trouble
FROM in_force
WHERE psm = {{psm:String}} AND key = 'config' AND ts > now64(6) - INTERVAL {FRESH_S} SECOND
GROUP BY instance LIMIT 10000
"""


class InForce(msgspec.Struct, kw_only=True):
    """What one instance runs, and why not the newest version."""

    instance: str
    version: int
    trouble: str


async def in_force(ask: Ask, psm: str) -> dict[str, InForce]:
    """By instance; raises what ``ask`` raises."""
    rows = decode(await ask(_IN_FORCE, {"psm": psm}), InForce)
    return {row.instance: row for row in rows}
