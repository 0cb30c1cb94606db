"""Finds what killed processes had counted and not written, and has it written to ship it."""

import os
import threading
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path

from pie.agent.names import FACTS_FOLDER
from pie.agent.options import AgentOptions
from pie.agent.status import Tally, WarningLog
from pie.observe.record.counts import COUNTS
from pie.observe.record.recover import recover


class Recovery:
    """``run`` is for a thread of its own.

    Args:
        stopped: ends ``run``.
    """

    def __init__(
        self,
        root: Path,
        zone: tzinfo,
        options: AgentOptions,
        tally: Tally,
        warnings: WarningLog,
        stopped: threading.Event,
    ) -> None:
        self._root = root
        self._zone = zone
        self._options = options
        self._tally = tally
        self._warnings = warnings
        self._stopped = stopped

    def run(self) -> None:
        """Look at once, and again until stopped. No error ends it."""
        while True:
            try:
                self.look()
            except Exception as error:
                self._warnings.warn(
                    "recovery", f"counts of killed processes wait to be written: {error}"
                )
            if self._stopped.wait(self._options.recover_s):
                return

    def look(self) -> None:
        """Recover what there is. Raises OSError when the root cannot be read."""
        for product in self._products():
            facts = product / "log" / FACTS_FOLDER
            try:
                done = recover(product / COUNTS, facts, self._zone)
            except OSError as error:
                self._warnings.warn(
                    "recovery",
                    f"counts of killed processes in {product / COUNTS} wait to be written: {error}",
                )
                continue
            if any(done):
                self._tally.add(
                    recovered_rows=done.rows,
                    recovered_lines=done.lines,
                    damaged_counts=done.damaged,
                )

    def _products(self) -> Iterator[Path]:
        with os.scandir(self._root) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_dir():
                    yield self._root / entry.name
