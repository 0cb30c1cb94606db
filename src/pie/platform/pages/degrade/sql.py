"""The questions about switches: which there are, what runs where, and what they did."""

import msgspec

from pie.platform.ask.asking import Ask, decode

EFFECT_S = 600
"""Seconds of counts that are shown."""
_FRESH_S = 300
_MAX = 20_000

_KNOWN = f"""
SELECT psm, substring(key, 8) AS name, argMax(value, ts) AS value,
    toUnixTimestamp64Micro(max(ts)) / 1e6 AS seen
FROM in_force WHERE startsWith(key, 'switch/') AND ts > now64(6) - INTERVAL 10 DAY
GROUP BY psm, name ORDER BY psm, name LIMIT {_MAX}
"""
_RULED = f"""
SELECT key, version, count() AS instances FROM (
    SELECT psm, instance, key, argMax(version, ts) AS version
    FROM in_force
    WHERE key LIKE 'rule/%/degrade@%' AND ts > now64(6) - INTERVAL {_FRESH_S} SECOND
    GROUP BY psm, instance, key
) GROUP BY key, version LIMIT {_MAX}
"""
_EFFECT = f"""
SELECT owner, side, scope, sum(calls) AS calls,
    sumIf(calls, verdict IN ('fallback', 'rejected')) AS fallbacks
FROM rule_10s WHERE kind = 'degrade' AND ts > now() - INTERVAL {EFFECT_S} SECOND
GROUP BY owner, side, scope LIMIT {_MAX}
"""


class KnownRow(msgspec.Struct, kw_only=True):
    """A name in the code of a service, what the code says of it, and when it was last reported."""

    psm: str
    name: str
    value: str
    seen: float


class RuledRow(msgspec.Struct, kw_only=True):
    """How many instances run one version of some degradation rules."""

    key: str
    version: int
    instances: int


class EffectRow(msgspec.Struct, kw_only=True):
    """What one rule did."""

    owner: str
    side: str
    scope: str
    calls: int
    fallbacks: int


class SwitchReader:
    """Asks the store of facts; every method raises what ``ask`` raises."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def known(self) -> list[KnownRow]:
        """All names of the last ten days."""
        return decode(await self._ask(_KNOWN, {}), KnownRow)

    async def ruled(self) -> list[RuledRow]:
        """Which versions run where."""
        return decode(await self._ask(_RULED, {}), RuledRow)

    async def effect(self) -> list[EffectRow]:
        """What rules did in the last minutes."""
        return decode(await self._ask(_EFFECT, {}), EffectRow)
