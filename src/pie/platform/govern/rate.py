"""What rate rules would at least have rejected, by the calls of each ten seconds.

Algorithm: of the calls that one caller made to one method of one process in ten seconds, a rule of
``qps`` and ``burst`` admits at most ``qps`` · (10 + ``burst``): what ten seconds let through, and
what was saved up before. Whatever came beyond that is rejected, however it was spread. What came in
bursts inside the ten seconds is rejected more often, and rules with a warm-up reject more while
they are cold: so this is a lower bound. Where several rules hold for a call, the one that rejects
the most counts, since they may reject the same calls.

Buckets with little in them are added up in the store by caller, method and process. Where there are
too many rows for that, each row is taken by itself, which finds less, and is a lower bound as well.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from pie.govern import NONE, RuleSet, Ruling, Scope
from pie.govern.scope import Pattern
from pie.observe.facts.rows import EDGE_SECONDS
from pie.platform.ask.asking import Ask, decode
from pie.platform.ask.coverage import covered, slots_of
from pie.platform.govern.known import PastCalls, Source
from pie.platform.govern.preview import (
    PreviewCaller,
    PreviewRule,
    PreviewSeries,
    RulesPreview,
    fill,
    only_known,
    start,
)

MAX_RULES: Final = 30
"""Rules that are tried: those that hold for the most calls."""
_MANY_ROWS: Final = 2_000_000
_MAX_ANSWERS: Final = 20_000

_SUMS = """
SELECT of_caller AS caller, of_method AS method, max(n) AS highest, sum(n) AS counted,
  [{overs}] AS overs
FROM (
  SELECT {subject}, {matches}, {count} AS n
  FROM edge_10s WHERE {where} AND edge_10s.ts >= fromUnixTimestamp({{since:Int64}}) {group}
) GROUP BY caller, method ORDER BY counted DESC LIMIT {{limit:UInt32}}
"""
_SLOTS = """
SELECT toUInt32(intDiv(toUnixTimestamp(at) - {{since:Int64}}, {{step:UInt32}})) AS slot,
  sum(n) AS called, max(n) AS highest, toFloat64(sum({over})) AS hit
