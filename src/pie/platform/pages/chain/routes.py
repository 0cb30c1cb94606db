"""One chain, and its log lines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pie.model import Failure, Kind, normalise_logid
from pie.platform.ask.reader import Reader
from pie.platform.pages.chain.build import build_chain
from pie.platform.server.answers import json_response
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require
from pie.platform.views import Chain, LogLines

router = APIRouter(prefix="/api", tags=["questions"], dependencies=[Depends(require("admin"))])

_Psm = Annotated[str, Query(max_length=200)]


def _logid(logid: Annotated[str, Path(max_length=64)]) -> str:
    normal = normalise_logid(logid)
    if normal is None:
        raise Failure(Kind.INVALID, f"{logid!r} is not a logid: it has 32 characters 0-9 a-f")
    return normal


_Logid = Annotated[str, Depends(_logid)]


@router.get("/chains/{logid}", response_model=Chain)
async def get_chain(deps: AskDeps, logid: _Logid) -> Response:
    """One chain: the tree its servers logged, and the calls its callers logged."""
    calls = await Reader(deps.facts.query).calls_of(logid)
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
    return json_response(await Reader(deps.facts.query).lines_of(logid, span_id, psm, limit))
