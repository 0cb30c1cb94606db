"""People and their tokens: admins change all, everybody makes and revokes tokens of their own."""

import time
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from pie.model import Kind
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.pages.admin.build import Looker, build_people, build_person, build_token
from pie.platform.pages.admin.views import (
    NewToken,
    PeopleList,
    PersonPost,
    PersonPut,
    PersonRow,
    TokenPost,
)
from pie.platform.server.answers import json_response
from pie.platform.server.blocking import blocking
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.gatekeeper import require
from pie.platform.server.identity.book import PeopleBook
from pie.platform.server.identity.record import PersonRecord
from pie.platform.server.identity.uses import TokenUses
from pie.platform.server.people import Person, person_of
from pie.state.events import MAX_REASON

router = APIRouter(prefix="/api/people", tags=["people"], dependencies=[Depends(require("person"))])

_MAX_BODY = 16 << 10
_NamePath = Annotated[str, Path(max_length=100)]
_ReasonQuery = Annotated[str, Query(max_length=MAX_REASON)]
_ADMINS = [Depends(require("admin"))]


@router.get("", response_model=PeopleList)
async def list_people(
    deps: AskDeps,
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
) -> Response:
    """Everybody who may log in with a token of their own."""
    looker = _looker(request)

    def read() -> PeopleList:
        people = _book(deps).all()
        return build_people(people, _uses(deps).all(), looker, q, limit)

    return json_response(await blocking(read))


@router.post("", response_model=PersonRow, max_body_size=_MAX_BODY, dependencies=_ADMINS)
async def add_person(
    deps: AskDeps, request: Request, given: Annotated[PersonPost, Body()]
) -> Response:
    """A new person, who can do nothing before they have a token."""
    by, reason = person_of(request).name, _checked(given.reason)
    person = await blocking(
        lambda: _book(deps).add(given.name, admin=given.admin, by=by, reason=reason)
    )
    return json_response(build_person(person, {}, _looker(request)))


@router.get("/{name}", response_model=PersonRow)
async def get_person(deps: AskDeps, request: Request, name: _NamePath) -> Response:
    """One person."""
    person = await blocking(lambda: _book(deps).get(name))
    return await _answer(deps, request, person)


@router.put("/{name}", response_model=PersonRow, max_body_size=_MAX_BODY, dependencies=_ADMINS)
async def put_person(
    deps: AskDeps, request: Request, name: _NamePath, given: Annotated[PersonPut, Body()]
) -> Response:
    """Make a person an admin, disable them, or the reverse. Who is disabled is out at once."""
    who, reason = person_of(request), _checked(given.reason)
    _refuse_to_lock_out_oneself(who, name, given)

    def change() -> PersonRecord:
        book = _book(deps)
        person = book.get(name)
        if given.admin is not None:
            person = book.set_admin(name, given.admin, by=who.name, reason=reason)
        if given.disabled is not None:
            person = book.set_disabled(name, given.disabled, by=who.name, reason=reason)
        return person

    return await _answer(deps, request, await blocking(change))


@router.post("/{name}/tokens", response_model=NewToken, max_body_size=_MAX_BODY)
async def add_token(
    deps: AskDeps, request: Request, name: _NamePath, given: Annotated[TokenPost, Body()]
) -> Response:
    """A new token of a person; its text is in this answer and nowhere else."""
    who, reason = _self_or_admin(request, name), _checked(given.reason)
    text, token, person = await blocking(
        lambda: _book(deps).add_token(
            name, days=given.days, note=given.note, by=who.name, reason=reason
        )
    )
    uses = await blocking(_uses(deps).all)
    looker = _looker(request)
    view = NewToken(text, build_token(token, {}, looker.now), build_person(person, uses, looker))
    return json_response(view)


@router.delete("/{name}/tokens/{token_id}", response_model=PersonRow)
async def revoke_token(
    deps: AskDeps,
    request: Request,
    name: _NamePath,
    token_id: Annotated[str, Path(max_length=40)],
    reason: _ReasonQuery = "",
) -> Response:
    """End a token, and the sessions that began with it, within a second."""
    who, why = _self_or_admin(request, name), _checked(reason)
    person = await blocking(lambda: _book(deps).revoke(name, token_id, by=who.name, reason=why))
    return await _answer(deps, request, person)


def _self_or_admin(request: Request, name: str) -> Person:
    who = person_of(request)
    if who.admin or who.name == name:
        return who
    raise NamedFailure(
        Kind.DENIED,
        f"{who.name} may not change the tokens of {name}: they or an admin may",
        "not_own_tokens",
        who=who.name,
        name=name,
    )


def _refuse_to_lock_out_oneself(who: Person, name: str, given: PersonPut) -> None:
    if who.name != name or not who.token:  # The admin token lets its bearer back in.
        return
    if given.disabled or given.admin is False:
        raise NamedFailure(
            Kind.CONFLICT, "nobody disables or demotes themselves: ask another admin", "oneself"
        )


def _checked(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise NamedFailure(
            Kind.INVALID, f"reason: it has {len(reason)} characters, {MAX_REASON} are the most",
            "reason_long", most=MAX_REASON,
        )  # fmt: skip
    return reason


async def _answer(deps: Deps, request: Request, person: PersonRecord) -> Response:
    uses = await blocking(_uses(deps).all)
    return json_response(build_person(person, uses, _looker(request)))


def _looker(request: Request) -> Looker:
    who = person_of(request)
    return Looker(who.name, who.admin, time.time())


def _book(deps: Deps) -> PeopleBook:
    return PeopleBook(deps.store, deps.people)


def _uses(deps: Deps) -> TokenUses:
    return TokenUses(deps.store, deps.people)
