"""Keeps the run-time description of an instance up to date in the registry."""

import logging

import msgspec

from pie.model import Resident
from pie.observe import Recorder
from pie.state import Registrar, RuntimeDescription
from pie.state.config.live import LIVE

logger = logging.getLogger(__name__)
REPORT_SECONDS = 10.0


class DescriptionReporter:
    """Reports how many calls are being served, how many rows about calls were lost, and what the
    code expects of its dynamic config.

    Reports nothing while nothing changes.

    Args:
        registrar: of the instance.
        description: that the instance registered.
        recorder: of its calls.
    """

    def __init__(
        self, registrar: Registrar, description: RuntimeDescription, recorder: Recorder
    ) -> None:
        self._registrar = registrar
        self._description = description
        self._recorder = recorder
        self._thread = Resident("pie-report", self._step, logger)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._thread.stop()

    def report(self) -> None:
        """Report what changed since the last report."""
        recorder = self._recorder
        description = msgspec.structs.replace(
            self._description,
            in_flight=recorder.in_flight,
            lost=recorder.lost,
            config=msgspec.to_builtins(LIVE.description()),
        )
        if description != self._description:
            self._description = description
            self._registrar.update(description=description)

    def _step(self) -> float:
        self.report()
        return REPORT_SECONDS
