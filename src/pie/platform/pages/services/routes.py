"""The list of services, and the calls that entered the fleet."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.platform.ask.asking import unless_away
from pie.platform.ask.params import OutcomeQuery, PsmQuery
from pie.platform.pages.services.build import merge_services, summary_of
from pie.platform.pages.services.sql import ServicesReader
from pie.platform.pages.services.views import Chains, Services
from pie.platform.server.answers import repeated_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require

router = APIRouter(prefix="/api", tags=["questions"], dependencies=[Depends(require("person"))])


@router.get("/services", response_model=Services)
async def list_services(
    deps: AskDeps, window: Annotated[int, Query(ge=10, le=86_400)] = 60
) -> Response:
    """Every service that is registered or was seen in calls, with its traffic in the window."""
    now = time.time()
    registered, seen = await asyncio.gather(
        run_in_threadpool(deps.registry),
        unless_away(ServicesReader(deps.facts.query).traffic(now, window)),
    )
    services = merge_services(registered, seen or {})
    return repeated_response(
        Services(now, window, traffic_known=seen is not None, services=services)
    )


@router.get("/chains", response_model=Chains)
async def list_chains(
    deps: AskDeps,
    psm: PsmQuery = "",
    outcome: OutcomeQuery = "",
    min_ms: Annotated[float, Query(ge=0, le=1e9)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Entry calls, newest first; ``failed`` are 5xx kinds, ``rejected`` 4xx kinds."""
    entries = await ServicesReader(deps.facts.query).entries(
        time.time(), psm, outcome, min_ms, limit
    )
    return repeated_response(Chains([summary_of(entry) for entry in entries]))
