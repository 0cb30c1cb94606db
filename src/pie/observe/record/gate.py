"""The record gate: hands every finished call to the call log."""

from pie._core import native
from pie.model import Call
from pie.observe.record.call_log import CallLog


class Record:
    """Stands right behind the trace gate, so that rejections are recorded like answers."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def enter(self, call: Call) -> None:
        self._log.enter(call)

    def leave(self, call: Call) -> None:
        self._log.leave(call)


if native is not None:
    native.setup_gate("Record", Record)
