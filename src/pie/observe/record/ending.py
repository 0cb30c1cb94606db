"""The end of a process: what was counted and recorded is written, however Python lets us know."""

import atexit
import contextlib
import weakref
from typing import Protocol

from pie.model import at_child_end


class _Writes(Protocol):
    def flush(self, *, final: bool) -> bool: ...
    def end(self) -> None: ...


class _Writers:
    """The writers of this process."""

    def __init__(self) -> None:
        self._known: weakref.WeakSet[_Writes] = weakref.WeakSet()
        at_child_end(self.flush)

    def add(self, writer: _Writes) -> None:
        """Flush, or end, a writer when this process ends."""
        self._known.add(writer)

    def flush(self) -> None:
        """This process is a child that ends in order."""
        for writer in list(self._known):
            with contextlib.suppress(Exception):  # Nothing is left to say it to.
                writer.flush(final=True)

    def end(self) -> None:
        """The interpreter ends."""
        for writer in list(self._known):
            with contextlib.suppress(Exception):
                writer.end()


_writers = _Writers()
write_at_end = _writers.add
atexit.register(_writers.end)
