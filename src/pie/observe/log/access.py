"""The human lines of calls: access log of what was served, rpc log of what was asked.

``line.c`` writes the same ones.
"""

import os
from collections.abc import Mapping

from pie.model import BUSINESS_FAILURE, Kind
from pie.observe.facts.rows import CallRow
from pie.observe.log.line import LineFormat

LOCATION = f"{__file__}:1"


def levels_of(caller_errors: str = "INFO") -> dict[str, str]:
    """The level of the line of a call by its outcome; ERROR for one that is missing here.

    Args:
        caller_errors: level of what the caller did wrong: failures whose HTTP status is 4xx.
    """
    levels = {each.value: "ERROR" if each.http_status >= 500 else caller_errors for each in Kind}
    return levels | {"ok": "INFO", "business": "INFO", BUSINESS_FAILURE: "ERROR"}


def access_line(
    line_format: LineFormat, row: CallRow, thread: int, levels: Mapping[str, str]
) -> bytes:
    """The line of a whole call, which ended ``row.duration_us`` after ``row.ts``."""
    served = row.side == "server"
    return line_format.line(
        level=levels.get(row.outcome, "ERROR"),
        ts=row.ts + row.duration_us / 1e6,
        location=LOCATION,
        message=_served(row) if served else _asked(row),
        process=os.getpid(),
        thread=thread,
        logid=row.logid,
        span_id=row.span_id if served else row.parent_id,
    )


def _served(row: CallRow) -> str:
    what = f"{row.verb} {row.path or '-'} {row.status}" if row.verb else row.method
    route = f"route={row.route or '-'} " if row.verb else ""
    return (
        f"{what} {row.outcome} code={row.code} cost_us={row.duration_us} {route}"
        f"caller={row.caller or '-'} peer={row.peer or '-'}"
    )


def _asked(row: CallRow) -> str:
    status = "success" if row.outcome in ("ok", "business") else row.outcome
    return (
        f" retry={row.attempts - 1} business_retry_cost={row.duration_us // 1000} "
        f"called={row.callee} method={row.method} rpc_status={status}"
    )
