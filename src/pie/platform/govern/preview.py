"""What rules would have done to the calls of the last days, before they are published.

Access, route and degrade decide on a call alone, so what decides on real calls is asked about each
kind of call that was counted: exact. Routes are tried on the instances that are registered now,
since nobody recorded those of last week. For rate see ``rate.py``. Kinds that depend on load cannot
be told: publish them with ``dry_run``.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from pie.govern import RuleSet, Subject
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.coverage import Slots, covered, slots_of
from pie.platform.govern.kinds import Predictable
from pie.platform.govern.known import CallGroup, PastCalls, SubjectRow
from pie.platform.govern.replay import Effect, World, replay

_T = TypeVar("_T")

MAX_ROWS: Final = 200
MAX_TARGETS: Final = 50
_MAX_NAMES: Final = 1_000
"""Callers and methods whose calls a series tells apart."""
_MAX_SLOT_ROWS: Final = 200_000


@dataclass(slots=True)
class PreviewCaller:
    """One caller and method: all its calls, those that the rules would act on (``hit``; a part of a
    call where a rule is for a percentage), those that the rules in force act on (``before``), and
    for rate the highest calls a second over ten seconds."""

    caller: str
    method: str
    callee: str
    calls: int
    hit: float
    before: float
    recorded: float = 0.0
    highest: float = 0.0


@dataclass(slots=True)
class PreviewRule:
    """One rule (counted from 1), and the calls that it would have a say in and act on."""

    rule: int
    scope: str
    calls: int
    hit: float


@dataclass(slots=True)
class PreviewTarget:
    """A way of a route: how many calls would go it, and how many do by the rules in force."""

    way: str
    calls: float
    before: float


@dataclass(slots=True)
class PreviewSeries:
    """Calls and those acted on, in slots of ``step`` seconds from ``since`` on.

    Of all calls, or of ``caller`` and ``method``; then ``highest`` are the highest calls a second
    over ten seconds of each slot, and ``limit`` is what the rule allows. A slot in which no service
    of the fleet reported a call is null: it is not known what happened.
    """

    since: int
    step: int
    called: list[int | None]
    hit: list[float | None]
    caller: str = ""
    method: str = ""
    highest: list[float | None] = field(default_factory=list)
    limit: float = 0.0


@dataclass(slots=True)
class RulesPreview:
    """What rules would have done to the calls from ``since`` to ``until``.

    ``hit`` calls are those that they act on: reject, send elsewhere, answer by a fallback;
    ``recorded`` those on which a rule with ``dry_run`` would have acted. ``before`` are those that
    the rules in force act on. ``text`` says it in a sentence.
    """

    kind: Predictable
    text: str
    action: str = ""
    since: int = 0
    until: int = 0
    calls: int = 0
    hit: float = 0.0
    before: float = 0.0
    recorded: float = 0.0
    callers_hit: int = 0
    callers: list[PreviewCaller] = field(default_factory=list)
    more_callers: int = 0
    rules: list[PreviewRule] = field(default_factory=list)
    targets: list[PreviewTarget] = field(default_factory=list)
    series: PreviewSeries | None = None
    complete: bool = True


ACTIONS: Final[Mapping[str, str]] = {
    "access": "reject",
    "rate": "reject",
    "route": "send elsewhere",
    "degrade": "switch off, or answer by a fallback,",
}


def not_predictable(kind: str) -> RulesPreview:
    """The preview of a kind that depends on what its gates remember."""
    return RulesPreview(
        "no",
        f"what {kind} rules do depends on more than the kinds of calls that were counted, so it is "
        "not predictable: use dry_run where the kind has it, and look at the effect",
    )


async def preview_exact(
    ask: Ask, past: PastCalls, draft: RuleSet[Any], now: RuleSet[Any] | None, world: World
) -> RulesPreview:
    """What a draft would have done to past calls.

    Args:
        ask: the store of facts.
        past: the calls.
        draft: the rules.
        now: the rules in force; None = there are none.
        world: what decisions depend on besides.
    """
    new = _replayed(draft, past.groups, world)
    none = RuleSet(draft.kind, draft.psm, draft.side, 1, ())
    old = _replayed(none if now is None else now, past.groups, world)
    answer = start(past, draft, "exact")
    callers: dict[tuple[str, str, str], PreviewCaller] = {}
    rules = {each.number: PreviewRule(each.number + 1, each.scope, 0, 0.0) for each in draft.rules}
    targets: dict[str, PreviewTarget] = {}
    for group, effect, before in zip(past.groups, new, old, strict=True):
        names = (group.subject.caller, group.subject.method, group.subject.callee)
        row = callers.setdefault(names, PreviewCaller(*names, 0, 0.0, 0.0))
        row.calls += group.calls
        row.hit += effect.acts * group.calls
        row.before += before.acts * group.calls
        row.recorded += effect.records * group.calls
        for number, acts in effect.rules.items():
            rules[number].calls += group.calls
            rules[number].hit += acts * group.calls
        for way, share in effect.targets.items():
            _target(targets, way).calls += share * group.calls
        for way, share in before.targets.items():
            _target(targets, way).before += share * group.calls
    fill(answer, list(callers.values()))
    answer.rules = [rules[number] for number in sorted(rules)]
    answer.targets = sorted(targets.values(), key=lambda each: -each.calls)[:MAX_TARGETS]
    answer.series = await _series(ask, past, new)
    return answer


def start(past: PastCalls, draft: RuleSet[Any], kind: Predictable) -> RulesPreview:
    """A preview of the past calls, not filled yet."""
    return RulesPreview(
        kind, "", ACTIONS[draft.kind.kind], past.since, past.until, past.calls,
        complete=past.complete,
    )  # fmt: skip


def fill(answer: RulesPreview, callers: list[PreviewCaller]) -> None:
    """The rows of callers, the sums over them, and the sentence."""
    answer.hit = sum(each.hit for each in callers)
    answer.before = sum(each.before for each in callers)
    answer.recorded = sum(each.recorded for each in callers)
    answer.callers_hit = len({each.caller for each in callers if each.hit or each.recorded})
    shown = sorted(callers, key=lambda each: (-each.hit - each.recorded, -each.calls))
    answer.callers = shown[:MAX_ROWS]
    answer.more_callers = len(shown) - len(answer.callers)
    answer.text = _sentence(answer)


def _sentence(answer: RulesPreview) -> str:
    days = round((answer.until - answer.since) / 86_400)
    if not answer.calls:
        return f"no call of the last {days} days is known, so nothing can be said"
    least = "at least " if answer.kind == "estimate" else ""
    who = f" of {answer.callers_hit:,} caller{'s' if answer.callers_hit != 1 else ''}"
    said = f"it would {answer.action} none of the {answer.calls:,} calls of the last {days} days"
    if answer.hit:
        share = _percent(answer.hit / answer.calls)
        said = (
            f"it would {answer.action} {least}{answer.hit:,.0f} calls{who}, {share} of the "
            f"{answer.calls:,} of the last {days} days"
        )
    if answer.before:
        said += f"; the rules in force {answer.action} {answer.before:,.0f} of them"
    if answer.recorded:
        said += f"; {least}{answer.recorded:,.0f} it would only record (dry_run)"
    if not answer.complete:
        said += "; only the most frequent kinds of calls were looked at"
    return said


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %" if share >= 0.0001 else "less than 0.01 %"


def _replayed(rules: RuleSet[Any], groups: Sequence[CallGroup], world: World) -> list[Effect]:
    decide = replay(rules, world)
    assert decide is not None, f"rules of kind {rules.kind.kind} are no exact ones"
    return [decide(group.subject) for group in groups]


def _target(targets: dict[str, PreviewTarget], way: str) -> PreviewTarget:
    return targets.setdefault(way, PreviewTarget(way, 0.0, 0.0))


_SLOT = "toUInt32(intDiv(toUnixTimestamp(ts) - {since:Int64}, {step:UInt32}))"
_CALLED = """
SELECT {slot} AS slot, sum(count) AS called FROM edge_10s
WHERE {where} AND edge_10s.ts >= fromUnixTimestamp({{since:Int64}})
GROUP BY slot HAVING slot < {{slots:UInt32}} ORDER BY slot
"""
_OF_SUBJECTS = """
SELECT {slot} AS slot, {columns}, sum(count) AS called FROM edge_10s
WHERE {where} AND edge_10s.ts >= fromUnixTimestamp({{since:Int64}})
  AND {caller} IN {{callers:Array(String)}} AND method IN {{methods:Array(String)}}
