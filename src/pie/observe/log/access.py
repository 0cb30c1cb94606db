"""The human lines of calls: access log of what was served, rpc log of what was asked.

``line.c`` writes the same ones.
"""

import os

from pie.observe.facts.rows import CallRow
from pie.observe.log.line import LineFormat

LOCATION = f"{__file__}:1"


def access_line(line_format: LineFormat, row: CallRow, thread: int) -> bytes:
    """The line of a whole call, which ended ``row.duration_us`` after ``row.ts``."""
    served = row.side == "server"
    return line_format.line(
        level="INFO",
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
