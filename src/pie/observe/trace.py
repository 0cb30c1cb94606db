"""The trace gate: gives a call its place in a chain."""

from collections.abc import Callable
from typing import NamedTuple

from pie._core import native
from pie.model import Call, current_call, new_span_id, take_persisted


class NativeTrace(NamedTuple):
    """What C reads of the gate."""

    new_logid: Callable[[], str]
    lane: str = ""


class ServerTrace:
    """Continues the caller's chain, or starts one."""

    def __init__(self, new_logid: Callable[[], str]) -> None:
        self._new_logid = new_logid

    def native_state(self) -> NativeTrace:
        """What C needs to enter by itself."""
        return NativeTrace(self._new_logid)

    def enter(self, call: Call) -> None:
        call.logid = call.logid or self._new_logid()
        call.span_id = call.wire_span_id = new_span_id()
        if call.persist:
            take_persisted(call)

    def leave(self, call: Call) -> None:
        pass


class ClientTrace:
    """Makes the call a child of the call being served, with what persists along the chain.

    Args:
        new_logid: makes the logid of a call that begins a chain.
        lane: of the process: of calls that belong to a chain without a lane, or to none.
    """

    def __init__(self, new_logid: Callable[[], str], lane: str = "") -> None:
        self._new_logid = new_logid
        self._lane = lane

    def native_state(self) -> NativeTrace:
        """What C needs to enter by itself."""
        return NativeTrace(self._new_logid, self._lane)

    def enter(self, call: Call) -> None:
        call.span_id = call.wire_span_id = new_span_id()
        parent = current_call.get()
        if parent is None:
            call.logid = call.logid or self._new_logid()
        else:
            call.logid = parent.logid
            call.parent_id = parent.span_id
            call.env = call.env or parent.env
            call.persist = {**parent.persist, **call.persist}
        if call.persist:
            take_persisted(call)
        call.env = call.env or self._lane

    def leave(self, call: Call) -> None:
        pass


if native is not None:
    native.setup_gate("ServerTrace", ServerTrace)
    native.setup_gate("ClientTrace", ClientTrace)
