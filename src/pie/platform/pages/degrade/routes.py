"""Switches of the fleet: which there are, flipping them, and groups of them."""

import asyncio
import time
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Body, Depends, Path, Request
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import unless_away
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.params import PsmPath
from pie.platform.pages.degrade.build import Facts, build_groups, build_switches
from pie.platform.pages.degrade.sql import SwitchReader
from pie.platform.pages.degrade.store import SwitchBook
from pie.platform.pages.degrade.views import (
    DegradePage,
    Flipped,
    FlipPut,
    GroupFlipped,
    GroupPut,
    SwitchRow,
)
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.editing import publishing
from pie.platform.server.gatekeeper import require
from pie.platform.server.people import ownership_of, person_of, require_owner

router = APIRouter(
    prefix="/api/degrade", tags=["degrade"], dependencies=[Depends(require("person"))]
)

_T = TypeVar("_T")
_MAX_BODY = 64 << 10
_Switch = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
_Group = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


@router.get("", response_model=DegradePage)
async def list_switches(deps: AskDeps, request: Request) -> Response:
    """Every switch that some service has in its code, or that somebody flipped; and the groups."""
    return repeated_response(await _page(deps, request))


# The body is read before anybody is asked for a token.
@router.put("/groups/{group}", response_model=DegradePage, max_body_size=_MAX_BODY)
async def put_group(
    deps: AskDeps, request: Request, group: _Group, given: Annotated[GroupPut, Body()]
) -> Response:
    """Make or replace a group of switches; none is flipped by that."""
    user = person_of(request).name
    await publishing(
        lambda: SwitchBook(deps.store).set_group(group, given.switches, given.description, user)
    )
    return json_response(await _page(deps, request))


@router.delete("/groups/{group}", response_model=DegradePage)
async def delete_group(deps: AskDeps, request: Request, group: _Group) -> Response:
    """Forget a group; its switches stay as they are."""
    user = person_of(request).name
    await publishing(lambda: SwitchBook(deps.store).delete_group(group, user))
    return json_response(await _page(deps, request))


@router.post("/groups/{group}/flip", response_model=GroupFlipped, max_body_size=_MAX_BODY)
async def flip_group(
    deps: AskDeps, request: Request, group: _Group, given: Annotated[FlipPut, Body()]
) -> Response:
    """Flip all switches of a group, one after the other; says what became of each."""
    book = SwitchBook(deps.store)
    found = await publishing(lambda: book.group(group))
    _check_reason(given)
    done = []
    for each in found.switches:
        error = ""
        try:
            person = await require_owner(request, each.psm)
            if given.off and not given.force:
                await _check_known(deps, each.psm, each.name)
            await publishing(partial(book.flip, each.psm, each.name, given, person.name))
        except Failure as failure:
            error = failure.message
        done.append(Flipped(each.psm, each.name, error))
    return json_response(GroupFlipped(done))


@router.put("/{psm}/{name}", response_model=SwitchRow, max_body_size=_MAX_BODY)
async def flip_switch(
    deps: AskDeps, request: Request, psm: PsmPath, name: _Switch, given: Annotated[FlipPut, Body()]
) -> Response:
    """Switch a part of a service off, or on again."""
    _check_reason(given)
    person = await require_owner(request, psm)
    if given.off and not given.force:
        await _check_known(deps, psm, name)
    await publishing(lambda: SwitchBook(deps.store).flip(psm, name, given, person.name))
    page = await _page(deps, request, (psm, name))
    return json_response(
        next(each for each in page.switches if (each.psm, each.name) == (psm, name))
    )


def _check_reason(given: FlipPut) -> None:
    if not given.reason.strip():
        raise NamedFailure(
            Kind.INVALID,
            "reason: say why, for those who will see that something is missing",
            "switch_reason",
        )


async def _check_known(deps: Deps, psm: str, name: str) -> None:
    """A name that nobody has reported may be a typing error."""
    known = await unless_away(SwitchReader(deps.facts.query).known())
    names = [each.name for each in known or () if each.psm == psm]
    if known is not None and name not in names:
        has = f"it has {', '.join(names[:20])}" if names else "it has reported none"
        raise NamedFailure(
            Kind.NOT_FOUND,
            f"{psm} has no switch {name}: {has}. A switch is reported after its code ran once; to "
            "flip it all the same, say force",
            "no_switch",
            psm=psm,
            name=name,
            has=", ".join(names[:20]),
        )


async def _page(deps: Deps, request: Request, asked: tuple[str, str] | None = None) -> DegradePage:
    now = time.time()
    reader = SwitchReader(deps.facts.query)
    known, ruled, effect = await asyncio.gather(
        unless_away(reader.known()), unless_away(reader.ruled()), unless_away(reader.effect())
    )
    book, person = SwitchBook(deps.store), person_of(request)
    psms = {each.psm for each in known or ()}
    psms |= {each.key.rpartition("@")[2] for each in ruled or ()} | ({asked[0]} if asked else set())

    def read() -> DegradePage:
        registry = deps.registry()

        def owners(psm: str) -> tuple[list[str], bool]:
            found = ownership_of(deps.store, psm)
            return list(found.owners), person.admin or found.includes(person.name)

        switches = build_switches(
            now,
            registry,
            book.documents(psms),
            Facts(known, ruled, effect),
            owners,
            [asked] if asked else [],
        )
        groups = build_groups(book.groups(), switches)
        return DegradePage(now, known is not None, book.frozen(), switches, groups)

    return await publishing(read)
