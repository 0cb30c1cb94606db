"""The log line of the fleet, to the character:

    INFO 2017-04-18 11:17:44,809 /a/b.py:87 10.6.131.78 toutiao.my.api 0 - process=84168 thread=140068553332480 data=text

Level, time, file:line, host, PSM, logid (``0`` outside a call), span id (``-`` outside a call),
process, thread, and the message as ``data``.
"""  # noqa: E501 - the line is quoted whole

import time
from datetime import UTC, datetime, tzinfo

NO_LOGID = "0"
NO_SPAN = "-"


def escape(text: str) -> str:
    """Put any text on one line, reversibly: backslash, newline and carriage return."""
    if "\n" not in text and "\\" not in text and "\r" not in text:
        return text
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


class LineFormat:
    """Formats the lines of one process.

    Args:
        host: IP of the host.
        psm: name of the service.
        zone: the fleet's time zone.
    """

    def __init__(self, host: str, psm: str, zone: tzinfo = UTC) -> None:
        self.who = f"{host} {psm}"
        self._zone = zone
        self._second = -1
        self._stamp = ""

    def line(
        self,
        *,
        level: str,
        ts: float,
        location: str,
        message: str,
        process: int,
        thread: int,
        logid: str = "",
        span_id: str = "",
    ) -> bytes:
        """One line with its newline. ``ts`` in Unix seconds, ``location`` is ``file:line``."""
        text = (
            f"{level} {self._time(ts)} {location} {self.who} {logid or NO_LOGID} "
            f"{span_id or NO_SPAN} process={process} thread={thread} data={escape(message)}\n"
        )
        return text.encode("utf-8", "backslashreplace")

    def stamp(self, second: int) -> str:
        """Date and time of a second, as lines show them before the milliseconds."""
        return datetime.fromtimestamp(second, self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def _time(self, ts: float) -> str:
        second = int(ts)
        # Two threads may race here; each uses the stamp it computed or one of the same second.
        known, stamp = self._second, self._stamp
        if second != known:
            stamp = self.stamp(second)
            self._stamp, self._second = stamp, second
        return f"{stamp},{min(999, round((ts - second) * 1e6) // 1000):03d}"


def hour_of(ts: float, zone: tzinfo = UTC) -> str:
    """``YYYYmmddHH`` of a time in Unix seconds."""
    if zone is UTC:
        return time.strftime("%Y%m%d%H", time.gmtime(ts))
    return datetime.fromtimestamp(ts, zone).strftime("%Y%m%d%H")