GROUP BY slot, {names} HAVING slot < {{slots:UInt32}} LIMIT {{limit:UInt32}}
"""


class _SlotRow(msgspec.Struct):
    slot: int
    called: int


class _SubjectSlot(SubjectRow, kw_only=True):
    slot: int
    called: int


async def _series(ask: Ask, past: PastCalls, effects: Sequence[Effect]) -> PreviewSeries | None:
    """The calls over time, with those that are acted on; None where none is."""
    shares: dict[Subject, float] = {
        group.subject: effect.acts or effect.records
        for group, effect in zip(past.groups, effects, strict=True)
        if effect.acts or effect.records
    }
    if not shares:
        return None
    slots = slots_of(past.until, past.until - past.since)
    parts = {
        "slot": _SLOT,
        "where": past.source.where,
        "columns": past.source.columns,
        "names": past.source.names,
        "caller": past.source.subject["caller"],
    }
    params = _params(past, slots)
    named = {
        "callers": list(dict.fromkeys(each.caller for each in shares))[:_MAX_NAMES],
        "methods": list(dict.fromkeys(each.method for each in shares))[:_MAX_NAMES],
        "limit": _MAX_SLOT_ROWS,
    }
    called, of_subjects, known = await asyncio.gather(
        ask(_CALLED.format(**parts), params),
        ask(_OF_SUBJECTS.format(**parts), params | named),
        covered(ask, slots),
    )
    counted = [0] * slots.count
    for row in decode(called, _SlotRow):
        counted[row.slot] = row.called
    hit = [0.0] * slots.count
    for each in decode(of_subjects, _SubjectSlot):
        hit[each.slot] += each.called * shares.get(each.subject, 0.0)
    return PreviewSeries(
        slots.since, slots.step, only_known(counted, known), only_known(hit, known)
    )


def only_known(values: Sequence[_T], known: Collection[int]) -> list[_T | None]:
    """The values of slots of which something is known, None for the others."""
    return [value if slot in known else None for slot, value in enumerate(values)]


def _params(past: PastCalls, slots: Slots) -> dict[str, Any]:
    return {
        "psm": past.psm,
        "since": slots.since,
        "step": slots.step,
        "slots": slots.count,
    }
