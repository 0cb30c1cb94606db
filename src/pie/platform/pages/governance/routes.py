"""The rules of a service: what is in force, since when, what it does, and what would happen."""

import time
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import unless_away
from pie.platform.ask.coverage import covered
from pie.platform.ask.params import PsmPath
from pie.platform.ask.span import SpanQuery
from pie.platform.govern.effect import effect_slots, verdict_rows
from pie.platform.govern.explain import ExplainCall, Explanation, explain, rule_sets_of
from pie.platform.govern.in_force import reports
from pie.platform.govern.kinds import RuleKinds, all_kinds
from pie.platform.pages.governance.build import (
    Facts,
    build_detail,
    build_head,
    build_history,
    build_version,
    freeze_view,
    keys_of,
)
from pie.platform.pages.governance.draft import review
from pie.platform.pages.governance.sets import (
    book_of,
    facts_of,
    key_for,
    published,
    standing,
    world_of,
)
from pie.platform.pages.governance.views import (
    FleetRules,
    RuleCheck,
    RuleHistory,
    RuleSetDetail,
    RuleSetList,
    RulesPost,
    RuleVersionDetail,
)
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.editing import editing
from pie.platform.server.gatekeeper import require, user_of
from pie.state.rules.book import Published

router = APIRouter(
    prefix="/api/rules", tags=["governance"], dependencies=[Depends(require("person"))]
)

MAX_BODY = 1 << 20
"""Bytes of rules that are sent: those of the store, as YAML with comments, quoted in JSON."""
SidePath = Annotated[str, Path(max_length=20)]
KindPath = Annotated[str, Path(max_length=40)]
WINDOW = 3_600
"""Seconds of effect that are shown unless others are asked for."""
_MOST_SERVICES = 2_000


@router.get("", response_model=FleetRules)
async def list_fleet_rules(deps: AskDeps, asked: SpanQuery) -> Response:
    """Every rule set of the fleet that is published, with how many processes run it."""
    now = time.time()
    registry = await editing(deps.registry)
    keys = await editing(lambda: published(deps))
    names = list(dict.fromkeys(key.psm for key in keys))[:_MOST_SERVICES]
    book = book_of(deps)
    published_by = await editing(lambda: {psm: book.all(psm) for psm in names})
    freeze = await editing(book.frozen)
    rolling = await editing(book.rolling)
    slots = effect_slots(asked.at(now, WINDOW))
    known = await unless_away(covered(deps.facts.query, slots))
    sets = []
    for psm, its in published_by.items():
        found = await unless_away(reports(deps.facts.query, psm, now))
        verdicts = await unless_away(verdict_rows(deps.facts.query, psm, slots))
        facts = Facts(registry, found, verdicts, slots, known, rolling)
        sets += [build_head(key, each, facts) for key, each in its.documents.items()]
        sets += [build_head(key, None, facts, why) for key, why in its.unreadable.items()]
    return repeated_response(FleetRules(now, freeze_view(freeze), sets))


@router.get("/kinds", response_model=RuleKinds)
async def list_rule_kinds() -> Response:
    """All kinds of rules and their fields, and what scopes are made of."""
    return json_response(all_kinds())


@router.get("/{psm}", response_model=RuleSetList)
async def list_rule_sets(
    deps: AskDeps, request: Request, psm: PsmPath, asked: SpanQuery
) -> Response:
    """All rule sets of a service, with who runs which version and what they did."""
    documents, unreadable = await editing(lambda: book_of(deps).all(psm))
    facts = await facts_of(deps, psm, asked.at(time.time(), WINDOW))
    service = facts.registry.get(psm)
    owners, may_publish = await standing(deps, request, psm)
    own = keys_of(psm)
    keys = [*own, *(key for key in (*documents, *unreadable) if key not in own)]
    return repeated_response(
        RuleSetList(
            now=time.time(),
            psm=psm,
            user=user_of(request),
            may_publish=may_publish,
            owners=owners,
            instances=len(service.instances) if service is not None else 0,
            frozen=freeze_view(await editing(book_of(deps).frozen)),
            sets=[
                build_head(key, documents.get(key), facts, unreadable.get(key, "")) for key in keys
            ],
        )
    )


@router.post("/{psm}/explain", response_model=Explanation, max_body_size=MAX_BODY)
async def explain_call(
    deps: AskDeps, psm: PsmPath, given: Annotated[ExplainCall, Body()]
) -> Response:
    """What would happen to a call of a service, and by which rule of which version."""
    call = replace(given, callee=psm)
    found = await _published(deps, call)
    world = await world_of(deps, psm, time.time())
    documents = list(found.documents.values())
    return json_response(explain(call, documents, world, found.unreadable))


async def _published(deps: Deps, call: ExplainCall) -> Published:
    """The rule sets that a call meets."""
    found = Published({}, {})
    for psm in dict.fromkeys(name for name, _ in rule_sets_of(call)):
        its = await editing(partial(book_of(deps).all, psm))
        found = Published(found.documents | its.documents, found.unreadable | its.unreadable)
    return found


@router.get("/{psm}/{side}/{kind}", response_model=RuleSetDetail)
async def get_rule_set(
    deps: AskDeps,
    request: Request,
    psm: PsmPath,
    side: SidePath,
    kind: KindPath,
    asked: SpanQuery,
) -> Response:
    """One rule set with its rules; `-` as the side is the first that the kind has."""
    key = key_for(psm, side, kind)
    book = book_of(deps)
    document = await editing(lambda: book.get(key))
    detail = build_detail(
        key,
        document,
        await facts_of(deps, psm, asked.at(time.time(), WINDOW), key),
        await editing(book.frozen),
        may_publish=(await standing(deps, request, psm))[1],
    )
    return json_response(detail)


@router.post("/{psm}/{side}/{kind}/check", response_model=RuleCheck, max_body_size=MAX_BODY)
async def check_rules(
    deps: AskDeps, psm: PsmPath, side: SidePath, kind: KindPath, given: Annotated[RulesPost, Body()]
) -> Response:
    """What is wrong with rules, what they change, and what they would have done to past calls."""
    return json_response(await review(deps, key_for(psm, side, kind), given))


@router.get("/{psm}/{side}/{kind}/history", response_model=RuleHistory)
async def get_rule_history(deps: AskDeps, psm: PsmPath, side: SidePath, kind: KindPath) -> Response:
    """The versions of a rule set that are kept, the newest first, with what each changed."""
    key = key_for(psm, side, kind)
    book = book_of(deps)
    versions, current = await editing(lambda: (book.history(key), book.get(key)))
    return json_response(build_history(key, versions, current))


@router.get("/{psm}/{side}/{kind}/history/{version}", response_model=RuleVersionDetail)
async def get_rule_version(
    deps: AskDeps,
    psm: PsmPath,
    side: SidePath,
    kind: KindPath,
    version: Annotated[int, Path(ge=1, le=10**9)],
) -> Response:
    """One version that is kept, and what would change if it were published anew."""
    key = key_for(psm, side, kind)
    book = book_of(deps)
    versions, current = await editing(lambda: (book.history(key), book.get(key)))
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        kept = f"v{versions[-1].version} to v{versions[0].version}" if versions else "none"
        raise Failure(Kind.NOT_FOUND, f"v{version} of {kind} of {psm} is not kept; kept: {kept}")
    return json_response(build_version(key, found, current))
