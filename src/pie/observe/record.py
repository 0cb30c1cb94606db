"""The record gate: hands every finished call to the recorder."""

from collections.abc import Callable

from pie.model import Call


class Record:
    """Stands right behind the trace gate, so that rejections are recorded like answers."""

    def __init__(self, record: Callable[[Call], None]) -> None:
        self._record = record

    def enter(self, call: Call) -> None:
        pass

    def leave(self, call: Call) -> None:
        self._record(call)
