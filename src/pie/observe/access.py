"""The human lines of calls: access log of what was served, rpc log of what was asked."""

import os

from pie.model.fields import Side
from pie.observe.facts import CallRow
from pie.observe.handler import LineSink
from pie.observe.lines import LineFormat

_PLACE = f"{__file__}:1"


class AccessLog:
    """Writes one line per whole call.

    Args:
        line_format: of this process.
        served: sink in ``app/``.
        asked: sink in ``rpc/``.
    """

    def __init__(self, line_format: LineFormat, served: LineSink, asked: LineSink) -> None:
        self._format = line_format
        self._sinks: dict[Side, LineSink] = {"server": served, "client": asked}

    def write(self, row: CallRow, side: Side, thread: int) -> None:
        """Write the line of a call that ended ``row.duration_us`` after ``row.ts``."""
        ended = row.ts + row.duration_us / 1e6
        line = self._format.line(
            level="INFO",
            ts=ended,
            place=_PLACE,
            message=_served(row) if side == "server" else _asked(row),
            process=os.getpid(),
            thread=thread,
            logid=row.logid,
            span_id=row.span_id if side == "server" else row.parent_id,
        )
        self._sinks[side].write(line, ended)


def _served(row: CallRow) -> str:
    what = f"{row.verb} {row.route or '-'} {row.status}" if row.verb else row.method
    return (
        f"{what} {row.outcome} code={row.code} cost_us={row.duration_us} "
        f"caller={row.caller or '-'} peer={row.peer or '-'}"
    )


def _asked(row: CallRow) -> str:
    status = "success" if row.outcome in ("ok", "business") else row.outcome
    return (
        f" retry={row.attempts - 1} business_retry_cost={row.duration_us // 1000} "
        f"called={row.callee} method={row.method} rpc_status={status}"
    )
