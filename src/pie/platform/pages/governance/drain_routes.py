"""Draining a host or an instance: no calls go to it, and what still comes is counted."""

import asyncio
import time
from collections import defaultdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.responses import Response

from pie.govern import Key
from pie.model import Failure, Kind, address_of
from pie.platform.ask.asking import unless_away
from pie.platform.govern.drain import (
    WINDOW_S,
    StillRow,
    Target,
    drained,
    is_drained,
    names_in,
    still_served,
    targets,
    undrained,
)
from pie.platform.pages.governance.sets import book_of, published
from pie.platform.pages.governance.views import (
    DrainAnswer,
    DrainedInstance,
    DrainedService,
    DrainList,
    DrainName,
    DrainPost,
    StillCalling,
)
from pie.platform.server.answers import json_response
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.editing import editing
from pie.platform.server.gatekeeper import require
from pie.platform.server.people import require_owner
from pie.state.rules.book import RuleConflict
from pie.state.rules.document import RuleDocument, WrittenRule

router = APIRouter(
    prefix="/api/drain", tags=["governance"], dependencies=[Depends(require("person"))]
)

_MAX_BODY = 16 << 10
_ATTEMPTS = 5


@router.get("", response_model=DrainList)
async def list_drains(deps: AskDeps) -> Response:
    """All hosts and instances that are drained."""
    book = book_of(deps)

    def read() -> list[RuleDocument]:
        keys = [key for key in published(deps) if key.kind == "drain"]
        return [found for key in keys if (found := book.get(key)) is not None]

    drains = [
        DrainName(document.psm, part, name, document.author, document.at, document.comment)
        for document in await editing(read)
        for part, name in names_in(document)
    ]
    return json_response(DrainList(time.time(), drains))


@router.get("/target", response_model=DrainAnswer)
async def get_drain(deps: AskDeps, target: Annotated[str, Query(max_length=300)]) -> Response:
    """Whether a host or an instance is drained, and what still comes to it."""
    found = await _targets(deps, target)
    return json_response(await _answer(deps, target, found, {}))


@router.post("", response_model=DrainAnswer, max_body_size=_MAX_BODY)
async def drain(deps: AskDeps, request: Request, given: Annotated[DrainPost, Body()]) -> Response:
    """Drain a host, or an instance by its id or `host:port`, of every service that is there.

    Services that who asks may not act for are left as they are, and named.
    """
    return await _change(deps, request, given, ends=False)


@router.delete("", response_model=DrainAnswer, max_body_size=_MAX_BODY)
async def end_drain(
    deps: AskDeps, request: Request, given: Annotated[DrainPost, Body()]
) -> Response:
    """Let calls come again."""
    return await _change(deps, request, given, ends=True)


async def _change(deps: Deps, request: Request, given: DrainPost, *, ends: bool) -> Response:
    found = await _targets(deps, given.target)
    refused: dict[str, str] = {}
    for each in found:
        try:
            person = await require_owner(request, each.psm)
            await editing(partial(_publish, deps, each, person.name, given.reason, ends=ends))
        except Failure as failure:
            if len(found) == 1:
                raise
            refused[each.psm] = failure.message
    return json_response(await _answer(deps, given.target, found, refused))


def _publish(deps: Deps, target: Target, by: str, reason: str, *, ends: bool) -> None:
    """Publish the drain, or its end, on whatever stands now; nothing if it stands so already.

    Also while rules are frozen, which is said in its comment: it is an act of an emergency.
    """
    book, key = book_of(deps), _key(target.psm)
    what = f"{'end of drain' if ends else 'drain'} of {target.name}"
    if book.frozen() is not None:
        what += " (while rules are frozen)"
    for attempt in range(_ATTEMPTS):
        document = book.get(key)
        if is_drained(document, target) != ends:
            return
        rules: list[WrittenRule] = (undrained if ends else drained)(document, target)
        try:
            book.publish(
                key,
                rules,
                seen=document.version if document is not None else 0,
                by=by,
                comment=f"{what}: {reason}" if reason else what,
                though_frozen=True,
            )
        except RuleConflict:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


async def _targets(deps: Deps, name: str) -> list[Target]:
    registry = await editing(deps.registry)
    found = targets(name, registry)
    if found:
        return found
    raise Failure(
        Kind.NOT_FOUND,
        f"no host and no instance {name} is registered now: give the host that `sd lookup PSM` "
        "shows, an instance's host:port, or its id",
    )


async def _answer(
    deps: Deps, name: str, found: list[Target], refused: dict[str, str]
) -> DrainAnswer:
    now = time.time()
    book = book_of(deps)
    documents, still = await asyncio.gather(
        editing(lambda: {each.psm: book.get(_key(each.psm)) for each in found}),
        unless_away(still_served(deps.facts.query, found, now)),
    )
    calls: dict[tuple[str, str], list[StillRow]] = defaultdict(list)
    for row in still or ():
        calls[row.psm, row.instance].append(row)
    services = [
        DrainedService(
            each.psm,
            is_drained(documents[each.psm], each),
            document.version if (document := documents[each.psm]) is not None else 0,
            refused.get(each.psm, ""),
            [
                DrainedInstance(
                    instance.id,
                    address_of(instance),
                    instance.cluster,
                    sum(row.calls for row in calls[each.psm, instance.id]) / WINDOW_S,
                    max((row.last for row in calls[each.psm, instance.id]), default=0),
                    [
                        StillCalling(row.caller, row.calls / WINDOW_S)
                        for row in calls[each.psm, instance.id][:10]
                    ],
                )
                for instance in each.instances
            ],
        )
        for each in found
    ]
    return DrainAnswer(now, name, found[0].part == "hosts", still is not None, services)


def _key(psm: str) -> Key:
    return Key("drain", psm, "callers")
