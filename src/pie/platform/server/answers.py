"""How answers leave: typed views as JSON, failures in the one form of errors."""

import hashlib

import msgspec
from starlette.responses import Response

from pie.model import Failure
from pie.platform.ask.named_failure import NamedFailure
from pie.platform.ask.query.tree import QueryError

_encoder = msgspec.json.Encoder()
_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}
_NO_STORE = _NO_SNIFF | {"Cache-Control": "no-store"}
_ASK_AGAIN = _NO_SNIFF | {"Cache-Control": "private, no-cache"}
_NOW = b'{"now":'


def json_response(view: object, status: int = 200) -> Response:
    """A view (dataclass) as JSON; encoded straight, since it is typed already."""
    return Response(_encoder.encode(view), status, headers=_NO_STORE, media_type="application/json")


def repeated_response(view: object) -> Response:
    """Like ``json_response``, for what a page asks every few seconds.

    Its ETag tells whether anything changed since the last time. A leading ``now`` does not count
    as a change: ``Date`` says it as well.
    """
    body = _encoder.encode(view)
    start = body.index(b",") if body.startswith(_NOW) and b"," in body else 0
    digest = hashlib.blake2b(memoryview(body)[start:], digest_size=16).hexdigest()
    headers = _ASK_AGAIN | {"ETag": f'W/"{digest}"'}
    return Response(body, headers=headers, media_type="application/json")


def error_response(failure: Failure) -> Response:
    """A failure in the form of ``ErrorAnswer`` under its own HTTP status."""
    status = failure.code if 400 <= failure.code <= 599 else failure.kind.http_status
    body: dict[str, object] = {
        "code": status,
        "kind": failure.kind.value,
        "message": failure.message,
    }
    if isinstance(failure, NamedFailure):
        body["reason"] = failure.reason
        body["parts"] = failure.parts
    if isinstance(failure, QueryError):
        body["at"] = failure.at
        body["literal"] = failure.literal
    return json_response({"error": body}, status)
