"""From names, rules and counts to the list of switches. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pie.platform.pages.degrade.sql import EffectRow, KnownRow, RuledRow
from pie.platform.pages.degrade.store import Group, is_over, seconds
from pie.platform.pages.degrade.views import (
    SwitchGroup,
    SwitchRow,
    SwitchScope,
    SwitchState,
)
from pie.state import Service
from pie.state.rules.document import RuleDocument, WrittenRule


class Said(msgspec.Struct, frozen=True):
    """What the code says of a switch."""

    users_see: str = ""
    on: list[str] = []


class Facts(NamedTuple):
    """What the store of facts answered; None where it did not."""

    known: Sequence[KnownRow] | None
    ruled: Sequence[RuledRow] | None
    effect: Sequence[EffectRow] | None


Owners = Callable[[str], tuple[Sequence[str], bool]]
"""The owners of a PSM, and whether who asks may flip its switches."""


def build_switches(
    now: float,
    registry: Mapping[str, Service],
    documents: Mapping[str, RuleDocument],
    facts: Facts,
    owners: Owners,
    asked: Collection[tuple[str, str]] = (),
) -> list[SwitchRow]:
    """All switches, and those asked for: what is not on first, then by service and name."""
    known = {(each.psm, each.name): each for each in facts.known or ()}
    rules = {
        (psm, name): found
        for psm, document in documents.items()
        for name, found in _by_switch(document, now).items()
    }
    rows = []
    for psm, name in sorted(known.keys() | rules.keys() | set(asked)):
        document = documents.get(psm)
        row = _row(psm, name, rules.get((psm, name), []), known.get((psm, name)))
        row.version = document.version if document else 0
        service = registry.get(psm)
        row.running = len(service.instances) if service else 0
        row.at_version = _at_version(psm, row.version, facts.ruled)
        row.calls, row.fallbacks = _effect(psm, name, facts.effect)
        found_owners, row.may_flip = owners(psm)
        row.owners = list(found_owners)
        rows.append(row)
    return sorted(rows, key=lambda row: (row.state == "on", -row.since, row.psm, row.name))


def build_groups(groups: Sequence[Group], switches: Sequence[SwitchRow]) -> list[SwitchGroup]:
    """The groups, with how many of their switches are off."""
    states = {(row.psm, row.name): row.state for row in switches}
    return [
        SwitchGroup(
            each.name,
            each.description,
            each.switches,
            sum(states.get((one.psm, one.name), "on") != "on" for one in each.switches),
            each.author,
            each.at,
        )
        for each in groups
    ]


def _by_switch(document: RuleDocument, now: float) -> dict[str, list[WrittenRule]]:
    found: dict[str, list[WrittenRule]] = {}
    for rule in document.rules:
        if not is_over(rule, now):
            found.setdefault(str(rule.body.get("switch", "")), []).append(rule)
    return found


def _row(psm: str, name: str, rules: Sequence[WrittenRule], known: KnownRow | None) -> SwitchRow:
    whole = next((each for each in rules if not each.scope), None)
    scopes = [
        SwitchScope(_scope(each.scope), _state(each.body), float(each.body.get("percent", 100)))
        for each in rules
        if each.scope
    ]
    said = _said(known)
    body: Mapping[str, Any] = whole.body if whole else (rules[0].body if rules else {})
    return SwitchRow(
        psm=psm,
        name=name,
        state=_state(whole.body) if whole else ("partial" if scopes else "on"),
        percent=float(body.get("percent", 100)),
        by=body.get("by", "chain"),
        on=list(body.get("on", [])),
        since=seconds(body.get("since")),
        until=seconds(body.get("until")),
        person=str(body.get("person", "")),
        reason=str(body.get("reason", "")),
        scopes=scopes,
        users_see=said.users_see,
        fallback_on=said.on,
        owners=[],
        known=known is not None,
        last_seen=known.seen if known else 0.0,
        version=0,
        running=0,
        at_version=None,
        fallbacks=None,
        calls=None,
        may_flip=False,
    )


def _state(body: Mapping[str, Any]) -> SwitchState:
    if body.get("on"):
        return "failing"
    percent = float(body.get("percent", 100))
    return "on" if percent <= 0 else "off" if percent >= 100 else "partial"


def _scope(scope: Mapping[str, Any]) -> str:
    return " ".join(
        f"{field}={value if isinstance(value, str) else '|'.join(value)}"
        for field, value in scope.items()
    )


def _said(known: KnownRow | None) -> Said:
    try:
        return msgspec.json.decode(known.value, type=Said) if known and known.value else Said()
    except msgspec.MsgspecError:
        return Said()


def _at_version(psm: str, version: int, ruled: Sequence[RuledRow] | None) -> int | None:
    if ruled is None:
        return None
    key = f"rule/server/degrade@{psm}"
    return sum(row.instances for row in ruled if row.key == key and row.version == version)


def _effect(
    psm: str, name: str, effect: Sequence[EffectRow] | None
) -> tuple[int | None, int | None]:
    if effect is None:
        return None, None
    part = f"switch={name}"
    mine = [
        row
        for row in effect
        if row.owner == psm
        and row.side == "server"
        and (row.scope.partition(" ")[0] == part if name else not row.scope.startswith("switch="))
    ]
    return sum(row.calls for row in mine), sum(row.fallbacks for row in mine)
