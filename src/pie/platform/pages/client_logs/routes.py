"""POST /api/client-logs: the one path that pages of any origin may use, with a key of its own.

The key cannot be kept secret in a page or an app; it only keeps passers-by out. What bounds the
rest are the limits by address and device.
"""

import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from pie.model import Failure, Kind
from pie.platform.facts.budget import ByteBudget
from pie.platform.pages.client_logs.build import MAX_BODY, read_post, rows_of
from pie.platform.pages.client_logs.limits import ClientLimits
from pie.platform.pages.client_logs.views import ClientLogsAnswer
from pie.platform.server.answers import error_response, json_response
from pie.platform.server.auth import Keys
from pie.platform.server.body import expected_size, read_body
from pie.platform.server.deps import AskDeps, Deps, Work, work_of

router = APIRouter(tags=["client logs"])

PATH = "/api/client-logs"
_BODY_SECONDS = 10.0
_BYTES_IN_FLIGHT = 16 << 20
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type, x-pie-client-key",
    "Access-Control-Max-Age": "86400",
}
_ENTRY = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string"},
        "level": {"type": "string"},
        "ts": {"type": "number", "description": "Unix seconds or milliseconds"},
        "stack": {"type": "string"},
        "url": {"type": "string"},
        "logid": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": True},
    },
}
_POST = {
    "type": "object",
    "required": ["app", "device", "entries"],
    "properties": {
        **{
            name: {"type": "string"}
            for name in ("app", "device", "psm", "user", "version", "platform")
        },
        "entries": {"type": "array", "maxItems": 200, "items": _ENTRY},
    },
}
_encode_lines = msgspec.json.Encoder().encode_lines


class ClientLogWork(Work):
    """What may be sent at once, and by one sender.

    The bytes in flight are bounded apart from those of agents: anybody may have the key, and slow
    senders must not take the agents' share.
    """

    def __init__(self, _deps: Deps) -> None:
        self.limits = ClientLimits()
        self.budget = ByteBudget(_BYTES_IN_FLIGHT)


_Work = Annotated[ClientLogWork, Depends(work_of(ClientLogWork))]


@router.options(PATH, include_in_schema=False)
async def client_logs_preflight() -> Response:
    return Response(status_code=204, headers=_CORS)


@router.post(
    PATH,
    response_model=ClientLogsAnswer,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": _POST}}}
    },
)
async def client_logs(request: Request, deps: AskDeps, work: _Work) -> Response:
    """Take log entries of a browser or an app; the key is `X-Pie-Client-Key` or `?key=`."""
    try:
        answer = json_response(await _take(request, deps, work))
    except Failure as failure:
        answer = error_response(failure)
        if failure.kind is Kind.EXHAUSTED:
            answer.headers["Retry-After"] = "10"
    answer.headers.update(_CORS)
    return answer


async def _take(request: Request, deps: Deps, work: ClientLogWork) -> ClientLogsAnswer:
    _check_key(request, deps.keys)
    async with work.budget.hold(expected_size(request, MAX_BODY)):
        body = await read_body(request, MAX_BODY, _BODY_SECONDS)
        post = read_post(body)
        address = request.client.host if request.client is not None else ""
        work.limits.take(address, post)
        rows = rows_of(post, address, time.time())
        if rows:
            await deps.facts.ingest("logs", _encode_lines(rows), gzip=False)
    return ClientLogsAnswer(accepted=len(rows))


def _check_key(request: Request, keys: Keys) -> None:
    given = request.headers.get("x-pie-client-key") or request.query_params.get("key", "")
    if not keys.is_client(given):
        raise Failure(
            Kind.UNAUTHENTICATED,
            "no valid client key: send the text of client.token of the platform's directory as "
            "X-Pie-Client-Key, or as ?key= where a header cannot be set",
        )
