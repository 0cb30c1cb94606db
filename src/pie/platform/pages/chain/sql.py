"""The question about the log lines of one chain; its calls come from `ask.chain_rows`."""

from pie.platform.ask.asking import Ask, decode
from pie.platform.pages.chain.views import LogLine, LogLines

_TS = "toUnixTimestamp64Micro(ts) / 1e6 AS ts"

_LINES_OF = f"""
SELECT {_TS}, level, psm, host, file, line, message, span_id, folder, stack
FROM logs
WHERE logid = {{logid:String}}
  AND ({{span_id:String}} = '' OR span_id = {{span_id:String}})
  AND ({{psm:String}} = '' OR psm = {{psm:String}})
ORDER BY logs.ts, src, pos LIMIT {{limit:UInt32}}
"""


async def lines_of(ask: Ask, logid: str, span_id: str, psm: str, limit: int) -> LogLines:
    """The log lines of one chain by time, narrowed to a span or a service if given."""
    params = {"logid": logid, "span_id": span_id, "psm": psm, "limit": limit + 1}
    lines = decode(await ask(_LINES_OF, params), LogLine)
    return LogLines(lines[:limit], truncated=len(lines) > limit)
