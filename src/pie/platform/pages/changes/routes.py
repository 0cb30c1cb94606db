"""What changed: rules, config, switches, owners, people and releases in one stream."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import DAY
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.params import PsmQuery
from pie.platform.pages.changes.build import Reader, build_csv, build_detail, build_list
from pie.platform.pages.changes.sql import ChangesReader, ChangesWanted
from pie.platform.pages.changes.views import ChangeDetail, ChangeList
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require
from pie.platform.server.people import person_of

router = APIRouter(
    prefix="/api/changes", tags=["changes"], dependencies=[Depends(require("person"))]
)

_DEFAULT_SPAN = 7 * DAY
_MOST_IN_CSV = 50_000
_IdPath = Annotated[str, Path(max_length=64)]


def _wanted(
    psm: PsmQuery = "",
    kind: Annotated[list[str] | None, Query(max_length=20)] = None,
    person: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[float | None, Query(ge=0, le=2e9)] = None,
    until: Annotated[float | None, Query(ge=0, le=4e9)] = None,
    before: Annotated[str, Query(max_length=64)] = "",
) -> ChangesWanted:
    # A moment ahead: the clocks of platforms differ.
    end = until if until is not None else time.time() + 60
    begin = since if since is not None else end - _DEFAULT_SPAN
    if begin > end:
        raise NamedFailure(
            Kind.INVALID, f"since {begin:.0f} is after until {end:.0f}: swap them", "span_reversed"
        )
    kinds = tuple(kind or ())
    if any(len(each) > 40 for each in kinds):
        raise Failure(Kind.INVALID, "kind: a name of a kind has 40 characters at most")
    return ChangesWanted(begin, end, psm, kinds, person, q.strip(), before)


_Wanted = Annotated[ChangesWanted, Depends(_wanted)]


@router.get("", response_model=ChangeList)
async def list_changes(
    deps: AskDeps,
    request: Request,
    wanted: _Wanted,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The newest changes: of the last seven days, or from `since` to `until`."""
    reader = ChangesReader(deps.facts.query)
    rows, kinds, people = await asyncio.gather(
        reader.newest(wanted, limit + 1), reader.kinds(wanted), reader.people(wanted)
    )
    who, now = _reader(request), time.time()
    return await run_in_threadpool(
        lambda: repeated_response(build_list(wanted, rows, limit, kinds, people, who, now))
    )


@router.get("/export", response_class=Response)
async def export_changes(deps: AskDeps, request: Request, wanted: _Wanted) -> Response:
    """The same as CSV, 50,000 changes at most."""
    rows = await ChangesReader(deps.facts.query).newest(wanted, _MOST_IN_CSV)
    text = await run_in_threadpool(build_csv, rows, _reader(request))
    headers = {
        "Content-Disposition": 'attachment; filename="changes.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{event_id}", response_model=ChangeDetail)
async def get_change(deps: AskDeps, request: Request, event_id: _IdPath) -> Response:
    """One change with its diff."""
    row = await ChangesReader(deps.facts.query).one(event_id)
    if row is None:
        raise NamedFailure(
            Kind.NOT_FOUND,
            f"there is no change {event_id!r}: changes are kept for two years, and one that was "
            "just made takes a second to appear",
            "no_change",
        )
    who = _reader(request)
    return await run_in_threadpool(lambda: json_response(build_detail(row, who)))


def _reader(request: Request) -> Reader:
    person = person_of(request)
    return Reader(person.name, person.admin)
