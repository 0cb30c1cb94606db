"""Routes of the log search: lines, counts, facets, stacks, context, completions, live tail."""

import math
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pie.model import Failure, Kind
from pie.platform.pages.logs.filters import (
    LogFilter,
    Tab,
    Window,
    log_filter,
    settle,
    window_of,
)
from pie.platform.pages.logs.lines import LineId, Order
from pie.platform.pages.logs.sql import MAX_BUCKETS
from pie.platform.pages.logs.views import (
    Completions,
    Context,
    Facets,
    Histogram,
    SearchAnswer,
    StackGroups,
    Total,
)
from pie.platform.pages.logs.work import LogWork
from pie.platform.server.answers import json_response
from pie.platform.server.deps import work_of
from pie.platform.server.gatekeeper import require

router = APIRouter(prefix="/api/logs", tags=["logs"], dependencies=[Depends(require("person"))])

_Work = Annotated[LogWork, Depends(work_of(LogWork))]
_Values = Annotated[list[str], Query(max_length=100)]
_Time = Annotated[float | None, Query()]
_Id = Annotated[str, Query(alias="id", max_length=80)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every question of the log search is about."""

    lines: LogFilter
    window: Window


def wanted(
    q: Annotated[str, Query()] = "",
    psm: _Values = [],  # noqa: B006 - FastAPI copies it
    cluster: _Values = [],  # noqa: B006
    host: _Values = [],  # noqa: B006
    level: _Values = [],  # noqa: B006
    folder: _Values = [],  # noqa: B006
    since: _Time = None,
    until: _Time = None,
    tab: Tab = "keyword",
) -> Wanted:
    """The filter parameters common to all questions; see docs/log-search.md for ``q``."""
    lines = log_filter(
        q,
        tab,
        {"psm": psm, "cluster": cluster, "host": host, "level": level, "folder": folder},
    )
    return Wanted(lines, window_of(time.time(), since, until, lines.logid))


_Wanted = Annotated[Wanted, Depends(wanted)]


@router.get("/search", response_model=SearchAnswer)
async def search_logs(
    work: _Work,
    about: _Wanted,
    order: Order = "desc",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Lines, the newest first unless asked otherwise."""
    begin = LineId.parse(cursor) if cursor else None
    return json_response(await work.search.lines(about.lines, about.window, order, limit, begin))


@router.get("/histogram", response_model=Histogram)
async def logs_histogram(
    work: _Work, about: _Wanted, buckets: Annotated[int, Query(ge=1, le=MAX_BUCKETS)] = 60
) -> Response:
    """How many lines of each level over time."""
    return json_response(await work.search.histogram(about.lines, about.window, buckets))


@router.get("/count", response_model=Total)
async def logs_count(work: _Work, about: _Wanted) -> Response:
    """How many lines there are: the number alone, which is found fastest."""
    return json_response(await work.search.total(about.lines, about.window))


@router.get("/facets", response_model=Facets)
async def logs_facets(work: _Work, about: _Wanted) -> Response:
    """The most frequent services, clusters, hosts, levels and folders."""
    return json_response(await work.search.facets(about.lines, about.window))


@router.get("/stacks", response_model=StackGroups)
async def logs_stacks(work: _Work, about: _Wanted) -> Response:
    """Lines with an error stack, grouped by stack."""
    return json_response(await work.search.stacks(about.lines, about.window))


@router.get("/context", response_model=Context)
async def logs_context(
    work: _Work,
    line_id: _Id,
    before: Annotated[int, Query(ge=0, le=500)] = 20,
    after: Annotated[int, Query(ge=0, le=500)] = 20,
    seconds: Annotated[float | None, Query(ge=0, le=3600)] = None,
) -> Response:
    """The lines around one in its file; with ``seconds``, those of its PSM and host by time."""
    target = LineId.parse(line_id)
    if seconds is None:
        return json_response(await work.search.around(target, before, after))
    if not math.isfinite(seconds):
        raise Failure(Kind.INVALID, "seconds is no number of seconds")
    return json_response(await work.search.near(target, seconds, 1000))


@router.get("/completions", response_model=Completions)
async def logs_completions(
    work: _Work,
    field: Literal["psm", "host", "cluster", "level"],
    prefix: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Values of a field that begin like this."""
    return json_response(Completions(await work.search.completions(field, prefix, time.time())))


class _TailResponse(StreamingResponse):
    """Gives its seat back when it ends, however that comes."""

    def __init__(self, seat: ExitStack, events: AsyncIterator[bytes]) -> None:
        super().__init__(
            events,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._seat:
            await super().__call__(scope, receive, send)


@router.get(
    "/tail",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def tail_logs(work: _Work, about: _Wanted) -> Response:
    """Server-sent events: `lines` (a list of lines as they arrive), `dropped`, `ping`."""
    lines = await settle(work.search.ask, about.lines, about.window)
    seat = ExitStack()
    seat.enter_context(work.tails.seat())
    return _TailResponse(seat, work.tails.follow(lines))
