"""The list of services, and the calls that entered the fleet."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.platform.ask.asking import unless_away
from pie.platform.ask.coverage import Slots, coverage, slots_in
from pie.platform.ask.params import ClusterQuery, OutcomeQuery, PsmQuery
from pie.platform.ask.series import AgainstQuery, SlotRow, buckets, past_buckets
from pie.platform.ask.span import SpanQuery
from pie.platform.pages.services.build import find_methods, merge_services, summary_of
from pie.platform.pages.services.sql import ServicesReader
from pie.platform.pages.services.views import Chains, FleetSeries, MethodNames, Services
from pie.platform.server.answers import json_response, repeated_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require

router = APIRouter(prefix="/api", tags=["questions"], dependencies=[Depends(require("person"))])


_WINDOW = 60
_SERIES_WINDOW = 3_600


@router.get("/services", response_model=Services)
async def list_services(deps: AskDeps, asked: SpanQuery, cluster: ClusterQuery = "") -> Response:
    """Every service that is registered or was seen in calls, with its traffic in the last
    ``window`` seconds, or from ``since`` to ``until``; of one cluster of each, or of all."""
    now = time.time()
    span = asked.at(now, _WINDOW)
    registered, seen = await asyncio.gather(
        run_in_threadpool(deps.registry),
        unless_away(ServicesReader(deps.facts.query).traffic(now, span, cluster)),
    )
    services = merge_services(registered, seen or {})
    return repeated_response(
        Services(now, span.window, traffic_known=seen is not None, services=services)
    )


@router.get("/fleet/methods", response_model=MethodNames)
async def find_fleet_methods(
    deps: AskDeps,
    q: Annotated[str, Query(min_length=2, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Response:
    """Methods of all services by a part of their name: described ones, and those called in a
    day."""
    called, registered = await asyncio.gather(
        unless_away(ServicesReader(deps.facts.query).methods(time.time(), q, limit)),
        run_in_threadpool(deps.registry),
    )
    return json_response(
        await run_in_threadpool(lambda: find_methods(q, limit, registered, called))
    )


@router.get("/fleet/series", response_model=FleetSeries)
async def get_fleet_series(
    deps: AskDeps, asked: SpanQuery, cluster: ClusterQuery = "", against: AgainstQuery = ""
) -> Response:
    """The calls that all services received, over time; beside those of the day or the week
    before."""
    ask = deps.facts.query
    span = asked.at(time.time(), _SERIES_WINDOW)
    until = (await coverage(ask, span)).until
    slots = slots_in(span, until)
    reader = ServicesReader(ask)

    async def rows(slots: Slots) -> list[SlotRow]:
        return await reader.series(slots, cluster)

    found, past = await asyncio.gather(rows(slots), past_buckets(ask, slots, against, rows))
    return repeated_response(
        FleetSeries(
            since=slots.since,
            until=until,
            step_s=slots.step,
            buckets=await buckets(ask, slots, found),
            against=against,
            past=past,
        )
    )


@router.get("/chains", response_model=Chains)
async def list_chains(
    deps: AskDeps,
    asked: SpanQuery,
    psm: PsmQuery = "",
    cluster: ClusterQuery = "",
    outcome: OutcomeQuery = "",
    min_ms: Annotated[float, Query(ge=0, le=1e9)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Entry calls, newest first; ``failed`` are 5xx kinds, ``rejected`` 4xx kinds. Those from
    ``since`` to ``until``, or the newest of all."""
    end, oldest = asked.rows_until(time.time())
    entries = await ServicesReader(deps.facts.query).entries(
        end, psm, cluster, outcome, min_ms, limit, oldest
    )
    return repeated_response(Chains([summary_of(entry) for entry in entries]))
