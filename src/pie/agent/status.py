"""The status of the agent: counters, whether the platform answers, ``status.json``."""

import logging
import os
import threading
import time
from pathlib import Path

import msgspec

_log = logging.getLogger("pie.agent")
FILE_NAME = "status.json"
_MAX_STATUS = 1024 * 1024
_WARN_AGAIN_S = 60.0


class TableStatus(msgspec.Struct, kw_only=True):
    """Counters since the agent started, for one table."""

    shipped: int = 0
    """Rows the platform acknowledged, duplicates included, rejected ones not."""
    duplicates: int = 0
    rejected: int = 0
    """Rows the platform would not take."""
    bad_lines: int = 0
    """Lines that gave no row, so never left this host."""
    cut_lines: int = 0
    """Pieces of lines too long for one row."""
    batches: int = 0
    retries: int = 0
    bytes: int = 0
    """Bytes of log files acknowledged."""


class AgentStatus(msgspec.Struct, kw_only=True):
    """How the agent is doing. Times are Unix seconds; counters begin at ``started``."""

    time: float = 0.0
    started: float = 0.0
    pid: int = 0
    root: str = ""
    url: str = ""
    running: bool = False
    platform: str = "unknown"
    """``unknown`` before the first answer, ``up``, ``away``, or ``refused``."""
    platform_reason: str = ""
    platform_since: float = 0.0
    files: int = 0
    bytes_behind: int = 0
    seconds_behind: float = 0.0
    """How long ago the file that waits longest was last sent to its end."""
    tables: dict[str, TableStatus] = {}
    vanished_bytes: int = 0
    """Unsent bytes of files that somebody else deleted."""
    quota_lost_files: int = 0
    quota_lost_lines: int = 0
    quota_lost_bytes: int = 0
    """Unsent, deleted by the agent because the quota left no other way."""
    compressed_files: int = 0
    deleted_files: int = 0
    journal_damaged: int = 0
    recovered_rows: int = 0
    """Rows of aggregates that killed processes had not written."""
    recovered_lines: int = 0
    """Records and lines of calls that killed processes had not written."""
    damaged_counts: int = 0
    """Files of such counts that were set aside."""


class Tally:
    """Counters that several threads add to."""

    def __init__(self, status: AgentStatus) -> None:
        self._status = status
        self._lock = threading.Lock()

    def add(self, **amounts: int) -> None:
        """Add to the agent's own counters."""
        self._add(self._status, amounts)

    def add_table(self, table: str, **amounts: int) -> None:
        """Add to one table's counters."""
        self._add(self._status.tables[table], amounts)

    def _add(self, target: msgspec.Struct, amounts: dict[str, int]) -> None:
        with self._lock:
            for name, amount in amounts.items():
                setattr(target, name, getattr(target, name) + amount)


class Reach:
    """Whether the platform takes rows, over all streams; says each change once."""

    def __init__(self, status: AgentStatus) -> None:
        self._status = status
        self._lock = threading.Lock()
        self._failing: dict[str, str] = {}

    def failed(self, stream: str, state: str, reason: str) -> None:
        """The stream's rows were not taken; ``state`` is ``away`` or ``refused``."""
        with self._lock:
            self._failing[stream] = state
            self._status.platform_reason = reason
            if self._status.platform == state or (
                state == "away" and "refused" in self._failing.values()
            ):
                return
            self._enter(state)
        _log.log(
            logging.ERROR if state == "refused" else logging.WARNING,
            "the platform at %s does not take rows: %s. The lines stay in their files and are "
            "sent when it does",
            self._status.url,
            reason,
        )

    def answered(self, stream: str) -> None:
        """The stream's rows were taken."""
        with self._lock:
            self._failing.pop(stream, None)
            if self._failing or self._status.platform == "up":
                return
            before, since = self._status.platform, self._status.platform_since
            self._status.platform_reason = ""
            self._enter("up")
        if before == "unknown":
            _log.info("shipping to the platform at %s", self._status.url)
        else:
            away = time.time() - since
            _log.info("the platform at %s is back after %.1f s", self._status.url, away)

    def _enter(self, state: str) -> None:
        self._status.platform = state
        self._status.platform_since = time.time()


class WarningLog:
    """Warns of one thing at most once a minute, with how often it happened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warned: dict[str, tuple[float, int]] = {}

    def warn(self, topic: str, message: str) -> None:
        """``topic`` is one of a few; ``message`` may differ each time."""
        now = time.monotonic()
        with self._lock:
            warned_at, missed = self._warned.get(topic, (-_WARN_AGAIN_S, 0))
            if now - warned_at < _WARN_AGAIN_S:
                self._warned[topic] = (warned_at, missed + 1)
                return
            self._warned[topic] = (now, 0)
        _log.warning("%s%s", message, f" (and {missed} times before)" if missed else "")


def write_status(directory: Path, status: AgentStatus) -> None:
    """Replace the status file in one step. Raises OSError."""
    new = directory / (FILE_NAME + ".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, msgspec.json.format(msgspec.json.encode(status)) + b"\n")
    finally:
        os.close(fd)
    new.replace(directory / FILE_NAME)


def read_status(directory: Path) -> AgentStatus | None:
    """The last status written in the agent's directory; None when there is none to be read."""
    try:
        with (directory / FILE_NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_STATUS), type=AgentStatus)
    except (OSError, msgspec.DecodeError):
        return None
