"""Options of the agent, and the error of one that cannot start."""

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

MIB = 1024 * 1024
DAY_S = 86_400.0
MAX_LINE = MIB
"""Bytes of a line that travel in one row; a longer one is cut into such pieces."""
BATCH_BYTES = 4 * MIB
"""Bytes of rows in one request, before compression."""
BATCH_ROWS = 10_000


class AgentError(Exception):
    """The agent cannot start; the message says why and what to do."""


class AgentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one agent. Times are seconds.

    Raises:
        ValueError: a value is out of its range.
    """

    zone: str = "UTC"
    """The fleet's time zone, in which log lines and file names give their time."""
    directory: Path | None = None
    """Where journal, lock and status live; ``<root>/.pie-agent`` by default."""
    host: str = ""
    """Host of lines that name none; this host's address towards the platform by default."""
    host_id: str = ""
    """What makes this host's files its own; machine id and host name by default."""
    compress_after_s: float = 3600.0
    """Age past its hour at which an acknowledged file is compressed."""
    keep_s: float = 10 * DAY_S
    """Age past its hour at which a compressed file is deleted."""
    quota_bytes: int = 0
    """Most bytes the log folders may hold; 0 is no limit."""
    free_bytes: int = 64 * MIB
    """Room that acknowledged files of past hours make, oldest first, on a disk that has less."""
    streams: int = 2
    """Connections per table; each file always travels in the same one."""
    scan_s: float = 1.0
    """How often new files are looked for."""
    poll_s: float = 0.2
    """How often live files are asked for growth."""
    cold_poll_s: float = 10.0
    """How often files of past hours are asked for growth."""
    linger_s: float = 0.3
    """How long a batch waits for more rows."""
    recover_s: float = 2.0
    """How often counts of processes that were killed are looked for."""
    keeper_s: float = 60.0
    """How often old files are compressed and deleted."""
    status_s: float = 2.0
    """How often ``status.json`` is written."""
    timeout_s: float = 30.0
    """Longest wait for the platform's answer."""
    backoff_s: float = 0.2
    """First wait after a failure; doubles, with jitter, up to ``backoff_max_s``."""
    backoff_max_s: float = 15.0
    refused_s: float = 20.0
    """Wait after the platform refused the token or does not know the address."""
    stop_s: float = 2.0
    """Time for the last flush."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"time zone {self.zone!r} is not known here: write a name such as UTC or "
                "Asia/Shanghai, or install the zone data (package tzdata)"
            ) from error
        if not 1 <= self.streams <= 16:
            raise ValueError(f"streams={self.streams} is not in 1..16")
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{name}={value} is negative: write 0 or more")
