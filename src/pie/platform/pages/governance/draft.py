"""Rules before they are published: read from JSON or YAML, checked, compared, tried on the past."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from pie.govern import KINDS, Key
from pie.model import Failure
from pie.model import Kind as FailureKind
from pie.platform.ask.asking import unless_away
from pie.platform.govern.check import Checked, RuleProblem, check, made_if_any, warnings
from pie.platform.govern.diff import diff
from pie.platform.govern.kinds import kind_view
from pie.platform.govern.known import PastCalls, known_names, past_calls
from pie.platform.govern.predict import predict
from pie.platform.govern.yaml_read import Path, YamlError, read_yaml
from pie.platform.govern.yaml_write import write_yaml
from pie.platform.pages.governance.build import build_clash, texts, written
from pie.platform.pages.governance.sets import book_of, world_of
from pie.platform.pages.governance.views import RuleCheck, RuleClash, RulesPost, RulesPut
from pie.platform.server.deps import Deps
from pie.platform.server.editing import editing
from pie.state import Service
from pie.state.rules.document import Rollout, RuleDocument, WrittenRule

_FEW_INSTANCES = 2
"""With fewer there is no step between none and all."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody sent: rules as they are written, the version they were made from, the lines of
    the text. ``broken`` is why the text cannot be read."""

    rules: list[WrittenRule]
    seen: int | None
    lines: Mapping[Path, int] = field(default_factory=dict)
    broken: RuleProblem | None = None


def draft_of(key: Key, given: RulesPost | RulesPut) -> Draft:
    """The rules of a request.

    Raises:
        Failure: it has none, or both forms, or is for another rule set.
    """
    if (given.rules is None) == (given.yaml is None):
        raise Failure(FailureKind.INVALID, "send the rules as `rules` or as `yaml`, one of the two")
    if given.yaml is None:
        return Draft(written(given.rules or []), given.seen)
    try:
        read = read_yaml(given.yaml)
    except YamlError as error:
        return Draft([], given.seen, {}, RuleProblem(0, "", error.line, error.reason))
    for name, value in (("kind", read.kind), ("psm", read.psm), ("side", read.side)):
        if value and value != getattr(key, name):
            raise Failure(
                FailureKind.INVALID,
                f"the text is for {name} {value}, and was sent for {getattr(key, name)}: "
                "change the text, or send it there",
            )
    return Draft(read.rules, read.version if given.seen is None else given.seen, read.lines)


async def review(deps: Deps, key: Key, given: RulesPost) -> RuleCheck:
    """Everything that is to be said of rules before they are published."""
    draft = draft_of(key, given)
    current = await editing(lambda: book_of(deps).get(key))
    version = current.version if current is not None else 0
    seen = version if draft.seen is None else draft.seen
    clash = await clash_of(deps, key, seen, current)
    needs = kind_view(KINDS[key.kind]).rejects
    if draft.broken is not None:
        return RuleCheck(
            version, seen, [], given.yaml or "", [draft.broken], [], None, None, clash, needs, False
        )
    checked = await run_in_threadpool(lambda: check(key, draft.rules, version + 1, draft.lines))
    before = current.rules if current is not None else ()
    answer = RuleCheck(
        version=version,
        seen=seen,
        rules=texts(checked.rules),
        yaml=given.yaml if given.yaml is not None else write_yaml(key, checked.rules, seen),
        errors=checked.errors,
        warnings=[],
        diff=diff(key, before, checked.rules, (version, version + 1)),
        preview=None,
        clash=clash,
        comment_needed=needs,
        stepped=False,
    )
    if checked.made is None:
        return answer
    now = time.time()
    past = await unless_away(past_calls(deps.facts.query, key, now))
    registry = await editing(deps.registry)
    answer.stepped = _goes_by_step(key, checked, registry)
    answer.warnings = await run_in_threadpool(
        lambda: _warnings(key, checked, registry, past, draft.lines)
    )
    if given.preview:
        world = await world_of(deps, key.psm, now)
        answer.preview = await predict(
            deps.facts.query, past, checked.made, made_if_any(current), world
        )
    return answer


async def rollout_of(
    deps: Deps, key: Key, checked: Checked, current: RuleDocument | None
) -> Rollout | None:
    """How a version begins: step by step where it may turn calls away, else at once (None).

    What the preview says that it would reject is expected, so that the roll-out is not stopped for
    it.
    """
    made = checked.made
    if made is None or not _goes_by_step(key, checked, await editing(deps.registry)):
        return None
    now = time.time()
    past = await unless_away(past_calls(deps.facts.query, key, now))
    world = await world_of(deps, key.psm, now)
    found = await predict(deps.facts.query, past, made, made_if_any(current), world)
    more = max(0.0, found.hit - found.before)
    return Rollout(expected=min(100.0, 100 * more / found.calls if found.calls else 0.0))


def _goes_by_step(key: Key, checked: Checked, registry: Mapping[str, Service]) -> bool:
    """Whether rules may turn calls away, and there is a step between no instance and all."""
    made = checked.made
    if made is None or not kind_view(made.kind).rejects:
        return False
    if all(ruling.rule.dry_run for ruling in made.rules):
        return False  # Nothing is enforced.
    service = registry.get(key.psm)
    return service is not None and len(service.instances) >= _FEW_INSTANCES


async def clash_of(
    deps: Deps, key: Key, seen: int, current: RuleDocument | None
) -> RuleClash | None:
    """What somebody published since the version ``seen``; None if that is the one that stands."""
    if current is None or current.version == seen:
        return None
    kept = await editing(lambda: book_of(deps).history(key))
    base = next((each for each in kept if each.version == seen), None)
    return build_clash(key, seen, base, current)


def _warnings(
    key: Key,
    checked: Checked,
    registry: Mapping[str, Service],
    past: PastCalls | None,
    lines: Mapping[Path, int],
) -> list[RuleProblem]:
    groups = past.groups if past is not None else None
    return warnings(checked, known_names(key.psm, registry, groups or ()), groups, lines)
