"""What an instance says of itself while it runs, kept true: facts that change."""

import threading

import msgspec

from pie.observe import Recorder
from pie.state import Registrar, RuntimeFacts

REPORT_SECONDS = 10.0


class FactsReporter:
    """Tells the registry how many calls are being served, and how many facts of calls were lost.

    Says nothing while nothing changes.

    Args:
        registrar: of the instance.
        facts: what it said when it registered.
        recorder: of its calls.
    """

    def __init__(self, registrar: Registrar, facts: RuntimeFacts, recorder: Recorder) -> None:
        self._registrar = registrar
        self._facts = facts
        self._recorder = recorder
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pie-facts", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Say nothing more."""
        self._stopped.set()

    def report(self) -> None:
        """Say what changed since the last time."""
        recorder = self._recorder
        facts = msgspec.structs.replace(
            self._facts, in_flight=recorder.in_flight, lost=recorder.lost
        )
        if facts != self._facts:
            self._facts = facts
            self._registrar.update(facts=facts)

    def _run(self) -> None:
        while not self._stopped.wait(REPORT_SECONDS):
            self.report()
