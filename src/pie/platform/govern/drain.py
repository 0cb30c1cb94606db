"""Drains: which instances a host or an instance names, and the rules with it drained or back. Pure.

The drains of a service are one rule set of the side ``callers``; what this file adds to and takes
from stands in its rule for every call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from pie.model import address_of
from pie.platform.ask.asking import Ask, decode
from pie.state import Instance, Service
from pie.state.rules.document import RuleDocument, WrittenRule

WINDOW_S = 60
_STILL = """
SELECT psm, instance, caller, sum(count) AS calls, toUnixTimestamp(max(ts)) AS last
FROM edge_10s
WHERE side = 'server' AND psm IN {psms:Array(String)} AND instance IN {instances:Array(String)}
  AND edge_10s.ts >= fromUnixTimestamp({since:Int64})
GROUP BY psm, instance, caller ORDER BY calls DESC LIMIT 10000
"""
Part = Literal["instances", "hosts"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is drained of one service: the name to write, where, and the instances that it is."""

    psm: str
    part: Part
    name: str
    instances: tuple[Instance, ...]


class StillRow(msgspec.Struct):
    """Calls that an instance served of one caller in the last minute."""

    psm: str
    instance: str
    caller: str
    calls: int
    last: int


def targets(name: str, registry: Mapping[str, Service]) -> list[Target]:
    """What a name means: a host, or an instance by its id or ``host:port``; by service."""
    found = []
    for psm, service in registry.items():
        of_host = tuple(each for each in service.instances if each.host == name)
        if of_host:
            found.append(Target(psm, "hosts", name, of_host))
            continue
        named = tuple(each for each in service.instances if name in (each.id, address_of(each)))
        if named:
            found.append(Target(psm, "instances", named[0].id, named))
    return found


def is_drained(document: RuleDocument | None, target: Target) -> bool:
    """Whether a rule for every call drains it."""
    rule = _rule(document)
    return rule is not None and target.name in rule.body.get(target.part, ())


def drained(document: RuleDocument | None, target: Target) -> list[WrittenRule]:
    """The rules with the target drained."""
    rule = _rule(document) or WrittenRule({}, {})
    names = [*rule.body.get(target.part, ()), target.name]
    return _with(document, {**rule.body, target.part: sorted(set(names))})


def undrained(document: RuleDocument | None, target: Target) -> list[WrittenRule]:
    """The rules without the target; without the rule, where nothing else is in it."""
    rule = _rule(document) or WrittenRule({}, {})
    kept = [each for each in rule.body.get(target.part, ()) if each != target.name]
    body = {name: value for name, value in {**rule.body, target.part: kept}.items() if value}
    return _with(document, body)


def names_in(document: RuleDocument) -> list[tuple[Part, str]]:
    """The hosts and instances that the rule for every call drains."""
    rule = _rule(document)
    body = rule.body if rule is not None else {}
    parts: tuple[Part, ...] = ("hosts", "instances")
    return [(part, name) for part in parts for name in body.get(part, ())]


async def still_served(ask: Ask, found: Sequence[Target], now: float) -> list[StillRow]:
    """The calls that instances served in the last minute."""
    params = {
        "psms": [each.psm for each in found],
        "instances": [instance.id for each in found for instance in each.instances],
        "since": int(now) - WINDOW_S,
    }
    return decode(await ask(_STILL, params), StillRow)


def _rule(document: RuleDocument | None) -> WrittenRule | None:
    rules = document.rules if document is not None else ()
    return next((each for each in rules if not _is_narrow(each.scope)), None)


def _with(document: RuleDocument | None, body: dict[str, Any]) -> list[WrittenRule]:
    others = [each for each in (document.rules if document else ()) if _is_narrow(each.scope)]
    return [*([WrittenRule({}, body)] if body else []), *others]


def _is_narrow(scope: Mapping[str, Any]) -> bool:
    return any(pattern != "*" for pattern in scope.values())
