"""The error body that HTTP and RPC share: code, message, logid."""

import json

from pie.model import Call, Failure


def error_body(failure: Failure, call: Call | None) -> bytes:
    """JSON ``{"code", "message", "logid"}``.

    The message of an unexpected exception stays in the log: it may hold what peers must not see.
    """
    internal = failure.kind == "internal" and failure.raised_by == "self"
    body = {
        "code": failure.code,
        "message": "internal error" if internal else failure.message,
        "logid": "" if call is None else call.logid,
    }
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")
