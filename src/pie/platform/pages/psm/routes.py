"""Who owns what: products, subsystems and PSMs; changing it, and claiming what nobody owns."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import unless_away
from pie.platform.pages.psm.build import Asker, Names, Wanted, build_detail, build_like, build_tree
from pie.platform.pages.psm.declared import checked, checked_reason, kind_of
from pie.platform.pages.psm.sql import SeenName, SeenReader
from pie.platform.pages.psm.store import Declarations
from pie.platform.pages.psm.views import (
    ClaimPost,
    Declaration,
    DeclarationPut,
    Filter,
    PsmDetail,
    PsmLike,
    PsmTree,
)
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.blocking import blocking
from pie.platform.server.deps import AskDeps, Deps, deps_of
from pie.platform.server.gatekeeper import require
from pie.platform.server.people import Person, ownership_of, person_of, require_owner

router = APIRouter(prefix="/api/psm", tags=["psm"], dependencies=[Depends(require("person"))])

_MAX_BODY = 64 << 10


def _name(name: Annotated[str, Path(max_length=200)]) -> str:
    kind_of(name)
    return name


_Name = Annotated[str, Depends(_name)]


@router.get("", response_model=PsmTree)
async def list_psms(
    deps: AskDeps,
    request: Request,
    filter_: Annotated[Filter, Query(alias="filter")] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    product: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1_000,
) -> Response:
    """Products, subsystems and PSMs with their owners; `mine`, `unowned` and `typo` narrow it."""
    now = time.time()
    names = await _names(deps, unless_away(SeenReader(deps.facts.query).names(now)))
    wanted = Wanted(filter_, q, product, limit)
    asker = _asker(request)
    return await run_in_threadpool(lambda: repeated_response(build_tree(names, asker, now, wanted)))


@router.get("/{name}", response_model=PsmDetail)
async def get_psm(deps: AskDeps, request: Request, name: _Name) -> Response:
    """Everything known of one product, subsystem or PSM, and its history."""
    return json_response(await _detail(deps, name, _asker(request)))


@router.get("/{name}/like", response_model=PsmLike)
async def get_psm_like(deps: AskDeps, name: _Name) -> Response:
    """The PSMs for which a name may be a typing error; it need not be known."""
    names = await _names(deps, _nothing())
    return json_response(await run_in_threadpool(lambda: build_like(names, name)))


# The body is read before anybody is asked for a token.
@router.put("/{name}", response_model=PsmDetail, max_body_size=_MAX_BODY)
async def put_psm(
    deps: AskDeps, request: Request, name: _Name, given: Annotated[DeclarationPut, Body()]
) -> Response:
    """Replace what is declared of a name, as one of its owners or an admin; 409 when somebody has
    changed that version."""
    fields = checked(
        kind_of(name),
        Declaration(
            owners=given.owners,
            description=given.description,
            docs=given.docs,
            repository=given.repository,
            on_call=given.on_call,
            tier=given.tier,
        ),
    )
    reason = checked_reason(given.reason)
    person = await _declarer(request, name, fields)
    declarations = Declarations(deps.store)
    await blocking(lambda: declarations.set(name, given.version, fields, person.name, reason))
    return json_response(await _detail(deps, name, _asker(request)))


@router.post("/{name}/claim", response_model=PsmDetail, max_body_size=_MAX_BODY)
async def claim_psm(
    deps: AskDeps,
    request: Request,
    name: _Name,
    given: Annotated[ClaimPost | None, Body()] = None,
) -> Response:
    """Become the owner of a known PSM that nobody owns; where its subsystem or product has owners,
    only they and admins may."""
    reason = checked_reason(given.reason if given is not None else "")
    asker = _asker(request)
    found = await _detail(deps, name, asker)
    if found.kind != "psm":
        raise Failure(Kind.INVALID, f"{name} is a {found.kind}: only a PSM can be claimed")
    if not found.claimable:
        source = {"registered": ", as it registered itself"}.get(
            found.owners_from,
            "" if found.owners_from == "declared" else f", as its {found.owners_from}",
        )
        raise Failure(
            Kind.CONFLICT, f"{name} is owned by {', '.join(found.owners)}{source}: ask them"
        )
    await blocking(lambda: Declarations(deps.store).claim(name, asker.name, reason))
    return json_response(await _detail(deps, name, asker))


async def _declarer(request: Request, name: str, fields: Declaration) -> Person:
    """The person who asks, if they may declare this: what nobody owns becomes theirs."""
    person = person_of(request)
    if kind_of(name) == "psm" and person.name in fields.owners:
        found = await run_in_threadpool(ownership_of, deps_of(request).store, name)
        if not found.everybody:
            return person
    return await require_owner(request, name)


def _asker(request: Request) -> Asker:
    person = person_of(request)
    return Asker(person.name, person.admin)


async def _names(deps: Deps, seen: Awaitable[list[SeenName] | None]) -> Names:
    return Names(
        *await asyncio.gather(blocking(deps.registry), blocking(Declarations(deps.store).all), seen)
    )


async def _nothing() -> None:
    return None


async def _detail(deps: Deps, name: str, asker: Asker) -> PsmDetail:
    now = time.time()
    reader = SeenReader(deps.facts.query)
    # A PSM is looked up by its name; the parts of a product or subsystem are among all names.
    is_of_one = kind_of(name) == "psm"
    names, seen, history = await asyncio.gather(
        _names(deps, _nothing() if is_of_one else unless_away(reader.names(now))),
        unless_away(reader.one(now, name)) if is_of_one else _nothing(),
        blocking(lambda: Declarations(deps.store).history(name)),
    )
    found = await run_in_threadpool(lambda: build_detail(names, name, asker, seen, history))
    if found is None:
        raise _unknown(name, calls_known=(seen if is_of_one else names.seen) is not None)
    return found


def _unknown(name: str, *, calls_known: bool) -> Failure:
    if not calls_known:
        return Failure(
            Kind.UNAVAILABLE,
            f"{name} is neither registered nor declared, and the store of calls does not answer: "
            "try again in a few seconds",
        )
    return Failure(
        Kind.NOT_FOUND,
        f"{name} is neither registered, nor declared, nor seen in calls of the last days: "
        "check the name, or declare it with version 0",
    )