FROM (
  SELECT ts AS at, {matches}, sum(count) AS n
  FROM edge_10s WHERE {where} AND edge_10s.ts >= fromUnixTimestamp({{since:Int64}})
    AND {caller} = {{caller:String}} AND method = {{method:String}}
  GROUP BY at, {keys}
) GROUP BY slot HAVING slot < {{slots:UInt32}} ORDER BY slot
"""


class _SumsRow(msgspec.Struct):
    caller: str
    method: str
    highest: int
    counted: int
    overs: list[float]


class _SlotRow(msgspec.Struct):
    slot: int
    called: int
    highest: int
    hit: float


class _Tried:
    """Rules as parts of a question: conditions of their scopes, and what they admit in a bucket."""

    def __init__(self, source: Source, rules: Sequence[tuple[Scope, Ruling[Any]]]) -> None:
        self.rules = [ruling for _, ruling in rules]
        self.params: dict[str, Any] = {}
        used = {"caller", "method"}
        conditions = []
        for scope, _ in rules:
            parts = ["1"]
            for name, column in source.subject.items():
                pattern = getattr(scope, name)
                if pattern != "*":
                    used.add(name)
                    parts.append(self._condition(column, pattern))
            conditions.append(f"({' AND '.join(parts)})")
        per_service = bool(self.rules) and self.rules[0].rule.per == "service"
        columns = [column for name, column in source.subject.items() if name in used]
        self.keys = ", ".join([*columns, *([] if per_service else [source.who]), "ts"])
        self.matches = ", ".join(f"{each} AS m{n}" for n, each in enumerate(conditions))
        self.matches_any = ", ".join(f"any({each}) AS m{n}" for n, each in enumerate(conditions))
        self.overs = [
            f"if(m{n} AND n > {most(each.rule)!r}, n - {most(each.rule)!r}, 0.)"
            for n, each in enumerate(self.rules)
        ]

    def _condition(self, column: str, pattern: Pattern) -> str:
        name = f"scope{len(self.params)}"
        if isinstance(pattern, str):
            if pattern.endswith("*"):
                self.params[name] = pattern[:-1]
                return f"startsWith(if({column} = '', '{NONE}', {column}), {{{name}:String}})"
            self.params[name] = "" if pattern == NONE else pattern
            return f"{column} = {{{name}:String}}"
        self.params[name] = ["" if each == NONE else each for each in sorted(pattern)]
        return f"{column} IN {{{name}:Array(String)}}"


def most(rule: Any) -> float:
    """The calls that a rule can admit in one bucket, of one level."""
    return float(rule.qps * EDGE_SECONDS + max(1.0, rule.qps * rule.burst))


async def preview_rate(
    ask: Ask, past: PastCalls, draft: RuleSet[Any], now: RuleSet[Any] | None
) -> RulesPreview:
    """What rate rules would at least have done to past calls; arguments as of ``preview_exact``."""
    answer = start(past, draft, "estimate")
    held = _held(draft, past)
    rows, per_rule = await _callers(ask, past, draft, held)
    before = {} if now is None else (await _callers(ask, past, now, _held(now, past)))[0]
    for key, row in rows.items():
        if key in before:
            row.before = before[key].hit
    fill(answer, list(rows.values()))
    answer.rules = [
        PreviewRule(each.number + 1, each.scope, held.get(each.number, 0), per_rule[each.number])
        for each in sorted(draft.rules, key=lambda each: each.number)
    ]
    if len(draft.rules) > MAX_RULES:
        answer.text += (
            f"; of {len(draft.rules)} rules the {MAX_RULES} that hold for most were tried"
        )
    answer.series = await _series(ask, past, draft, answer.callers)
    return answer


def _held(rules: RuleSet[Any], past: PastCalls) -> dict[int, int]:
    """By number of a rule, the calls that it holds for."""
    found: dict[int, int] = {}
    for group in past.groups:
        for ruling in rules.holding(group.subject):
            found[ruling.number] = found.get(ruling.number, 0) + group.calls
    return found


async def _callers(
    ask: Ask, past: PastCalls, rules: RuleSet[Any], held: Mapping[int, int]
) -> tuple[dict[tuple[str, str], PreviewCaller], dict[int, float]]:
    """What each caller and method would lose, and what each rule would take."""
    scoped = sorted(rules.scoped, key=lambda each: -held.get(each[1].number, 0))[:MAX_RULES]
    found: dict[tuple[str, str], PreviewCaller] = {}
    taken = {each.number: 0.0 for each in rules.rules}
    for per in ("instance", "service"):
        tried = _Tried(
            past.source,
            [each for each in scoped if each[1].rule.per == per],
        )
        if not tried.rules:
            continue
        for row in decode(await ask(*_question(past, tried)), _SumsRow):
            key = (row.caller, row.method)
            caller = found.setdefault(key, PreviewCaller(*key, "", row.counted, 0.0, 0.0))
            caller.highest = max(caller.highest, row.highest / EDGE_SECONDS)
            for ruling, over in zip(tried.rules, row.overs, strict=True):
                taken[ruling.number] += over
                if ruling.rule.dry_run:
                    caller.recorded = max(caller.recorded, over)
                else:
                    caller.hit = max(caller.hit, over)
    return found, taken


def _question(past: PastCalls, tried: _Tried) -> tuple[str, dict[str, Any]]:
    few = sum(group.rows for group in past.groups) <= _MANY_ROWS
    caller = past.source.subject["caller"]
    names = f"{caller} AS of_caller, method AS of_method"
    sql = _SUMS.format(
        overs=", ".join(f"toFloat64(sum({each}))" for each in tried.overs),
        subject=f"any({caller}) AS of_caller, any(method) AS of_method" if few else names,
        matches=tried.matches_any if few else tried.matches,
        count="sum(count)" if few else "count",
        where=past.source.where,
        group=f"GROUP BY cityHash64({tried.keys})" if few else "",
    )
    return sql, {
        "psm": past.psm, "since": past.since, "limit": _MAX_ANSWERS, **tried.params,
    }  # fmt: skip


async def _series(
    ask: Ask, past: PastCalls, draft: RuleSet[Any], callers: Sequence[PreviewCaller]
) -> PreviewSeries | None:
    """The calls of the caller and method that would lose the most, and of none else."""
    if not callers or not (callers[0].hit or callers[0].recorded):
        return None
    worst = callers[0]
    scoped = [
        (scope, ruling)
        for scope, ruling in draft.scoped
        if any(
            scope.matches(group.subject)
            for group in past.groups
            if (group.subject.caller, group.subject.method) == (worst.caller, worst.method)
        )
    ]
    scope, ruling = min(scoped, key=lambda each: each[1].rule.qps)
    tried = _Tried(past.source, [(scope, ruling)])
    slots = slots_of(past.until, past.until - past.since)
    sql = _SLOTS.format(
        over=tried.overs[0],
        matches=tried.matches_any,
        where=past.source.where,
        caller=past.source.subject["caller"],
        keys=tried.keys,
    )
    params = {
        "psm": past.psm,
        "since": slots.since,
        "step": slots.step,
        "slots": slots.count,
        "caller": worst.caller,
        "method": worst.method,
        **tried.params,
    }
    rows, known = await asyncio.gather(ask(sql, params), covered(ask, slots))
    called, hit, highest = [0] * slots.count, [0.0] * slots.count, [0.0] * slots.count
    for row in decode(rows, _SlotRow):
        called[row.slot] = row.called
        hit[row.slot] = row.hit
        highest[row.slot] = row.highest / EDGE_SECONDS
    return PreviewSeries(
        slots.since, slots.step, only_known(called, known), only_known(hit, known),
        worst.caller, worst.method, only_known(highest, known), ruling.rule.qps,
    )  # fmt: skip
