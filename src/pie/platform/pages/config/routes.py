"""Dynamic config of a service: reading, checking, publishing, history, rollback."""

import asyncio
import time
from typing import Annotated, TypeVar

from fastapi import APIRouter, Body, Depends, Query, Request
from starlette.responses import Response

from pie.model import Kind
from pie.platform.ask.asking import unless_away
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.params import PsmPath
from pie.platform.pages.config.build import (
    Fleet,
    build_changes,
    build_diff,
    build_history,
    build_page,
    hidden_keys,
    overrides_shown,
)
from pie.platform.pages.config.sql import in_force
from pie.platform.pages.config.views import (
    ConfigCheck,
    ConfigDiff,
    ConfigHistory,
    ConfigPage,
    ConfigProblem,
    ConfigPut,
    RollbackPost,
)
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.deps import AskDeps, Deps
from pie.platform.server.editing import editing
from pie.platform.server.gatekeeper import require
from pie.platform.server.people import ownership_of, person_of, require_owner
from pie.state.config.book import ConfigBook
from pie.state.config.document import ConfigDocument, ConfigError, Override

router = APIRouter(prefix="/api/config", tags=["config"], dependencies=[Depends(require("person"))])

_MAX_BODY = 1 << 20
_T = TypeVar("_T")
_Version = Annotated[int, Query(ge=0, le=2**31)]


@router.get("/{psm}", response_model=ConfigPage)
async def get_config(deps: AskDeps, request: Request, psm: PsmPath) -> Response:
    """All of a service's configuration: values, overrides, who changed what, and where it runs."""
    person = person_of(request)
    reports, fleet, (current, history), ownership = await asyncio.gather(
        unless_away(in_force(deps.facts.query, psm)),
        _fleet(deps, psm),
        editing(lambda: _book(deps, psm)),
        editing(lambda: ownership_of(deps.store, psm)),
    )
    may_publish = person.admin or ownership.includes(person.name)
    page = build_page(time.time(), fleet, history, current, reports, may_publish=may_publish)
    return repeated_response(page)


@router.post("/{psm}/check", response_model=ConfigCheck, max_body_size=_MAX_BODY)
async def check_config(
    deps: AskDeps, psm: PsmPath, given: Annotated[ConfigPut, Body()]
) -> Response:
    """What publishing a draft would do; nothing is changed."""
    fleet, current = await asyncio.gather(
        _fleet(deps, psm), editing(lambda: ConfigBook(deps.store).get(psm))
    )
    return json_response(_check(deps, fleet, current, given))


# The body is read before anybody is asked for a token.
@router.put("/{psm}", response_model=ConfigPage, max_body_size=_MAX_BODY)
async def put_config(
    deps: AskDeps, request: Request, psm: PsmPath, given: Annotated[ConfigPut, Body()]
) -> Response:
    """Publish a configuration; 409 when somebody published since the version that was seen."""
    person = await require_owner(request, psm)
    fleet = await _fleet(deps, psm)
    secrets = sorted({*given.secrets, *fleet.secrets()})

    def publish() -> ConfigDocument:
        book = ConfigBook(deps.store)
        draft = book.draft(
            psm, given.values, seen=given.seen, by=person.name, comment=given.comment,
            secrets=secrets, overrides=_overrides(given),
        )  # fmt: skip
        wrong = fleet.objections(draft)
        if wrong:
            raise ConfigError("; ".join(f"{each.key}: {each.message}" for each in wrong[:5]))
        return book.commit(draft)

    await editing(publish)
    return await get_config(deps, request, psm)


@router.get("/{psm}/history", response_model=ConfigHistory)
async def get_config_history(deps: AskDeps, psm: PsmPath) -> Response:
    """The versions that are kept, the newest first, each with what it changed."""
    fleet, (current, history) = await asyncio.gather(
        _fleet(deps, psm), editing(lambda: _book(deps, psm))
    )
    return json_response(build_history(psm, history, hidden_keys(fleet, current)))


@router.get("/{psm}/diff", response_model=ConfigDiff)
async def get_config_diff(
    deps: AskDeps,
    psm: PsmPath,
    after: _Version,
    before: _Version = 0,
) -> Response:
    """What changed from one version to another."""
    fleet, (current, history) = await asyncio.gather(
        _fleet(deps, psm), editing(lambda: _book(deps, psm))
    )
    known = {each.version: each for each in history}
    known[0] = ConfigDocument(psm=psm, version=0)
    for version in (before, after):
        if version not in known:
            kept = f"v{history[-1].version} to v{history[0].version}" if history else "none"
            raise NamedFailure(
                Kind.NOT_FOUND,
                f"v{version} of the configuration of {psm} is not kept: {kept} are",
                "version_gone",
                version=version,
                kept=kept,
            )
    hidden = hidden_keys(fleet, current).union(*(each.secrets for each in history))
    return json_response(build_diff(psm, known[before], known[after], hidden))


@router.post("/{psm}/rollback", response_model=ConfigPage, max_body_size=_MAX_BODY)
async def rollback_config(
    deps: AskDeps, request: Request, psm: PsmPath, given: Annotated[RollbackPost, Body()]
) -> Response:
    """Publish an older version anew."""
    person = await require_owner(request, psm)
    await editing(
        lambda: ConfigBook(deps.store).rollback(
            psm, given.to, seen=given.seen, by=person.name, comment=given.comment
        )
    )
    return await get_config(deps, request, psm)


def _check(deps: Deps, fleet: Fleet, current: ConfigDocument, given: ConfigPut) -> ConfigCheck:
    errors: list[ConfigProblem] = []
    conflict = ""
    draft = current
    book = ConfigBook(deps.store)
    secrets = sorted({*given.secrets, *fleet.secrets()})
    try:
        draft = book.draft(
            fleet.psm, given.values, seen=current.version, by="-", comment=given.comment,
            secrets=secrets, overrides=_overrides(given), current=current,
        )  # fmt: skip
    except ConfigError as error:
        key, _, message = str(error).partition(": ")
        errors.append(ConfigProblem(key if message else "", message or key))
    if given.seen != current.version:
        conflict = str(book.conflict(current, given.seen))
    return ConfigCheck(
        errors=[*errors, *fleet.objections(draft)],
        warnings=fleet.doubts(draft),
        changes=build_changes(current, draft, hidden_keys(fleet, current)),
        overrides=overrides_shown(draft, fleet),
        running=len(fleet.instances),
        conflict=conflict,
        version=current.version,
    )


def _overrides(given: ConfigPut) -> list[Override]:
    return [
        Override(
            name=each.name, values=each.values, cluster=each.cluster, env=each.env,
            instance=each.instance, percent=each.percent,
        )
        for each in given.overrides
    ]  # fmt: skip


async def _fleet(deps: Deps, psm: str) -> Fleet:
    registered = await editing(deps.registry)
    return Fleet(psm, registered.get(psm))


def _book(deps: Deps, psm: str) -> tuple[ConfigDocument, list[ConfigDocument]]:
    book = ConfigBook(deps.store)
    return book.get(psm), book.history(psm)
