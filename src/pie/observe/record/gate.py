"""The record gate: hands every finished call to the call log."""

from typing import NamedTuple

from pie._core import native
from pie.model import Call
from pie.observe.record.call_log import CallLog


class NativeRecord(NamedTuple):
    """What C reads of the gate."""

    log: CallLog


class Record:
    """Stands right behind the trace gate, so that rejections are recorded like answers."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def native_state(self) -> NativeRecord | None:
        """The call log, if it is C's; None = this one is in Python."""
        is_native = native is not None and type(self._log) is native.CallLog
        return NativeRecord(self._log) if is_native else None

    def enter(self, call: Call) -> None:
        self._log.enter(call)

    def leave(self, call: Call) -> None:
        self._log.leave(call)


if native is not None:
    native.setup_gate("Record", Record)
