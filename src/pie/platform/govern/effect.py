"""What rules did to calls: verdicts counted by rule, version and time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pie.govern import Key, Side, Verdict
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.coverage import MAX_SLOTS, STEPS, Slots
from pie.platform.ask.span import Span

ACTED: Final = frozenset({"rejected", "would_reject", "routed", "fallback", "limited"})
"""Verdicts that changed something, or would have."""
_MAX_ROWS: Final = 100_000
_MAX_SLOTS: Final = 60

_VERDICTS = """
SELECT side, kind, version, scope, verdict,
  toUInt32(intDiv(toUnixTimestamp(rule_10s.ts) - {since:Int64}, {step:UInt32})) AS slot,
  sum(calls) AS counted
FROM rule_10s
WHERE owner = {psm:String} AND rule_10s.ts >= fromUnixTimestamp({since:Int64})
  AND ({kind:String} = '' OR (kind = {kind:String} AND side = {side:String}))
GROUP BY side, kind, version, scope, verdict, slot
HAVING slot < {slots:UInt32} ORDER BY slot LIMIT {limit:UInt32}
"""


class VerdictRow(msgspec.Struct, frozen=True):
    """Calls of one verdict by one rule in one slot."""

    side: Side
    kind: str
    version: int
    scope: str
    verdict: Verdict
    slot: int
    counted: int


@dataclass(slots=True)
class RuleEffect:
    """What the rules of one kind and side did: calls by verdict, and how often they acted.

    To act is to reject, route, answer by a fallback …; ``acted`` has one number for each ``step``
    seconds from ``since`` on, null where no service of the fleet reported a call. ``known`` is
    false while the counts cannot be read.
    """

    verdicts: dict[str, int] = field(default_factory=dict)
    acted: list[int | None] = field(default_factory=list)
    since: int = 0
    step: int = 0
    known: bool = True


@dataclass(slots=True)
class ScopeEffect:
    """What one rule of one version did, in calls by verdict."""

    version: int
    scope: str
    verdicts: dict[str, int]


def effect_slots(span: Span) -> Slots:
    """The slots of the effects of a span: as many as a spark shows."""
    step = next((step for step in STEPS if step * _MAX_SLOTS >= span.window), STEPS[-1])
    count = min(-(-span.window // step), MAX_SLOTS)
    return Slots(((span.until - 1) // step + 1 - count) * step, step, count)


async def verdict_rows(
    ask: Ask, psm: str, slots: Slots, key: Key | None = None
) -> list[VerdictRow]:
    """The verdicts of the rules that a service's owner publishes, or of one set of them."""
    params = {
        "psm": psm,
        "kind": key.kind if key is not None else "",
        "side": key.side if key is not None else "",
        "since": slots.since,
        "step": slots.step,
        "slots": slots.count,
        "limit": _MAX_ROWS,
    }
    return decode(await ask(_VERDICTS, params), VerdictRow)


def effect(
    key: Key, rows: Sequence[VerdictRow] | None, slots: Slots, known: Collection[int] | None
) -> RuleEffect:
    """What the rules of one set did.

    Args:
        rows: None = it is not known now.
        known: the slots of which anything is known; None = that is not known now.
    """
    verdicts: dict[str, int] = {}
    acted: dict[int, int] = {}
    for row in rows or ():
        if (row.kind, row.side) != (key.kind, key.side):
            continue
        verdicts[row.verdict] = verdicts.get(row.verdict, 0) + row.counted
        if row.verdict in ACTED:
            acted[row.slot] = acted.get(row.slot, 0) + row.counted
    zero = frozenset(known or ())
    values = [acted.get(slot, 0 if slot in zero else None) for slot in range(slots.count)]
    return RuleEffect(verdicts, values, slots.since, slots.step, rows is not None)


def by_scope(key: Key, rows: Iterable[VerdictRow]) -> list[ScopeEffect]:
    """What each rule of a set did, the newest version first."""
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if (row.kind, row.side) == (key.kind, key.side):
            found[row.version, row.scope][row.verdict] += row.counted
    return [
        ScopeEffect(version, scope, dict(verdicts))
        for (version, scope), verdicts in sorted(found.items(), key=lambda each: each[0][::-1])
    ][::-1]
