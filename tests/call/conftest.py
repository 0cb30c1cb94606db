"""Lists of gates and courses, in C where there is a C, and as their twins."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

import pie.call.sync
from pie._core import native
from pie.call import Course, GateLock, Gates
from pie.call.course import PythonCourse
from pie.call.flow import flow_in_python
from pie.call.gates import GateList, PythonGateLock
from pie.call.sync import OpenCall, PythonOpenCall
from pie.model import SYSTEM_CLOCK, Call, Clock


class Kit(NamedTuple):
    """One way to run calls."""

    lock: Callable[[], Any]
    gates: Callable[[Iterable[Any], Any], Any]
    course: Any
    open_call: Any

    def open(self, gates: Any, clock: Clock = SYSTEM_CLOCK, **parts: Any) -> Any:
        """A call that has not begun."""
        call = Call("server", "thrift", caller="a.b.c", callee="d.e.f", method="Get")
        return self.open_call(call, self.course(gates, clock, **parts), lambda seconds: None)

    def run(self, gates: Any) -> None:
        """A call from its beginning to its end."""
        self.open(gates).run(lambda call: None)


@pytest.fixture(params=["c", "twin"])
def kit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    if request.param == "c":
        if native is None:
            pytest.skip("the extension is not in use")
        yield Kit(GateLock, Gates, Course, OpenCall)
        return
    monkeypatch.setattr(pie.call.sync, "flow", flow_in_python)
    yield Kit(PythonGateLock, GateList, PythonCourse, PythonOpenCall)
