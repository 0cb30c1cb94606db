"""POST /api/ingest/{table}: rows in, an answer once they are committed."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.facts.answer import IngestAnswer
from pie.platform.facts.decode import MAX_BODY
from pie.platform.server.body import expected_size, read_body
from pie.platform.server.deps import AskDeps
from pie.platform.server.gatekeeper import require

_BODY_SECONDS = 30.0

router = APIRouter(
    prefix="/api/ingest", tags=["ingest"], dependencies=[Depends(require("service", "admin"))]
)

_NDJSON_BODY = {
    "requestBody": {
        "required": True,
        "description": "One row per line, fields as in pie.observe.facts.rows",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


@router.post("/{table}", response_model=IngestAnswer, openapi_extra=_NDJSON_BODY)
async def ingest(
    request: Request,
    table: Annotated[
        Literal["calls", "edge_10s", "peer_60s", "logs", "rule_10s", "in_force"], Path()
    ],
    deps: AskDeps,
) -> Response:
    """Commit rows and say what became of them; bad rows are refused one by one."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("gzip", "identity"):
        raise Failure(
            Kind.INVALID, f"Content-Encoding {encoding[:50]!r} is not known: send gzip or plain"
        )
    async with deps.ingest_budget.hold(expected_size(request, MAX_BODY)):
        body = await read_body(request, MAX_BODY, _BODY_SECONDS)
        answer = await deps.facts.ingest(table, body, gzip=encoding == "gzip")
    return Response(answer, media_type="application/json")
