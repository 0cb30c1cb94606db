"""How answers leave: typed views as JSON, failures in the one form of errors."""

import msgspec
from starlette.responses import Response

from pie.model import Failure
from pie.platform.ask.query.tree import QueryError

_encoder = msgspec.json.Encoder()
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(view: object, status: int = 200) -> Response:
    """A view (dataclass) as JSON; encoded straight, since it is typed already."""
    return Response(_encoder.encode(view), status, headers=_NO_STORE, media_type="application/json")


def error_response(failure: Failure) -> Response:
    """A failure in the form of ``ErrorAnswer`` under its own HTTP status."""
    status = failure.code if 400 <= failure.code <= 599 else failure.kind.http_status
    body: dict[str, object] = {
        "code": status,
        "kind": failure.kind.value,
        "message": failure.message,
    }
    if isinstance(failure, QueryError):
        body["at"] = failure.at
        body["literal"] = failure.literal
    return json_response({"error": body}, status)
