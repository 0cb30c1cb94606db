"""The questions about one service: its page, its figures over time, its calls, its IDL."""

import asyncio
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.asking import unless_away
from pie.platform.ask.coverage import MAX_SLOTS, STEPS, coverage, slots_of
from pie.platform.ask.params import ClusterQuery, OutcomeQuery, PsmPath
from pie.platform.pages.service.build import build_page, build_series, idl_of, served_call
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


@router.get("", response_model=ServicePage)
async def get_service(
    deps: AskDeps,
    psm: PsmPath,
    window: Literal["60", "300", "900", "3600", "21600", "86400"] = "60",
    cluster: ClusterQuery = "",
) -> Response:
    """One service: its own description, and its calls in the last ``window`` seconds."""
    now = time.time()
    reader = ServiceReader(deps.facts.query)
    registry, seen = await asyncio.gather(
        run_in_threadpool(deps.registry),
        unless_away(reader.seen(now, psm, int(window), cluster)),
    )
    if psm not in registry and seen is not None and not seen.known:
        raise Failure(
            Kind.NOT_FOUND,
            f"no service {psm!r} has registered, and no call from or to it was seen in a day: "
            "check the name, or start one of its instances",
        )
    return await run_in_threadpool(
        lambda: repeated_response(build_page(psm, now, int(window), cluster, registry, seen))
    )


@router.get("/series", response_model=ServiceSeries)
async def get_service_series(
    deps: AskDeps,
    psm: PsmPath,
    method: Annotated[str | None, Query(max_length=500)] = None,
    window: Annotated[int, Query(ge=60, le=MAX_SLOTS * STEPS[-1])] = 3600,
    cluster: ClusterQuery = "",
) -> Response:
    """Calls of one method, of all if none is named, over the last ``window`` seconds."""
    until = (await coverage(deps.facts.query, time.time(), window)).until
    slots = slots_of(until, window)
    reader = ServiceReader(deps.facts.query)
    account, rows = await reader.series(psm, cluster, method, slots)
    return await run_in_threadpool(
        lambda: repeated_response(build_series(psm, method, until, slots, account, rows))
    )


@router.get("/calls", response_model=ServedCalls)
async def list_service_calls(
    deps: AskDeps,
    psm: PsmPath,
    outcome: OutcomeQuery = "",
    cluster: ClusterQuery = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Calls that the service served, newest first; as its callers recorded them if it records
    none."""
    reader = ServiceReader(deps.facts.query)
    account, lines = await reader.calls(time.time(), psm, cluster, outcome, limit)
    return repeated_response(ServedCalls(account, [served_call(line) for line in lines]))


@router.get("/idl", response_model=ServiceIdl)
async def get_service_idl(deps: AskDeps, psm: PsmPath) -> Response:
    """The IDL that the service reported."""
    registry = await run_in_threadpool(deps.registry)
    return repeated_response(idl_of(registry.get(psm)))
