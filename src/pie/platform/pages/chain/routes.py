"""One chain, and its log lines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.ask.chain_rows import calls_of
from pie.platform.ask.params import LogidPath, PsmQuery
from pie.platform.pages.chain.build import build_chain
from pie.platform.pages.chain.sql import lines_of
from pie.platform.pages.chain.views import Chain, LogLines
from pie.platform.server.answers import json_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require

router = APIRouter(prefix="/api", tags=["questions"], dependencies=[Depends(require("person"))])


@router.get("/chains/{logid:path}/logs", response_model=LogLines)
async def get_chain_logs(
    deps: AskDeps,
    logid: LogidPath,
    span_id: Annotated[str, Query(max_length=64)] = "",
    psm: PsmQuery = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """The log lines of one chain, of one span or service of it if asked."""
    return json_response(await lines_of(deps.facts.query, logid, span_id, psm, limit))


@router.get("/chains/{logid:path}", response_model=Chain)
async def get_chain(deps: AskDeps, logid: LogidPath) -> Response:
    """One chain: the tree its servers logged, and the calls its callers logged."""
    calls = await calls_of(deps.facts.query, logid)
    if not calls.rows:
        raise Failure(
            Kind.NOT_FOUND,
            f"no call of {logid} is stored: it may be older than ten days, or on its way "
            "(calls show within two seconds)",
        )
    return await run_in_threadpool(
        lambda: json_response(build_chain(logid, calls.rows, truncated=calls.truncated))
    )
