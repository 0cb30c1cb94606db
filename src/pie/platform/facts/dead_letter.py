"""Keeps refused lines in a bounded file, so that people can look at them."""

import os
import threading
import time
from pathlib import Path

import msgspec

from pie.platform.facts.decode import BadLine
from pie.platform.facts.files import sync_directory

_LINE_BYTES = 64 << 10


class DeadLetters:
    """Appends refused lines to an NDJSON file; at ``limit`` bytes it becomes the one old file.

    Lines are on the disk when they are kept, for the sender drops them when it is answered.
    """

    def __init__(self, path: Path, limit: int = 32 << 20) -> None:
        self._path = path
        self._limit = limit
        self._lock = threading.Lock()

    def keep(self, table: str, bad: list[BadLine]) -> None:
        """Write lines away. A full disk is not the sender's problem: what fails is dropped."""
        if not bad:
            return
        now = time.time()
        text = b"".join(
            msgspec.json.encode(
                {
                    "at": now,
                    "table": table,
                    "reason": line.reason,
                    "line": line.text[:_LINE_BYTES].decode(errors="replace"),
                }
            )
            + b"\n"
            for line in bad
        )[: self._limit]
        with self._lock:
            try:
                self._append(text)
            except OSError:
                return

    def _append(self, text: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            is_new = file.tell() == 0
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if size >= self._limit:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        if is_new or size >= self._limit:
            sync_directory(self._path.parent)
