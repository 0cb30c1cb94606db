"""Keeps the run-time description of an instance up to date in the registry."""

import threading

import msgspec

from pie.observe import Recorder
from pie.state import Registrar, RuntimeDescription

REPORT_SECONDS = 10.0


class DescriptionReporter:
    """Reports how many calls are being served, and how many rows about calls were lost.

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
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pie-report", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._stopped.set()

    def report(self) -> None:
        """Report what changed since the last report."""
        recorder = self._recorder
        description = msgspec.structs.replace(
            self._description, in_flight=recorder.in_flight, lost=recorder.lost
        )
        if description != self._description:
            self._description = description
            self._registrar.update(description=description)

    def _run(self) -> None:
        while not self._stopped.wait(REPORT_SECONDS):
            self.report()
