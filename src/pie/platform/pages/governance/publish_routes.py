"""Publishing rules: a person does it, on the version that they saw, and says why."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from pie.govern import KINDS, Key
from pie.model import Failure, Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.params import PsmPath
from pie.platform.ask.span import last
from pie.platform.govern.check import Checked, check, first_error
from pie.platform.govern.kinds import kind_view
from pie.platform.pages.governance.build import build_detail, freeze_view
from pie.platform.pages.governance.draft import clash_of, draft_of, rollout_of
from pie.platform.pages.governance.routes import MAX_BODY, WINDOW, KindPath, SidePath
from pie.platform.pages.governance.sets import book_of, facts_of, key_for
from pie.platform.pages.governance.views import (
    ConflictAnswer,
    ConflictBody,
    FreezeState,
    ReasonPost,
    RuleSetDetail,
    RulesPut,
    RulesRollback,
)
from pie.platform.server.answers import json_response
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.editing import editing
from pie.platform.server.gatekeeper import require, user_of
from pie.platform.server.people import require_owner
from pie.state.rules.book import RuleConflict
from pie.state.rules.document import Rollout, RuleDocument

router = APIRouter(
    prefix="/api/rules", tags=["governance"], dependencies=[Depends(require("person"))]
)

_CONFLICTS: dict[int | str, dict[str, Any]] = {
    400: {"model": ConflictAnswer, "description": "The rules cannot be published"},
    409: {"model": ConflictAnswer, "description": "Somebody published meanwhile"},
}


@router.post("/freeze", response_model=FreezeState, max_body_size=MAX_BODY)
async def freeze_rules(
    deps: AskDeps, request: Request, given: Annotated[ReasonPost, Body()]
) -> Response:
    """Stop publishing and roll-outs in the whole fleet; an admin does, with a reason."""
    require("admin")(request)
    if not given.reason.strip():
        raise NamedFailure(
            Kind.INVALID, "say why the rules are frozen: others will ask", "freeze_reason"
        )
    by = user_of(request)
    freeze = await editing(lambda: book_of(deps).freeze(by, given.reason.strip()))
    return json_response(FreezeState(freeze_view(freeze)))


@router.delete("/freeze", response_model=FreezeState, max_body_size=MAX_BODY)
async def thaw_rules(
    deps: AskDeps, request: Request, given: Annotated[ReasonPost | None, Body()] = None
) -> Response:
    """Let people publish again; an admin does."""
    require("admin")(request)
    by, reason = user_of(request), given.reason.strip() if given is not None else ""
    await editing(lambda: book_of(deps).thaw(by, reason))
    return json_response(FreezeState(None))


@router.put(
    "/{psm}/{side}/{kind}",
    response_model=RuleSetDetail,
    responses=_CONFLICTS,
    max_body_size=MAX_BODY,
)
async def publish_rules(
    deps: AskDeps,
    request: Request,
    psm: PsmPath,
    side: SidePath,
    kind: KindPath,
    given: Annotated[RulesPut, Body()],
) -> Response:
    """Publish the rules of one kind: all of them, in place of those that stand."""
    key = key_for(psm, side, kind)
    person = await require_owner(request, psm)
    draft = draft_of(key, given)
    if draft.seen is None:
        raise Failure(
            Kind.INVALID,
            "say which version the rules were made from: `seen`, or `version:` in the text; 0 = "
            "there was none",
        )
    checked = check(key, draft.rules, draft.seen + 1, draft.lines)
    if draft.broken is not None or checked.errors:
        errors = checked.errors if draft.broken is None else [draft.broken]
        text = first_error(key.kind, checked) if draft.broken is None else draft.broken.message
        return _refused(ConflictBody(400, Kind.INVALID.value, text, problems=errors))
    comment = _comment(key, given.comment)
    rollout = None if given.now else await _rollout(deps, key, checked)
    try:
        document = await editing(
            lambda: book_of(deps).publish(
                key,
                checked.rules,
                seen=draft.seen or 0,
                by=person.name,
                comment=comment,
                rollout=rollout,
            )
        )
    except RuleConflict as error:
        return await _conflict(deps, key, draft.seen, error)
    return await _published(deps, key, document)


@router.post(
    "/{psm}/{side}/{kind}/rollback",
    response_model=RuleSetDetail,
    responses=_CONFLICTS,
    max_body_size=MAX_BODY,
)
async def roll_back_rules(
    deps: AskDeps,
    request: Request,
    psm: PsmPath,
    side: SidePath,
    kind: KindPath,
    given: Annotated[RulesRollback, Body()],
) -> Response:
    """Publish the rules of an older version anew."""
    key = key_for(psm, side, kind)
    person = await require_owner(request, psm)
    comment = _comment(key, given.comment)
    kept = await editing(lambda: book_of(deps).history(key))
    older = next((each.rules for each in kept if each.version == given.to), ())
    checked = check(key, older, given.seen + 1)
    rollout = None if given.now else await _rollout(deps, key, checked)
    try:
        document = await editing(
            lambda: book_of(deps).rollback(
                key,
                given.to,
                seen=given.seen,
                by=person.name,
                comment=comment,
                rollout=rollout,
            )
        )
    except RuleConflict as error:
        return await _conflict(deps, key, given.seen, error)
    return await _published(deps, key, document)


async def _rollout(deps: Deps, key: Key, checked: Checked) -> Rollout | None:
    current = await editing(lambda: book_of(deps).get(key))
    return await rollout_of(deps, key, checked, current)


def _comment(key: Key, text: str) -> str:
    """Why somebody publishes; kinds that can turn calls away need a reason."""
    comment = text.strip()
    if not comment and kind_view(KINDS[key.kind]).rejects:
        raise NamedFailure(
            Kind.INVALID,
            f"{key.kind} rules can turn calls away, so say why: a comment of a few words, which "
            "history and the owners of the callers will read",
            "comment_needed",
            kind_of_rules=key.kind,
        )
    return comment


async def _published(deps: Deps, key: Key, document: RuleDocument) -> Response:
    facts = await facts_of(deps, key.psm, last(time.time(), WINDOW), key)
    freeze = await editing(book_of(deps).frozen)
    return json_response(build_detail(key, document, facts, freeze, may_publish=True))


async def _conflict(deps: Deps, key: Key, seen: int, error: RuleConflict) -> Response:
    """The second of two editors gets what the first one changed."""
    clash = None if error.current is None else await clash_of(deps, key, seen, error.current)
    body = ConflictBody(409, Kind.CONFLICT.value, error.message, "conflict", clash=clash)
    if clash is not None:
        body.reason = "published_meanwhile"
        body.parts = {"by": clash.author, "version": str(clash.version)}
    return _refused(body)


def _refused(body: ConflictBody) -> Response:
    return json_response(ConflictAnswer(body), body.code)
