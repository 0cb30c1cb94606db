"""From rule documents, reports and counts to the answers of the page. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pie.govern import KINDS, SIDES, Key, describe
from pie.platform.ask.coverage import Slots
from pie.platform.govern.diff import diff, scope_text, summary
from pie.platform.govern.effect import VerdictRow, by_scope, effect
from pie.platform.govern.in_force import Report, in_force
from pie.platform.govern.kinds import kind_view
from pie.platform.govern.values import show_value
from pie.platform.govern.yaml_write import write_for_editor, write_yaml
from pie.platform.pages.governance.views import (
    RuleClash,
    RuleFreeze,
    RuleHistory,
    RuleRollout,
    RuleSetDetail,
    RuleSetHead,
    RuleText,
    RuleVersion,
    RuleVersionDetail,
)
from pie.state import Service
from pie.state.freeze import Freeze
from pie.state.rules.document import Rollout, RuleDocument, WrittenRule

_SUMMARY = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of rules in force. ``covered`` are the slots of which anything is known; it,
    ``reports`` and ``verdicts`` are None while the facts are away."""

    registry: Mapping[str, Service]
    reports: Sequence[Report] | None
    verdicts: Sequence[VerdictRow] | None
    slots: Slots
    covered: frozenset[int] | None
    rolling: Mapping[Key, str]


def keys_of(psm: str) -> list[Key]:
    """All rule sets that a service can have, in the order of a call's way."""
    order = ("callers", "client", "server")
    sides = sorted(SIDES, key=order.index)
    return [
        Key(kind, psm, side) for side in sides for kind, rule in KINDS.items() if side in rule.sides
    ]


def build_head(
    key: Key, document: RuleDocument | None, facts: Facts, unreadable: str = ""
) -> RuleSetHead:
    """One rule set in a list; ``unreadable`` is why its document cannot be read."""
    known = key.kind in KINDS
    view = kind_view(KINDS[key.kind]) if known else None
    rules = document.rules if document is not None else ()
    return RuleSetHead(
        psm=key.psm,
        side=key.side,
        kind=key.kind,
        help=view.help if view is not None else "",
        rejects=view.rejects if view is not None else False,
        preview=view.preview if view is not None else "no",
        version=document.version if document is not None else 0,
        rules=len(rules),
        summary=_summary(key, rules),
        author=document.author if document is not None else "",
        at=document.at if document is not None else 0.0,
        comment=document.comment if document is not None else "",
        rollout=_rollout(document, facts.rolling.get(key, "")),
        in_force=in_force(key, document, facts.reports, facts.registry),
        effect=effect(key, facts.verdicts, facts.slots, facts.covered),
        unreadable=unreadable
        or ("" if known else f"this platform knows no rules of kind {key.kind}: a newer one does"),
    )


def build_detail(
    key: Key,
    document: RuleDocument | None,
    facts: Facts,
    freeze: Freeze | None,
    *,
    may_publish: bool,
) -> RuleSetDetail:
    """One rule set with its rules."""
    rules = list(document.rules) if document is not None else []
    version = document.version if document is not None else 0
    return RuleSetDetail(
        build_head(key, document, facts),
        texts(rules),
        write_yaml(key, rules, version),
        write_for_editor(key, rules, version),
        by_scope(key, facts.verdicts or ()),
        freeze_view(freeze),
        may_publish,
    )


def build_history(
    key: Key, versions: Sequence[RuleDocument], current: RuleDocument | None
) -> RuleHistory:
    """The versions of a rule set, each with what it changed; ``versions`` has the newest first."""
    found = []
    for at, document in enumerate(versions):
        before = versions[at + 1] if at + 1 < len(versions) else None
        changes = diff(
            key,
            before.rules if before is not None else (),
            document.rules,
            (before.version if before is not None else 0, document.version),
        )
        oldest_kept = before is None and document.version > 1
        found.append(
            RuleVersion(
                document.version,
                document.author,
                document.at,
                document.comment,
                "the oldest version that is kept" if oldest_kept else summary(changes),
                _state(document, current),
                len(document.rules),
                changes,
            )
        )
    return RuleHistory(key.psm, key.side, key.kind, found)


def build_version(
    key: Key, document: RuleDocument, current: RuleDocument | None
) -> RuleVersionDetail:
    """One version, compared with what stands now."""
    now = current.version if current is not None else 0
    return RuleVersionDetail(
        document.version,
        document.author,
        document.at,
        document.comment,
        texts(document.rules),
        write_yaml(key, document.rules, document.version),
        diff(
            key,
            current.rules if current is not None else (),
            document.rules,
            (now, document.version),
        ),
    )


def build_clash(key: Key, seen: int, base: RuleDocument | None, current: RuleDocument) -> RuleClash:
    """What somebody published since a version; ``base`` is that version, None if it is not kept."""
    return RuleClash(
        current.version,
        seen,
        current.author,
        current.at,
        current.comment,
        write_yaml(key, current.rules, current.version),
        diff(
            key,
            base.rules if base is not None else (),
            current.rules,
            (seen, current.version),
        ),
    )


def written(rules: Sequence[RuleText]) -> list[WrittenRule]:
    """Rules as the book takes them."""
    return [WrittenRule(each.scope, each.body) for each in rules]


def texts(rules: Sequence[WrittenRule]) -> list[RuleText]:
    """Rules as an answer holds them."""
    return [RuleText(each.scope, each.body) for each in rules]


def freeze_view(freeze: Freeze | None) -> RuleFreeze | None:
    """Who froze the rules."""
    return None if freeze is None else RuleFreeze(freeze.by, freeze.at, freeze.reason)


def _rollout(document: RuleDocument | None, waits: str) -> RuleRollout | None:
    rollout: Rollout | None = document.rollout if document is not None else None
    if document is None or rollout is None:
        return None
    return RuleRollout(
        list(rollout.instances),
        rollout.percent,
        rollout.step,
        rollout.began,
        rollout.pause_s,
        rollout.expected,
        rollout.stopped,
        document.previous_version,
        waits,
    )


def _state(document: RuleDocument, current: RuleDocument | None) -> str:
    if current is None:
        return ""
    rollout = current.rollout
    if document.version == current.version:
        if rollout is None:
            return "in_force"
        return "stopped" if rollout.stopped else "rolling"
    is_run = rollout is not None and document.version == current.previous_version
    return "in_force" if is_run else ""


def _summary(key: Key, rules: Sequence[WrittenRule]) -> str:
    """The rules in a line: ``caller=toutiao.feed.*: qps 90 calls/s · every call: qps 900 …``."""
    if key.kind not in KINDS:
        return ""
    forms = {each.name: each for each in describe(KINDS[key.kind])}
    parts, length = [], 0
    for rule in rules:
        values = ", ".join(
            f"{name} {show_value(forms.get(name), _short(rule.body[name]))}"
            for name in [*forms, *(rule.body.keys() - forms.keys())]
            if name in rule.body
        )
        parts.append(f"{scope_text(key.kind, rule) or 'every call'}: {values or 'the defaults'}")
        length += len(parts[-1])
        if length > _SUMMARY:
            break
    text = " · ".join(parts)
    return text if len(text) <= _SUMMARY else text[: _SUMMARY - 1] + "…"


def _short(value: Any) -> Any:
    """A long list cut: it is a line."""
    return [*value[:5], "…"] if isinstance(value, list) and len(value) > 5 else value
