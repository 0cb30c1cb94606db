"""The questions people ask: services, entry calls, one chain, the logs of a chain."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind, normalise_logid
from pie.platform.ask.asking import AskDeps, OutcomeQuery, unless_away
from pie.platform.pages.chain.build import build_chain
from pie.platform.pages.services.build import merge_services
from pie.platform.server.answers import json_response
from pie.platform.server.gatekeeper import require
from pie.platform.views import Chain, Chains, LogLines, Services

router = APIRouter(prefix="/api", tags=["questions"], dependencies=[Depends(require("admin"))])

_Psm = Annotated[str, Query(max_length=200)]


def _logid(logid: Annotated[str, Path(max_length=64)]) -> str:
    normal = normalise_logid(logid)
    if normal is None:
        raise Failure(Kind.INVALID, f"{logid!r} is not a logid: it has 32 characters 0-9 a-f")
    return normal


_Logid = Annotated[str, Depends(_logid)]


@router.get("/services", response_model=Services)
async def list_services(
    deps: AskDeps, window: Annotated[int, Query(ge=10, le=86_400)] = 60
) -> Response:
    """Every service that is registered or was seen in calls, with its traffic in the window."""
    now = time.time()
    registered, seen = await asyncio.gather(
        run_in_threadpool(deps.registry), unless_away(deps.reader.traffic(now, window))
    )
    services = merge_services(registered, seen or {})
    return json_response(Services(now, window, traffic_known=seen is not None, services=services))


@router.get("/chains", response_model=Chains)
async def list_chains(
    deps: AskDeps,
    psm: _Psm = "",
    outcome: OutcomeQuery = "",
    min_ms: Annotated[float, Query(ge=0, le=1e9)] = 0.0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Entry calls, newest first; ``failed`` are 5xx kinds, ``rejected`` 4xx kinds."""
    return json_response(
        Chains(await deps.reader.entries(time.time(), psm, outcome, min_ms, limit))
    )


@router.get("/chains/{logid}", response_model=Chain)
async def get_chain(deps: AskDeps, logid: _Logid) -> Response:
    """One chain: the tree its servers logged, and the calls its callers logged."""
    calls = await deps.reader.calls_of(logid)
    if not calls.rows:
        raise Failure(
            Kind.NOT_FOUND,
            f"no call of {logid} is stored: it may be older than ten days, or on its way "
            "(calls show within two seconds)",
        )
    return await run_in_threadpool(
        lambda: json_response(build_chain(logid, calls.rows, truncated=calls.truncated))
    )


@router.get("/chains/{logid}/logs", response_model=LogLines)
async def get_chain_logs(
    deps: AskDeps,
    logid: _Logid,
    span_id: Annotated[str, Query(max_length=64)] = "",
    psm: _Psm = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """The log lines of one chain, of one span or service of it if asked."""
    return json_response(await deps.reader.lines_of(logid, span_id, psm, limit))
