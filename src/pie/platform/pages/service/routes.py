"""The questions about one service: its page, its figures over time, its calls, its IDL."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import unless_away
from pie.platform.ask.coverage import Slots, coverage, slots_in
from pie.platform.ask.params import ClusterQuery, OutcomeQuery, PsmPath
from pie.platform.ask.series import AgainstQuery, SlotRow, buckets, past_buckets
from pie.platform.ask.span import SpanQuery
from pie.platform.pages.service.build import build_page, idl_of, served_call
from pie.platform.pages.service.sql import ServiceReader
from pie.platform.pages.service.views import (
    ServedCalls,
    ServiceIdl,
    ServicePage,
    ServiceSeries,
)
from pie.platform.server.answers import repeated_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require

router = APIRouter(
    prefix="/api/services/{psm}", tags=["service"], dependencies=[Depends(require("person"))]
)

_WINDOW = 60
_SERIES_WINDOW = 3_600


@router.get("", response_model=ServicePage)
async def get_service(
    deps: AskDeps,
    psm: PsmPath,
    asked: SpanQuery,
    cluster: ClusterQuery = "",
) -> Response:
    """One service: its own description, and its calls in the last ``window`` seconds, or from
    ``since`` to ``until``."""
    now = time.time()
    span = asked.at(now, _WINDOW)
    reader = ServiceReader(deps.facts.query)
    registry, seen = await asyncio.gather(
        run_in_threadpool(deps.registry),
        unless_away(reader.seen(now, psm, span, cluster)),
    )
    if psm not in registry and seen is not None and not seen.known:
        raise Failure(
            Kind.NOT_FOUND,
            f"no service {psm!r} has registered, and no call from or to it was seen in a day: "
            "check the name, or start one of its instances",
        )
    return await run_in_threadpool(
        lambda: repeated_response(build_page(psm, now, span, cluster, registry, seen))
    )


@router.get("/series", response_model=ServiceSeries)
async def get_service_series(
    deps: AskDeps,
    psm: PsmPath,
    asked: SpanQuery,
    method: Annotated[str | None, Query(max_length=500)] = None,
    cluster: ClusterQuery = "",
    against: AgainstQuery = "",
) -> Response:
    """Calls of one method, of all if none is named, over time; beside those of the day or the week
    before."""
    ask = deps.facts.query
    span = asked.at(time.time(), _SERIES_WINDOW)
    until = (await coverage(ask, span)).until
    slots = slots_in(span, until)
    reader = ServiceReader(ask)

    async def rows(slots: Slots) -> list[SlotRow]:
        return (await reader.series(psm, cluster, method, slots))[1]

    (account, found), past = await asyncio.gather(
        reader.series(psm, cluster, method, slots), past_buckets(ask, slots, against, rows)
    )
    return repeated_response(
        ServiceSeries(
            psm=psm,
            method=method,
            account=account,
            since=slots.since,
            until=until,
            step_s=slots.step,
            buckets=await buckets(ask, slots, found),
            against=against,
            past=past,
        )
    )


@router.get("/calls", response_model=ServedCalls)
async def list_service_calls(
    deps: AskDeps,
    psm: PsmPath,
    asked: SpanQuery,
    outcome: OutcomeQuery = "",
    cluster: ClusterQuery = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Calls that the service served, newest first; as its callers recorded them if it records
    none. Those from ``since`` to ``until``, or the newest of all."""
    reader = ServiceReader(deps.facts.query)
    end, oldest = asked.rows_until(time.time())
    account, lines = await reader.calls(end, psm, cluster, outcome, limit, oldest)
    return repeated_response(ServedCalls(account, [served_call(line) for line in lines]))


@router.get("/idl", response_model=ServiceIdl)
async def get_service_idl(deps: AskDeps, psm: PsmPath) -> Response:
    """The IDL that the service reported."""
    registry = await run_in_threadpool(deps.registry)
    return repeated_response(idl_of(registry.get(psm)))
